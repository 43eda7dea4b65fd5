"""Numbers about samples: arrays in, arrays (or one frame) out."""

from tsne_widget.analysis.certainty import confidence, entropy, loss, margin
from tsne_widget.analysis.clusters import Verdict, verdict
from tsne_widget.analysis.comparing import CHANGES, aligned, changes, shared_rows
from tsne_widget.analysis.confusion import (
    accuracy,
    class_report,
    confused_pairs,
    confusion_counts,
    row_shares,
)
from tsne_widget.analysis.diagnosis import (
    Diagnosis,
    Finding,
    describe_layer,
    diagnose,
    diagnosis_seconds,
)
from tsne_widget.analysis.duplicates import Duplicates, near_duplicates
from tsne_widget.analysis.frame import sample_frame
from tsne_widget.analysis.lenses import (
    LENS_NAMES,
    LENSES,
    Lens,
    lens_is_ready,
    lens_lacks,
    lens_rows,
)
from tsne_widget.analysis.matching import matching_rows
from tsne_widget.analysis.neighbor_index import NeighborIndex
from tsne_widget.analysis.neighborhoods import (
    LayerSummary,
    NearestRows,
    knn_accuracy,
    label_agreement,
    layer_summary,
    nearest_rows,
    neighbor_vote,
    silhouette,
)
from tsne_widget.analysis.outliers import outlier_score
from tsne_widget.analysis.polygon import PolygonIndex
from tsne_widget.analysis.scores import Scores
from tsne_widget.analysis.suspicion import LabelErrors, label_errors, label_suspicion
from tsne_widget.analysis.trust import Faithfulness, faithfulness

__all__ = [
    "CHANGES",
    "LENSES",
    "LENS_NAMES",
    "Diagnosis",
    "Duplicates",
    "Faithfulness",
    "Finding",
    "LabelErrors",
    "LayerSummary",
    "Lens",
    "NearestRows",
    "NeighborIndex",
    "PolygonIndex",
    "Scores",
    "Verdict",
    "accuracy",
    "aligned",
    "changes",
    "class_report",
    "confidence",
    "confused_pairs",
    "confusion_counts",
    "describe_layer",
    "diagnose",
    "diagnosis_seconds",
    "entropy",
    "faithfulness",
    "knn_accuracy",
    "label_agreement",
    "label_errors",
    "label_suspicion",
    "layer_summary",
    "lens_is_ready",
    "lens_lacks",
    "lens_rows",
    "loss",
    "margin",
    "matching_rows",
    "near_duplicates",
    "nearest_rows",
    "neighbor_vote",
    "outlier_score",
    "row_shares",
    "sample_frame",
    "shared_rows",
    "silhouette",
    "verdict",
]
