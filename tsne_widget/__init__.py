"""See why a trained torch image classifier is wrong.

    explorer = EmbeddingExplorer.from_model(model, dataset)
    explorer

Names are imported on first use: ``import tsne_widget`` loads neither torch nor ipywidgets.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "EmbeddingExplorer": "tsne_widget.widgets.explorer",
    "FeatureSet": "tsne_widget.feature_set",
    "TSNE": "tsne_widget.projection",
    "extract": "tsne_widget.extraction",
    "evidence": "tsne_widget.extraction",
    "plot_embedding": "tsne_widget.plotting",
    "plot_embeddings": "tsne_widget.plotting",
    "compare": "tsne_widget.widgets.compare",
    "Comparison": "tsne_widget.widgets.compare",
    "save_html": "tsne_widget.widgets.html_export.save_html",
    "ImageSource": "tsne_widget.images",
    "ArrayImages": "tsne_widget.images",
    "FileImages": "tsne_widget.images",
    "DatasetImages": "tsne_widget.images",
    "TsneWidgetError": "tsne_widget.errors",
    "InvalidInputError": "tsne_widget.errors",
    "WrongCallError": "tsne_widget.errors",
    "LayerNotFoundError": "tsne_widget.errors",
    "ExtractionError": "tsne_widget.errors",
    "ImageError": "tsne_widget.errors",
    "StoreError": "tsne_widget.errors",
    "WaitTimeoutError": "tsne_widget.errors",
}

__all__ = sorted(_HOMES)

if TYPE_CHECKING:
    from tsne_widget.errors import ExtractionError as ExtractionError
    from tsne_widget.errors import ImageError as ImageError
    from tsne_widget.errors import InvalidInputError as InvalidInputError
    from tsne_widget.errors import LayerNotFoundError as LayerNotFoundError
    from tsne_widget.errors import StoreError as StoreError
    from tsne_widget.errors import TsneWidgetError as TsneWidgetError
    from tsne_widget.errors import WaitTimeoutError as WaitTimeoutError
    from tsne_widget.errors import WrongCallError as WrongCallError
    from tsne_widget.extraction.attribution.evidence import evidence as evidence
    from tsne_widget.extraction.extract import extract as extract
    from tsne_widget.feature_set import FeatureSet as FeatureSet
    from tsne_widget.images import ArrayImages as ArrayImages
    from tsne_widget.images import DatasetImages as DatasetImages
    from tsne_widget.images import FileImages as FileImages
    from tsne_widget.images import ImageSource as ImageSource
    from tsne_widget.plotting import plot_embedding as plot_embedding
    from tsne_widget.plotting import plot_embeddings as plot_embeddings
    from tsne_widget.projection import TSNE as TSNE
    from tsne_widget.widgets.compare import Comparison as Comparison
    from tsne_widget.widgets.compare import compare as compare
    from tsne_widget.widgets.explorer import EmbeddingExplorer as EmbeddingExplorer
    from tsne_widget.widgets.html_export.save_html import save_html as save_html


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
