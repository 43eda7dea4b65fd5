"""Colours of classes, and the static figure for papers."""

from tsne_widget.plotting.colors import UNKNOWN_COLOR, class_colors
from tsne_widget.plotting.figure import plot_embedding

__all__ = ["UNKNOWN_COLOR", "class_colors", "plot_embedding"]
