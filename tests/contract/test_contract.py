"""Conversations with the kernel's views, replayed by node against the exported page."""

from __future__ import annotations

import math
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.cases import RECORDS, known_evidence, opened, saved_selections, two_groups
from tests.contract.conversations import ACTIONS, CONVERSATIONS, NAMES, diagnosis_of_selections
from tests.contract.kernel import KERNEL_ONLY_MESSAGES, Kernel
from tests.node import Node
from tsne_widget._text import fold, printable
from tsne_widget.analysis.scores import SCORES
from tsne_widget.widgets.models import tiles
from tsne_widget.widgets.state.evidence import TARGETS
from tsne_widget.widgets.state.explorer_state import ExplorerState

ROOT = Path(__file__).resolve().parents[2]
ALL_SCORES = ("label_agreement", "suspicion", "outlier_score", "trustworthiness")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Node("../../tests/contract/replay.mjs") as process:
        yield process


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make replies contain all tiles, even on a slow machine."""
    monkeypatch.setattr(tiles, "MAX_REPLY_SECONDS", np.inf)


def agree(node: Node, kernel: Kernel, only: tuple[str, ...] = ("",)) -> None:
    """Replay the conversation; ``only`` has beginnings of the traits that are compared."""
    case = kernel.case()
    for holder, name in [(case, "start"), *((step, "traits") for step in case["steps"])]:
        holder[name] = {key: value for key, value in holder[name].items() if key.startswith(only)}
    assert node.call("replay", case) == []


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("record", RECORDS)
def test_page_and_kernel_answer_every_message_the_same(node, tmp_path, record, conversation):
    kernel = opened(record, tmp_path)
    CONVERSATIONS[conversation](kernel)
    agree(node, kernel)


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("record", ["labels", "unknown"])
def test_page_continues_from_its_saved_state(node, tmp_path, record, conversation):
    kernel = opened(record, tmp_path, prepare=saved_selections, scores=ALL_SCORES)
    CONVERSATIONS[conversation](kernel)
    agree(node, kernel)


def test_groups_of_classes_are_counted_the_same(node, tmp_path):
    def group(state):
        state.class_groups = {"pets": [0, 1], "birds": [2]}

    kernel = opened("unknown", tmp_path, prepare=group)
    CONVERSATIONS["confusion_cells"](kernel)
    assert kernel.views["confusion"].has_groups
    agree(node, kernel)


def test_tiles_carry_the_same_pictures_and_reasons(node, tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3), dtype="u1")
    kernel = opened("both", tmp_path, images=pictures)
    CONVERSATIONS["gallery_samples"](kernel)
    CONVERSATIONS["gallery_orders"](kernel)
    agree(node, kernel)


def test_stored_evidence_is_the_same_on_page_and_kernel(node, tmp_path):
    kernel = opened("logits", tmp_path, prepare=known_evidence)
    CONVERSATIONS["gallery_samples"](kernel)
    agree(node, kernel)
    for row in (0, 1, 2, 3):
        kernel.say("look", "focus", row=row)
        for target in TARGETS:
            kernel.say("look", "evidence", row=row, target=target)
    kernel.say("gallery", "arrange", source="visible", maps=True)
    for maps in (True, False):
        kernel.say("gallery", "arrange", maps=maps)
        epoch = kernel.views["gallery"].epoch
        kernel.say("gallery", "tiles", epoch=epoch, start=0, stop=12, size=96)
    agree(node, kernel)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(list(RECORDS)), st.booleans(), st.lists(ACTIONS, min_size=6, max_size=12))
def test_any_conversation_ends_the_same_on_page_and_kernel(
    node, tmp_path, record, is_saved, actions
):
    kernel = opened(
        record, tmp_path, prepare=saved_selections if is_saved and record != "bare" else None
    )
    for act in actions:
        act(kernel)
    agree(node, kernel)


@pytest.mark.parametrize("has_pictures", [False, True])
def test_known_groups_of_mistakes_are_the_same_on_page_and_kernel(node, tmp_path, has_pictures):
    pictures = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3), dtype="u1")
    images = pictures if has_pictures else None
    kernel = opened("both", tmp_path, prepare=two_groups, images=images)
    assert len(kernel.views["groups"].groups) == 2
    CONVERSATIONS["groups_of_mistakes"](kernel)
    assert kernel.state.selected.tolist() == [*range(3, 15), 18, 19, 20]
    agree(node, kernel)


def test_undo_has_the_same_limit_on_page_and_kernel(node, tmp_path):
    kernel = opened("logits", tmp_path)
    for step in range(60):
        kernel.say("map", "pick", point=step % 40, epoch=0, mode="replace")
    for _ in range(55):
        kernel.say("map", "undo")
    agree(node, kernel)


def test_too_many_selections_are_refused_on_page_and_kernel(node, tmp_path):
    kernel = opened("logits", tmp_path)
    kernel.say("toolbar", "misclassified")
    for number in range(202):
        kernel.say("selections", "name", name=f"number {number}")
    agree(node, kernel)


def photographed(state: ExplorerState) -> None:
    """A state whose pictures are measured; some properties go with a class, or with mistakes."""
    n, rng = len(state.codes), np.random.default_rng(0)
    wrong, is_dog = state.feature_set.misclassified, state.feature_set.labels == 1
    values = {
        "picture_brightness": rng.random(n) - 0.6 * wrong,
        "picture_contrast": rng.random(n) / 2 - 0.3 * wrong,
        "picture_saturation": np.where(is_dog, 0.9, 0.2) + rng.random(n) / 10,
        "picture_noise": np.where(rng.random(n) < 0.8, np.nan, rng.random(n)),
        "picture_hue": np.where(
            rng.random(n) < 0.2, np.nan, 360 * rng.random(n) ** (1 + 3 * wrong)
        ),
        "picture_is_grey": rng.random(n) < 0.2 + 0.6 * wrong,
        "picture_width": rng.integers(20, 24, n),
        "duplicate_group": np.where(np.arange(n) < n // 3, np.arange(n) // 2, np.nan),
    }
    state.scores.restore({name: column.astype(np.float32) for name, column in values.items()})


@pytest.mark.parametrize("record", ["long", "unknown", "predictions", "bare"])
def test_what_sets_rows_apart_is_the_same_on_page_and_kernel(node, tmp_path, record):
    has_labels = record in ("long", "unknown")
    kernel = opened(
        record,
        tmp_path,
        prepare=photographed if has_labels else None,
        scores=("label_agreement", "outlier_score") if has_labels else ("outlier_score",),
        diagnosis=True,
    )
    diagnosis_of_selections(kernel)
    agree(node, kernel, only=("diagnosis.", "map.selected"))


def test_every_message_of_every_view_is_part_of_a_conversation(tmp_path):
    said = set()
    for converse in [*CONVERSATIONS.values(), diagnosis_of_selections]:
        is_diagnosis = converse is diagnosis_of_selections
        prepare = photographed if is_diagnosis else None
        kernel = opened("logits", tmp_path, prepare=prepare, diagnosis=is_diagnosis)
        converse(kernel)
        said |= {f"{step['view']}.{step['content']['kind']}" for step in kernel.steps}
    assert kernel.kinds() - said == set(KERNEL_ONLY_MESSAGES)


# ---- text and numbers ----


@pytest.fixture(scope="module")
def text() -> Iterator[Node]:
    with Node("html_export/page/text.js") as process:
        yield process


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.floats(width=32, allow_nan=False), st.floats(0, 1, width=32))
def test_numbers_are_written_as_in_python(text, value, share):
    assert text.call("general", value if np.isfinite(value) else 0.0) == f"{value:.4g}" or not (
        np.isfinite(value)
    )
    assert text.call("scoreText", share, "percent") == SCORES["confidence"].text(share)
    assert text.call("scoreText", share, "nats") == SCORES["loss"].text(share)


@pytest.mark.parametrize("value", [1.0625, 0.00010005, 99995.0, 9999.5, 1e5, 1234500.0, 0.5, -2.5])
def test_ties_and_powers_are_rounded_as_in_python(text, value):
    assert text.call("general", value) == f"{value:.4g}"


@pytest.mark.parametrize("share", [0.1225, 0.5625, 0.0625, 0.00125, 1.0, 0.0, 0.99996])
def test_percentages_are_rounded_as_in_python(text, share):
    assert text.call("scoreText", share, "percent") == SCORES["confidence"].text(share)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=100) | st.sampled_from(NAMES))
def test_names_are_quoted_and_escaped_as_in_python(text, name):
    assert text.call("printable", name) == printable(name)
    shown = "".join(one for one in name if one.isprintable())
    assert text.call("quoted", shown) == repr(shown)


def test_tails_of_the_normal_distribution_are_those_of_python():
    with Node("html_export/page/rank_tests.js") as tests:
        for x in (0, 1e-9, 0.3, 1, 2.4999, 2.5, 4, 12, 26):
            assert tests.call("erfc", x) == pytest.approx(math.erfc(x), rel=1e-10)


def test_every_character_folds_as_in_python():
    with Node("frontend/classes.js") as classes:
        wrong = [
            chr(code)
            for code in (*range(0x20, 0x3000), *range(0xA640, 0xABC0), *range(0xFB00, 0xFFF0))
            if chr(code).isprintable()
            and not unicodedata.name(chr(code)).startswith("CHEROKEE")  # folds to capitals
            and classes.call("fold", chr(code)) != fold(chr(code))
        ]
    assert not wrong


def test_the_constants_of_the_page_are_fresh():
    script = ROOT / ".ci" / "page_constants.py"
    run = subprocess.run([sys.executable, script, "--check"], cwd=ROOT, check=False)
    assert run.returncode == 0, "run python .ci/page_constants.py, then npm run bundle"


def measured(state: ExplorerState) -> None:
    """A state whose pictures are measured, some of them not."""
    n = len(state.codes)
    rng = np.random.default_rng(0)
    groups = np.where(np.arange(n) < 12, np.arange(n) // 2, np.nan)
    values = {
        "picture_brightness": np.where(np.arange(n) % 7 == 6, np.nan, rng.random(n)),
        "picture_width": rng.integers(20, 400, n),
        "picture_size_oddity": 2 * rng.random(n),
        "duplicate_group": groups,
        "label_conflict": np.where(np.arange(n) < 4, groups, np.nan),
    }
    state.scores.restore({name: column.astype(np.float32) for name, column in values.items()})


@pytest.mark.parametrize("conversation", ["toolbar_searches", "legend_colors", "gallery_orders"])
def test_page_and_kernel_agree_on_measured_pictures(node, tmp_path, conversation):
    kernel = opened("both", tmp_path, prepare=measured)
    assert kernel.start["toolbar.finders"][0]["count"] == 4
    CONVERSATIONS[conversation](kernel)
    agree(node, kernel)
