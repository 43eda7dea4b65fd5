"""How much each place of a picture speaks for a class, and a test of that answer."""
