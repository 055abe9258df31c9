"""Which cases: those that have most of a map, and the groups that they form."""
