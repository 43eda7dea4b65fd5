"""Colours of classes, and static figures for papers."""

from tsne_widget.plotting.colors import UNKNOWN_COLOR, class_colors
from tsne_widget.plotting.figure import plot_embedding
from tsne_widget.plotting.panels import plot_embeddings

__all__ = ["UNKNOWN_COLOR", "class_colors", "plot_embedding", "plot_embeddings"]
