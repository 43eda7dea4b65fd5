"""The strip view."""
