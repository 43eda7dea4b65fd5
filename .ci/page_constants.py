"""Write the constants of the page's scripts from those of Python; ``--check`` only compares.

The scripts import ``tsne_widget/widgets/frontend/constants.js``, and the styles ``palette.css``
beside it. Run this after a change of a constant or table below, then ``make bundle``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tsne_widget import _text
from tsne_widget.analysis import (
    calibration,
    distributions,
    properties,
    property_words,
    rank_tests,
    text_search,
)
from tsne_widget.analysis.contrast import AS_MUCH, MIN_VALUES, NOTABLE, SIGNIFICANT
from tsne_widget.analysis.finders import FINDERS, FOUND
from tsne_widget.analysis.scores import GROUP_SCORES, PICTURE_SCORES, SCORES, SMALLEST_NATS
from tsne_widget.analysis.text_search import MAX_TYPOS
from tsne_widget.plotting import UNKNOWN_COLOR
from tsne_widget.widgets.models import (
    appearance,
    arrangement,
    coloring,
    contrast_report,
    details,
    diagnosis_report,
    histogram,
    shortcut_report,
    sorting,
    tiles,
)
from tsne_widget.widgets.models import calibration as calibration_model
from tsne_widget.widgets.state import (
    classes,
    explorer_state,
    history,
    named_selections,
    search,
)
from tsne_widget.widgets.views.confusion import view as confusion
from tsne_widget.widgets.views.gallery import view as gallery
from tsne_widget.widgets.views.legend import view as legend
from tsne_widget.widgets.views.panels import PANELS, tabs
from tsne_widget.widgets.views.selections import view as selections

FRONTEND = Path(__file__).resolve().parent.parent / "tsne_widget" / "widgets" / "frontend"

# Name in the scripts, what it is, and its value.
CONSTANTS: list[tuple[str, str, Any]] = [
    ("MAX_NAME", "Characters of a displayed name.", _text.MAX_NAME),
    ("MAX_SENTENCE", "Characters of a displayed sentence.", _text.MAX_SENTENCE),
    ("MAX_TEXT", "Characters of a search.", text_search.MAX_TEXT),
    ("MAX_TYPOS", "Typing errors of a search up to which a class is suggested.", MAX_TYPOS),
    ("CONDITION", "Pattern of a search that is a condition on columns.", search.CONDITION),
    ("MISTAKES", "How the map draws misclassified samples.", explorer_state.MISTAKES),
    ("MAX_UNDO", "Selections that undo can return to.", history.MAX_UNDO),
    ("UNKNOWN", "Name of the class of unlabelled samples.", classes.UNKNOWN),
    ("SMALLEST_NATS", "Smaller positive values are not displayed.", SMALLEST_NATS),
    (
        "FINDERS",
        "Finders in the order of the menu that read no features.",
        [
            {
                "name": finder.name,
                "title": finder.title,
                "meaning": finder.meaning,
                "score": finder.score,
                "highest_first": finder.highest_first,
                "only_misclassified": finder.only_misclassified,
                "above": finder.above,
            }
            for finder in FINDERS
            if finder.matches is None
        ],
    ),
    ("FOUND", "Samples that a ranking finder selects.", FOUND),
    ("TITLES", "Titles of the colourings and scores.", appearance.titles()),
    ("PICTURE_SCORES", "Scores of the pictures themselves.", PICTURE_SCORES),
    ("GROUP_SCORES", "Scores that are numbers of groups.", GROUP_SCORES),
    ("UNKNOWN_COLOR", "Colour of unknown classes and values.", UNKNOWN_COLOR),
    ("RIGHT_COLOR", "Colour of right predictions.", appearance.RIGHT_COLOR),
    ("WRONG_COLOR", "Colour of wrong predictions.", appearance.WRONG_COLOR),
    ("DARK_COLORS", "Colours on a dark ground, by the default colour.", appearance.DARK_COLORS),
    ("TEXELS", "Colours of a texture; the last one is for unknown values.", appearance.TEXELS),
    ("RAMP_COLORS", "Colours of amounts, low to high.", appearance.RAMP_COLORS),
    ("RAMP", "Colours of the bar in the key.", coloring.RAMP),
    ("TAIL", "Share of amounts at each end that gets the end's colour.", coloring.TAIL),
    ("HISTOGRAM_BINS", "Bins of a histogram at most.", histogram.BINS),
    ("NO_BIN", "Bin of rows without a value.", histogram.NO_BIN),
    ("MAX_STEPS", "Steps of a lattice whose values share bins.", histogram.MAX_STEPS),
    ("ON_LATTICE", "Tolerance for values on a lattice, in steps.", histogram.ON_LATTICE),
    ("RELIABILITY_BINS", "Bins of the reliability diagram at most.", calibration.BINS),
    ("SAMPLES_PER_BIN", "Samples that each of them should have.", calibration.SAMPLES_PER_BIN),
    ("TOPS", "Most probable classes searched for the label.", calibration_model.TOPS),
    ("MAX_ENTRIES", "Entries of the key to the colours.", coloring.MAX_ENTRIES),
    ("SELECTION_COLORS", "Colours of named selections, by slot.", named_selections.COLORS),
    ("MAX_SELECTIONS", "Named selections.", named_selections.MAX_SELECTIONS),
    ("AUTOMATIC", "Word in automatic names of selections.", selections.AUTOMATIC),
    ("MAX_CHARACTERS", "Characters of a selection's name.", named_selections.MAX_CHARACTERS),
    ("RESERVED_NAMES", "Words that cannot name a selection.", named_selections.WORDS),
    ("LEGEND_TITLES", "Title of the legend by the kind of classes.", legend.TITLES),
    ("MANY_CLASSES", "From this many classes on, the worst come first.", legend.MANY_CLASSES),
    ("COLOR_GROUPS", "Groups of the colour menu.", legend.COLOR_GROUPS),
    ("SORT_KEYS", "Sorts of the gallery in the order of the menu.", sorting.sort_keys()),
    ("SORT_NAMES", "Names of the sorts that are no scores.", sorting.WORDS),
    ("MAX_GROUPS", "Groups of the gallery; the last one holds the rest.", arrangement.MAX_GROUPS),
    ("MIN_TILE", "Smallest size of a tile, pixels.", gallery.MIN_TILE),
    ("MAX_TILE", "Largest size of a tile, pixels.", gallery.MAX_TILE),
    ("TILE_PIXELS", "Longest sides of the kernel's pictures, pixels.", tiles.TILE_PIXELS),
    ("MAX_TILES_PER_REPLY", "Tiles of one request.", tiles.MAX_TILES_PER_REPLY),
    ("MAX_UNASKED", "Orders whose first tiles come unasked.", gallery.MAX_UNASKED),
    ("PICKED_MODES", "How an action on picked samples selects.", gallery.PICKED_MODES),
    ("MAX_PATH", "Characters of a displayed path.", details.MAX_PATH),
    ("MAX_PAIRS", "Listed pairs of label and prediction.", confusion.MAX_PAIRS),
    (
        "PICTURE_PROPERTIES",
        "Scores that describe the picture, whatever a model makes of it.",
        [name for name in SCORES if properties.is_of_picture(name)],
    ),
    ("MODEL_PROPERTIES", "Scores of the model that are compared.", properties.COMPARED),
    ("HUES", "Names of hues by the sixth of the circle.", list(properties.HUES[:6])),
    ("PROPERTY_WORDS", "Lower and higher values in words.", property_words.WORDS),
    ("FOLLOWS", "What a property follows from.", property_words.FOLLOWS),
    ("MIN_VALUES", "Known values that each side of a contrast needs.", MIN_VALUES),
    ("SIGNIFICANT", "Largest corrected p-value of a clear contrast.", SIGNIFICANT),
    ("NOTABLE", "Smallest effect of a clear contrast.", NOTABLE),
    ("AS_MUCH", "Share of an effect that its origin explains.", AS_MUCH),
    ("FEW_EXPECTED", "Expected counts below it are tested exactly.", rank_tests.FEW),
    ("EXACT_LEVELS", "Values of a category that are tested exactly.", rank_tests.EXACT),
    ("CURVE_BINS", "Points of a curve.", distributions.BINS),
    ("CURVE_TAIL", "Share of values at each end of a curve left out.", distributions.TAIL),
    ("MAX_CONTRASTS", "Differences that are listed.", contrast_report.MAX_CONTRASTS),
    ("MAX_NAMED", "Names in a line of properties.", contrast_report.MAX_NAMED),
    ("MAX_SHORTCUTS", "Shortcuts that are listed.", shortcut_report.MAX_SHORTCUTS),
    ("DIAGNOSIS_PAIRS", "Pairs of classes in the diagnosis.", diagnosis_report.MAX_PAIRS),
    (
        "PANELS",
        "Panels that work without a kernel.",
        tabs({name: panel for name, panel in PANELS.items() if not panel.needs_kernel}),
    ),
]


def script() -> str:
    """The module of constants."""
    lines = ["// Generated from Python by .ci/page_constants.py: change the constants there."]
    for name, meaning, value in CONSTANTS:
        data = json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict) else None)
        lines += ["", f"/** {meaning} */", f"export const {name} = {_typed(value, data)};"]
    return "\n".join(lines) + "\n"


def _typed(value: Any, data: str) -> str:
    """A table whose keys are read by any text has a JSDoc type that allows it."""
    if isinstance(value, dict):
        return f"/** @type {{Record<string, any>}} */ ({data})"
    return data


def palette() -> str:
    """The styles that swap the default colours on a dark ground."""
    lines = ["/* Generated from Python by .ci/page_constants.py: the colours on a dark ground. */"]
    lines.append('.tsne-widget[data-theme="dark"] {')
    lines += [f"  --tw-{light[1:]}: {dark};" for light, dark in appearance.DARK_COLORS.items()]
    return "\n".join([*lines, "}"]) + "\n"


def main() -> int:
    """Write or compare both files; 1 if one is stale."""
    stale = 0
    for file, text in (
        (FRONTEND / "constants.js", script()),
        (FRONTEND / "palette.css", palette()),
    ):
        if "--check" not in sys.argv:
            file.write_text(text, "utf-8")
        elif not file.is_file() or file.read_text("utf-8") != text:
            print(f"{file} is stale: run python .ci/page_constants.py, then npm run bundle")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
