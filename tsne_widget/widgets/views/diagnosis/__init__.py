"""The diagnosis view."""
