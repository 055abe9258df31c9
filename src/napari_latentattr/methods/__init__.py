"""One file per method, a function each."""
