"""Extracted rows in memory and on disk."""
