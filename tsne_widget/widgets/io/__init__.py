"""Saving, loading and exporting an exploration."""
