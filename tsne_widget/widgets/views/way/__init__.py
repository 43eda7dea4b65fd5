"""The way view."""
