"""The selections view."""
