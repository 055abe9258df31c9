"""The words of a verdict about one map and one image."""

DRIVES = "drives"
NEGLIGIBLE = "negligible"
UNDECIDED = "undecided"
NO_DEPENDENCE = "no dependence found"

FEWEST_UNITS = 6
