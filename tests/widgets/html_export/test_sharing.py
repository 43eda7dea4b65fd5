"""The HTML file of a map: its content, what it omits, its limits, and disk errors."""

import base64
import hashlib
import io
import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.faults.attacks import TEXTS
from tests.images.pictures import encoded, noise
from tests.widgets.html_export.shared_pages import SharedPage
from tsne_widget import (
    EmbeddingExplorer,
    FeatureSet,
    InvalidInputError,
    StoreError,
    save_html,
)
from tsne_widget.errors import DoubtWarning
from tsne_widget.images import ArrayImages
from tsne_widget.widgets.frontend.assets import bundle
from tsne_widget.widgets.html_export.pictures import shared_pictures

N = 40
CONTENT = "tsne_widget.widgets.html_export.content"

# For records whose paths are only names.
without_files = pytest.mark.filterwarnings("ignore:.* pictures could not be read")


def make_record(n=N, **fields) -> FeatureSet:
    rng = np.random.default_rng(0)
    labels = np.where(np.arange(n) % 10 == 9, -1, np.arange(n) % 4)
    return FeatureSet.from_arrays(
        rng.normal(size=(n, 3)),
        labels,
        **{
            "logits": rng.normal(size=(n, 4)),
            "class_names": ["cat", "dog", "owl", "ant"],
            "ids": np.arange(n) * 3,
            "paths": [f"/home/mallory/secret/animals/{row}.png" for row in range(n)],
        }
        | fields,
    )


def xy(record) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(len(record), 2)).astype(np.float32)


def pictures(n, size=8) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (n, size, size, 3), dtype="u1")


@pytest.fixture
def saved(tmp_path):
    def save(record=None, **options) -> SharedPage:
        record = make_record() if record is None else record
        options = {"images": pictures(3 * len(record))} | options
        return SharedPage(save_html(record, xy(record), tmp_path / "map.html", **options))

    return save


# ---- content ----


def test_page_contains_the_data_of_the_frame(tmp_path):
    with EmbeddingExplorer(make_record(), embedding=xy(make_record())) as explorer:
        explorer.name_selection("few", [1, 5])
        page = SharedPage(explorer.save_html(tmp_path / "map.html", thumbnail=0))
        frame = explorer.to_dataframe("all")
    record = page.record
    names = [*record["names"], None]
    assert page.numbers(record["ids"]) == frame.index.tolist()
    for column in ("x", "y"):
        assert page.numbers(record[column]) == frame[column].tolist()
    scores = {score["name"]: page.numbers(score["values"]) for score in record["scores"]}
    assert scores["confidence"] == frame["confidence"].tolist()
    assert scores["margin"] == frame["margin"].tolist()
    for column in ("label", "prediction"):
        codes = page.numbers(record[f"{column}s"])
        assert [names[code] for code in codes] == [
            None if pd.isna(name) else name for name in frame[f"{column}_name"]
        ]
    chosen = page.numbers(record["selections"][0]["rows"])
    assert chosen == np.flatnonzero(frame["selection"].fillna("") == "few").tolist()
    assert record["paths"] == [path.rpartition("/")[2] for path in frame["path"]]


@without_files
def test_page_opens_in_the_state_of_the_explorer(tmp_path):
    with EmbeddingExplorer(make_record(), embedding=xy(make_record())) as explorer:
        explorer.visible_classes = ["cat", "owl"]
        explorer.select([0, 2, 4])
        explorer.color_by = "correct"
        record = SharedPage(explorer.save_html(tmp_path / "map.html")).record
    assert record["hidden"] == [1, 3, 4]  # 4: those without a label
    assert record["color_by"] == "correct"
    assert base64.b64decode(record["selected"]["data"]) == np.uint32([0, 2, 4]).tobytes()


