"""An explorer with pictures and columns, and the page of its gallery."""

import numpy as np
import pytest

from tests.widgets.views.gallery_page import GalleryPage, N, make_record
from tsne_widget import EmbeddingExplorer


@pytest.fixture
def page():
    images = np.arange(200 * 64, dtype=np.uint8).reshape(200, 8, 8)
    columns = {"speed": np.arange(N) % 7, "camera": np.array(["b", "a"] * (N // 2))}
    with EmbeddingExplorer(
        make_record(), embedding=np.random.default_rng(1).normal(size=(N, 2)), images=images,
        columns=columns,
    ) as explorer:  # fmt: skip
        page = GalleryPage(explorer)
        page.in_dataset_order()
        yield page
