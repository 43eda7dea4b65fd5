"""The mutable state that all views share."""
