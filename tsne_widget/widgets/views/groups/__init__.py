"""The panel of groups of mistakes."""
