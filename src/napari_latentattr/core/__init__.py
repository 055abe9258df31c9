"""Vocabulary and mathematics; numpy and scipy only."""
