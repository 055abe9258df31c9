"""Worlds with a truth, contestants that look for it, and how they did."""
