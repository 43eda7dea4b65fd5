"""Numbers about samples: arrays in, arrays (or one frame) out."""

from tsne_widget.analysis.certainty import confidence, margin
from tsne_widget.analysis.frame import sample_frame
from tsne_widget.analysis.polygon import PolygonIndex

__all__ = ["PolygonIndex", "confidence", "margin", "sample_frame"]
