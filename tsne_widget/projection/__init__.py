"""Features → (n, 2) map: the t-SNE estimator, its forces, and measures of a map's quality."""

from tsne_widget.projection.tsne import TSNE

__all__ = ["TSNE"]
