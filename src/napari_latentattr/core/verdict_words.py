"""The words of a verdict about one map and one image."""

DRIVES = "drives"
NEGLIGIBLE = "negligible"
UNDECIDED = "undecided"
NO_DEPENDENCE = "no dependence found"

# No verdict: what was asked is still being measured.
NOT_FINAL = "not final"

FEWEST_UNITS = 6
