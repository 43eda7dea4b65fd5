"""From a trained model and a dataset to a FeatureSet."""

from __future__ import annotations

from tsne_widget.extraction.extract import extract as extract
