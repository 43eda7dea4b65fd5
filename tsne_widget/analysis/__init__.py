"""Numbers about samples: arrays in, arrays or a DataFrame out."""

from tsne_widget.analysis.calibration import (
    Calibrated,
    Reliability,
    calibrated_confidence,
    reliability,
)
from tsne_widget.analysis.certainty import (
    confidence,
    entropy,
    label_rank,
    loss,
    margin,
    top_k_accuracy,
)
from tsne_widget.analysis.changes import CHANGES, aligned, changes, shared_rows
from tsne_widget.analysis.clusters import Verdict, verdict
from tsne_widget.analysis.confusion import (
    accuracy,
    classification_report,
    confused_pairs,
    confusion_matrix,
    row_shares,
)
from tsne_widget.analysis.contrast import Contrast, contrast, contrast_caption, contrast_frame
from tsne_widget.analysis.diagnosis import (
    Diagnosis,
    Finding,
    describe_layer,
    diagnose,
    diagnosis_seconds,
)
from tsne_widget.analysis.duplicates import Duplicates, near_duplicates
from tsne_widget.analysis.evidence import evidence_entropy, evidence_in_border, mean_evidence
from tsne_widget.analysis.finders import (
    FINDER_NAMES,
    FINDERS,
    Finder,
    finder_is_ready,
    finder_lacks,
    finder_order,
    finder_rows,
)
from tsne_widget.analysis.frame import sample_frame
from tsne_widget.analysis.intervals import accuracy_table, difference_interval, wilson_interval
from tsne_widget.analysis.label_quality import LabelErrors, label_errors, label_suspicion
from tsne_widget.analysis.mistake_groups import (
    MistakeGroup,
    MistakeGroups,
    find_groups,
    groups_frame,
    mistake_groups,
)
from tsne_widget.analysis.neighbor_index import NeighborIndex
from tsne_widget.analysis.neighborhoods import (
    KNeighbors,
    LayerSummary,
    kneighbors,
    knn_accuracy,
    label_agreement,
    layer_summary,
    neighbor_vote,
    silhouette,
)
from tsne_widget.analysis.outliers import outlier_score
from tsne_widget.analysis.picture_scores import (
    PictureScores,
    duplicate_groups,
    label_conflict,
    size_oddity,
)
from tsne_widget.analysis.polygon import PolygonIndex
from tsne_widget.analysis.same_pictures import conflicting, equal_pictures, similar_pictures
from tsne_widget.analysis.score_values import Scores
from tsne_widget.analysis.scores import SCORES, Score
from tsne_widget.analysis.shortcuts import Shortcut, shortcuts, shortcuts_frame
from tsne_widget.analysis.text_search import matching_rows
from tsne_widget.analysis.trust import Faithfulness, faithfulness

__all__ = [
    "CHANGES",
    "FINDERS",
    "FINDER_NAMES",
    "SCORES",
    "Calibrated",
    "Contrast",
    "Diagnosis",
    "Duplicates",
    "Faithfulness",
    "Finder",
    "Finding",
    "KNeighbors",
    "LabelErrors",
    "LayerSummary",
    "MistakeGroup",
    "MistakeGroups",
    "NeighborIndex",
    "PictureScores",
    "PolygonIndex",
    "Reliability",
    "Score",
    "Scores",
    "Shortcut",
    "Verdict",
    "accuracy",
    "accuracy_table",
    "aligned",
    "calibrated_confidence",
    "changes",
    "classification_report",
    "confidence",
    "conflicting",
    "confused_pairs",
    "confusion_matrix",
    "contrast",
    "contrast_caption",
    "contrast_frame",
    "describe_layer",
    "diagnose",
    "diagnosis_seconds",
    "difference_interval",
    "duplicate_groups",
    "entropy",
    "equal_pictures",
    "evidence_entropy",
    "evidence_in_border",
    "faithfulness",
    "find_groups",
    "finder_is_ready",
    "finder_lacks",
    "finder_order",
    "finder_rows",
    "groups_frame",
    "kneighbors",
    "knn_accuracy",
    "label_agreement",
    "label_conflict",
    "label_errors",
    "label_rank",
    "label_suspicion",
    "layer_summary",
    "loss",
    "margin",
    "matching_rows",
    "mean_evidence",
    "mistake_groups",
    "near_duplicates",
    "neighbor_vote",
    "outlier_score",
    "reliability",
    "row_shares",
    "sample_frame",
    "shared_rows",
    "shortcuts",
    "shortcuts_frame",
    "silhouette",
    "similar_pictures",
    "size_oddity",
    "top_k_accuracy",
    "verdict",
    "wilson_interval",
]
