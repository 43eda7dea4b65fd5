"""Extract features from a trained model and a dataset."""

from __future__ import annotations

from tsne_widget.extraction.attribution.evidence import evidence as evidence
from tsne_widget.extraction.extract import extract as extract
