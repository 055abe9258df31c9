"""The work behind each command; writes into a folder that it is given, and prints nothing."""
