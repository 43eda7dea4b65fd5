"""Extracted rows on disk and in memory."""
