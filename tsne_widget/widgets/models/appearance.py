"""What scores are called and how they are coloured, in the widget and on a shared page."""

from __future__ import annotations

import matplotlib
import matplotlib.colors

# ScatterGL draws colours from a texture of this many texels; the last one is for what is unknown.
TEXELS = 256
# Without the ends of viridis, which vanish on the dark and on the light ground.
RAMP_COLORS = tuple(
    matplotlib.colors.to_hex(matplotlib.colormaps["viridis"](0.12 + 0.8 * i / (TEXELS - 2)))
    for i in range(TEXELS - 1)
)
RIGHT_COLOR, WRONG_COLOR = "#5b84b1", "#d6336c"

TITLES = {
    "label": "label",
    "prediction": "prediction",
    "correct": "right or wrong",
    "selection": "named selection",
    "confidence": "confidence",
    "margin": "margin",
    "entropy": "entropy (nats)",
    "loss": "loss (nats)",
    "label_agreement": "neighbours of the same label",
    "suspicion": "suspicion of the label (nats)",
    "outlier_score": "outlier score",
    "trustworthiness": "trustworthiness of the map",
    "continuity": "continuity of the map",
}
# Where the interesting samples have the highest values. In the others they have the lowest.
HIGHEST_FIRST = {"loss", "entropy", "suspicion", "outlier_score"}
