"""The data that ships with the package; each folder carries its licence."""
