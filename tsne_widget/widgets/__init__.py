"""The views, and the one mutable state they share. Only this folder knows of ipywidgets."""
