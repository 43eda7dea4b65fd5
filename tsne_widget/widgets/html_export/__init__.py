"""An exploration as one HTML file."""
