"""Features → map: the t-SNE estimator, its forces, and measures of map quality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsne_widget.projection.tsne import TSNE as TSNE

__all__ = ["TSNE"]


def __getattr__(name: str) -> Any:
    """Import ``TSNE`` on first use: it needs scikit-learn, the neighbour search does not."""
    if name == "TSNE":
        from tsne_widget.projection.tsne import TSNE

        return TSNE
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
