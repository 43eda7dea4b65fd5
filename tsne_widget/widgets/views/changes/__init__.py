"""The changes view."""