def test_every_picture_is_the_thumbnail_of_its_id(saved):
    record = make_record()
    for size in (8, 60):  # PNG and JPEG
        originals = pictures(3 * len(record), size)
        page = saved(record, images=originals, thumbnail=40)
        for row in (0, 7, N - 1):
            shown = Image.open(io.BytesIO(page.picture(row)))
            assert shown.size == (min(size, 40),) * 2
            expected = Image.fromarray(originals[record.ids[row]])
            expected.thumbnail((40, 40), Image.Resampling.LANCZOS)
            difference = np.abs(np.asarray(shown, float) - np.asarray(expected, float))
            assert difference.mean() < 30  # noise after JPEG


def test_common_jpeg_header_is_stored_once():
    n = 30
    found = shared_pictures(ArrayImages(pictures(n, 60)), np.arange(n), 48, progress=False)
    assert [len(head) > 300 for head in found.heads] == [False, True]
    assert set(found.head.tolist()) == {1}
    assert b"JFIF" not in found.bodies


def test_broken_pictures_are_counted_and_have_a_reason(saved, tmp_path):
    folder = tmp_path / "private"
    folder.mkdir()
    files = [folder / f"{row}.png" for row in range(4)]
    for file in files[:2]:
        file.write_bytes(encoded(noise(), "PNG"))
    files[2].write_bytes(b"no picture")
    record = make_record(4, ids=np.arange(4), paths=files)
    with pytest.warns(DoubtWarning, match="2 of 4 pictures could not be read; the page says why"):
        page = saved(record, images=None)
    assert page.record["notes"]["pictures"] == "2 of 4 pictures could not be read"
    assert sorted(page.record["pictures"]["notes"]) == ["2", "3"]
    assert page.picture(2) == page.picture(3) == b""
    assert "private" not in page.text


def test_page_without_images_has_no_pictures(saved):
    page = saved(thumbnail=0)
    assert page.record["has_images"] is False
    assert page.contents.get("tw-pictures", "") == ""


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"class_names": ["a", "b"]},
        {"class_names": ["all samples", "b"]},
        {"labels": [0, 1] * 4},
        {"labels": [-1] * 8},
        {"predictions": [0, 1] * 4},
        {"predictions": [0, 1] * 4, "class_names": ["a", "b", "c"]},
    ],
)
def test_an_explorer_is_shared_whatever_its_record_lacks(tmp_path, known):
    record = FeatureSet.from_arrays(np.eye(8), **known)
    with EmbeddingExplorer(record, embedding=np.eye(8)[:, :2]) as explorer:
        explorer.select([1, 2])
        explorer.name_selection("few")
        page = SharedPage(explorer.save_html(tmp_path / "map.html", progress=False))
        assert 0 not in page.record["hidden"]
        assert page.numbers(page.record["selected"]) == [1, 2]
        explorer.visible_classes = []
        page = SharedPage(explorer.save_html(tmp_path / "map.html", progress=False))
        assert 0 in page.record["hidden"]
        explorer.visible_classes = explorer.state.class_names
        assert len(explorer.figure().axes[0].collections) > 0


def test_the_one_class_of_all_samples_has_the_colour_that_was_given(tmp_path):
    record = FeatureSet.from_arrays(np.eye(8), class_names=["a", "b"])
    colors = {"all samples": "#123456"}
    with EmbeddingExplorer(record, embedding=np.eye(8)[:, :2], colors=colors) as explorer:
        page = SharedPage(explorer.save_html(tmp_path / "map.html", progress=False))
    assert page.record["colors"] == ["#123456"]


def test_a_record_without_labels_or_predictions_can_be_shared(saved):
    record = FeatureSet.from_arrays(np.eye(5))
    page = saved(record, images=None)
    assert page.record["labels"] is page.record["predictions"] is page.record["paths"] is None


def test_page_contains_only_the_requested_rows(saved):
    page = saved(
        rows=np.arange(N) % 2 == 0, selected=[0, 1, 2], selections={"odd": [1], "few": [4]}
    )
    assert page.record["n"] == N / 2
    assert page.numbers(page.record["ids"]) == [3 * row for row in range(0, N, 2)]
    assert page.numbers(page.record["selected"]) == [0, 1]
    assert [page.numbers(one["rows"]) for one in page.record["selections"]] == [[], [2]]


