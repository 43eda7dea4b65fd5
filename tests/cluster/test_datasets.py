"""Ray datasets of pictures give the rows of a local run."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset

from tests.cluster.runs import N, run
from tests.extraction.nets import CLASSES, Pictures
from tsne_widget import InvalidInputError

ray = pytest.importorskip("ray", reason="ray is not installed")
pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # in ray itself
]


def png(tensor):
    """A picture (3, 8, 8) as the bytes of a PNG."""
    file = io.BytesIO()
    pixels = ((tensor.clamp(-2, 2) + 2) / 4 * 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def decoded(content):
    pixels = np.asarray(Image.open(io.BytesIO(content)), np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)) / 255


class Encoded(Dataset):
    def __init__(self):
        self.contents = [png(picture) for picture, _ in Pictures(N)]

    def __len__(self):
        return N

    def __getitem__(self, index):
        return torch.from_numpy(decoded(self.contents[index])), index % CLASSES


def test_parquet_of_paths_and_bytes_of_pictures_gives_the_rows_of_a_local_run(machines, tmp_path):
    paths = [str(tmp_path / f"{index}.png") for index in range(N)]
    table = [
        {"path": path, "label": index % CLASSES, "bytes": content}
        for index, (path, content) in enumerate(zip(paths, Encoded().contents, strict=True))
    ]
    for row in table[::2]:  # half of the pictures are files; the table has only their paths
        Path(row["path"]).write_bytes(row["bytes"])
        row["bytes"] = None
    folder = tmp_path / "table"
    folder.mkdir()
    for part in range(3):
        parquet.write_table(pyarrow.Table.from_pylist(table[part::3]), folder / f"{part}.parquet")

    def prepared(row):
        content = row["bytes"] or Path(row["path"]).read_bytes()
        return {"image": decoded(content), "label": row["label"], "path": row["path"]}

    found = run(ray.data.read_parquet(str(folder)).map(prepared))
    order = [paths.index(path) for path in found.paths]
    assert sorted(order) == list(range(N))
    expected = run(torch.utils.data.Subset(Encoded(), order))
    assert np.array_equal(found.labels, np.asarray(order) % CLASSES)
    for name in ("features", "logits", "predictions"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert np.array_equal(found.ids, np.arange(N))


def test_a_folder_of_pictures_as_a_ray_dataset(machines, tmp_path):
    for index, content in enumerate(Encoded().contents[:10]):
        (tmp_path / f"{index}.png").write_bytes(content)

    def prepared(row):
        image = row["image"].astype(np.float32).transpose(2, 0, 1) / 255
        return {"image": np.ascontiguousarray(image), "path": row["path"]}

    data = ray.data.read_images(str(tmp_path), include_paths=True).map(prepared)
    found = run(data)
    order = [int(path.rpartition("/")[2].removesuffix(".png")) for path in found.paths]
    assert sorted(order) == list(range(10))
    expected = run(torch.utils.data.Subset(Encoded(), order))
    assert np.array_equal(found.features, expected.features)
    assert found.labels is None
    with pytest.raises(InvalidInputError, match=r"Ray datasets cannot be resumed"):
        run(data, store=tmp_path / "store")
