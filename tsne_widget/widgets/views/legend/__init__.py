"""The legend view."""