def test_ids_beyond_32_bits_are_exact(saved):
    ids = np.array([2**53 + 1, 2**62 + 1, 5], dtype=np.int64)
    page = saved(make_record(3, ids=ids, paths=None), images=None)
    assert page.numbers(page.record["ids"]) == ids.tolist()


# ---- what the page omits ----


def test_page_contains_no_absolute_path_and_no_metadata(saved, tmp_path):
    file = tmp_path / "holiday.jpg"
    image = noise(80, 80)
    exif = image.getexif()
    exif[0x010E] = "a private remark"
    image.save(file, exif=exif, comment=b"another private remark")
    record = make_record(2, ids=[0, 1], paths=[file, file])
    page = saved(record, images=None)
    assert page.record["paths"] == ["holiday.jpg", "holiday.jpg"]
    for secret in (str(tmp_path), "mallory", "private remark"):
        assert secret not in page.text
    picture = page.picture(0)
    assert b"private remark" not in picture
    assert b"Exif" not in picture
    assert not Image.open(io.BytesIO(picture)).getexif()


def test_page_contains_whole_paths_on_request(saved):
    assert saved(whole_paths=True).record["paths"][0] == "/home/mallory/secret/animals/0.png"


@without_files
@pytest.mark.parametrize(
    "path", ["C:\\Users\\me\\cat.png", "/home/me/cat.png", "cat.png", "a/cat.png/"]
)
def test_page_contains_only_the_last_part_of_a_path(saved, path):
    page = saved(make_record(1, ids=[0], paths=[path]), images=None)
    assert page.record["paths"] == ["cat.png"]


@without_files
def test_hostile_text_cannot_leave_its_script_element(saved):
    names = list(
        dict.fromkeys([*TEXTS, "</script><script>window.pwned=1</script>", "<!--", "\u2028"])
    )
    labels = np.arange(len(names))
    record = FeatureSet.from_arrays(
        np.eye(len(names)), labels, class_names=names, paths=[f"x/{name}" for name in names]
    )
    page = saved(record, images=None, title="</title><script>window.pwned=1</script>")
    assert page.record["names"] == names
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 3
    raw = page.contents["tw-record"]
    assert raw.isascii()
    assert not set("<>&") & set(raw)


def test_policy_allows_only_the_script_and_style_of_the_page(saved):
    page = saved()
    for kind, content in (("script", page.contents["module"]), ("style", page.contents["style"])):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none';")
    assert "unsafe" not in page.policy
    assert not [known for _, known in page.elements if known.keys() & {"src", "href", "onload"}]


def test_script_of_the_page_can_be_inlined():
    assert "</script" not in bundle("page.js").lower()
    assert "<!--" not in bundle("page.js")


# ---- limits ----


def test_3589_rows_with_pictures_take_less_than_15_megabytes(tmp_path):
    n = 3_589
    rng = np.random.default_rng(0)
    # Noise on a smooth background compresses like photographs.
    small = rng.integers(0, 256, (n, 6, 6, 3), dtype="u1")
    smooth = [
        np.asarray(Image.fromarray(one).resize((48, 48), Image.Resampling.BICUBIC)) for one in small
    ]
    rough = np.clip(np.array(smooth, float) + rng.normal(0, 12, (n, 48, 48, 3)), 0, 255).astype(
        "u1"
    )
    logits = rng.normal(size=(n, 7))
    record = FeatureSet.from_arrays(rng.normal(size=(n, 8)), logits.argmax(axis=1), logits=logits)
    path = save_html(record, xy(record), tmp_path / "map.html", images=rough, progress=False)
    assert path.stat().st_size < 15e6


def test_rows_above_the_limit_are_sampled_by_class_with_a_warning(saved, monkeypatch):
    monkeypatch.setattr(f"{CONTENT}.DEFAULT_ROWS", 20)
    with pytest.warns(UserWarning, match=r"20 of 40 samples.*max_rows="):
        page = saved(selected=[39])
    assert page.record["n"] == 20
    said = "20 of 40 pictures: a sample of every class, including all selected ones"
    assert page.record["notes"]["sample"] == said
    assert set(page.numbers(page.record["labels"])) == {-1, 0, 1, 2, 3}
    assert 39 * 3 in page.numbers(page.record["ids"])


