"""The toolbar view."""
