"""The scores view."""
