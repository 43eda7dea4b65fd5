"""The gallery view."""
