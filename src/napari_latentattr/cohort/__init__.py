"""Many cases, read when they are needed."""
