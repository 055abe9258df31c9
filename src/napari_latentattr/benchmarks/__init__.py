"""Planted truth and speed, measured by anyone who runs them."""
