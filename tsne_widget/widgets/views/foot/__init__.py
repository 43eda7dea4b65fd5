"""The foot view."""