def test_requested_sample_gives_no_warning(saved):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert saved(max_rows=7).record["n"] == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_rows": 0}, r"max_rows=0 must be 1 … 100,000"),
        ({"max_rows": 200_000}, r"max_rows=200000 must be 1 … 100,000"),
        ({"thumbnail": 401}, r"thumbnail=401 must be 1 … 400"),
        ({"thumbnail": "48"}, r"thumbnail='48' must be"),
        ({"rows": []}, "rows are empty"),
        ({"rows": [N]}, "rows must be 0 … 39"),
        ({"color_by": "colour"}, "color_by='colour' .*label"),
        ({"visible_classes": ["cow"]}, "there is no class 'cow'"),
        ({"scores": {"age": [1, 2]}}, r"scores\['age'\] must be an array of numbers"),
        ({"selections": {"all": [1]}}, "'all' cannot name a selection"),
        ({"title": 3}, "title must be text"),
    ],
)  # fmt: skip
def test_invalid_arguments_are_refused_before_writing(saved, tmp_path, options, message):
    with pytest.raises(InvalidInputError, match=message):
        saved(**options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("embedding", [np.zeros((3, 2)), np.full((N, 2), np.nan), [["a", "b"]] * N])
def test_embedding_of_wrong_shape_is_refused(tmp_path, embedding):
    with pytest.raises(InvalidInputError, match="embedding"):
        save_html(make_record(), embedding, tmp_path / "map.html")


def test_page_path_must_end_in_html(tmp_path):
    with pytest.raises(InvalidInputError, match=r"path must end in .html, got 'map.pdf'"):
        save_html(make_record(), xy(make_record()), tmp_path / "map.pdf")


def test_too_many_bytes_of_pictures_are_refused(saved, monkeypatch):
    monkeypatch.setattr(f"{CONTENT}.MAX_PICTURE_BYTES", 1000)
    with pytest.raises(InvalidInputError, match=r"thumbnail= or max_rows="):
        saved()


def test_missing_scores_are_unknown(saved):
    values = np.where(np.arange(N) % 2, np.nan, 0.5)
    page = saved(scores={"suspicion": values})
    score = next(one for one in page.record["scores"] if one["name"] == "suspicion")
    assert [math.isnan(value) for value in page.numbers(score["values"])] == [
        bool(row % 2) for row in range(N)
    ]


# ---- the file ----


def test_full_disk_keeps_the_existing_page(saved, tmp_path, monkeypatch):
    saved()
    before = (tmp_path / "map.html").read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        saved(title="another")
    assert (tmp_path / "map.html").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["map.html"]


def test_an_interrupt_while_thumbnails_are_made_leaves_nothing(tmp_path):
    class Interrupting(ArrayImages):
        def image(self, id):  # noqa: A002
            if id == 5:
                raise KeyboardInterrupt
            return super().image(id)

    record = make_record(ids=np.arange(N))
    with pytest.raises(KeyboardInterrupt):
        save_html(record, xy(record), tmp_path / "map.html", images=Interrupting(pictures(N)))
    assert not list(tmp_path.iterdir())


def test_same_map_gives_the_same_file(saved, tmp_path):
    saved()
    before = (tmp_path / "map.html").read_bytes()
    saved()
    assert (tmp_path / "map.html").read_bytes() == before


def test_page_can_be_saved_from_a_script_without_a_widget_stack(tmp_path):
    code = (
        "import sys, numpy as np; from tsne_widget import FeatureSet, save_html\n"
        "record = FeatureSet.from_arrays(np.eye(3))\n"
        f"save_html(record, np.eye(3)[:, :2], {str(tmp_path / 'a.html')!r})\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'traitlets', 'ipywidgets', 'bqplot', 'anywidget', 'IPython'}, loaded"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
    assert (tmp_path / "a.html").stat().st_size > 10_000
