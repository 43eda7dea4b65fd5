"""One folder per view: its Python, script and style."""
