"""The comparison bar view."""
