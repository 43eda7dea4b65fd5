"""The look view."""
