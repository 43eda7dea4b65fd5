"""The maps of one explorer and their computation."""
