"""Whether `extract` finds the right features in the architectures of timm, with and without a head.

``python -m benchmarks.architectures [NAME …] [--record]`` needs timm. It takes one small, randomly
initialised model of each module of timm. With a head, the features must be those of timm's own
``forward_head(forward_features(x), pre_logits=True)``, or the head must map them to the logits; the
predictions must be those of the model. Without a head (``num_classes=0``), the features must be the
model's output, and there must be no predictions.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.report import Table, parser
from tsne_widget import FeatureSet, extract

SAMPLES = 4
SIZE = 96  # pixels, where the architecture allows it
MOST_PARAMETERS = 60e6
RESULTS = Table(
    "architectures-timm",
    "models | right | stated in a note | wrong | failed or too large",
    ["timm"],
)
# Parts of the names of small models, the smallest first.
# fmt: off
SMALL = (
    "atto", "femto", "pico", "zepto", "nano", "xxtiny", "xxs_", "xxs", "xtiny", "xt", "tiny",
    "micro", "mini", "xs", "small", "_s0", "_xs", "_s", "_t", "_b0", "_t0", "_050", "_0", "18",
    "_1", "26", "a0", "x0", "m0", "s0", "b0", "lite", "160", "_b",
)
# fmt: on


def main() -> None:
    """Print a line per module of timm, and the counts."""
    import timm

    options = parser(__doc__)
    options.add_argument("names", nargs="*", help="models, instead of one of each module")
    names = options.parse_args().names
    torch.set_num_threads(1)
    counts: Counter[tuple[str, str]] = Counter()
    for name in names or (smallest(timm, module) for module in timm.list_modules()):
        if not name:
            continue
        began = time.monotonic()
        try:
            millions, layer, with_head, without = examine(timm, name)
        except Exception as error:
            millions, layer, with_head, without = 0.0, "", f"failed: {error!r:.90}", ""
        counts["with head", with_head.partition(":")[0]] += 1
        counts["without head", without.partition(":")[0]] += 1
        print(f"{name}, {millions:.1f} M, {layer}: {with_head}; {without}", flush=True)
        if time.monotonic() - began > 60:
            print(f"({name} took {time.monotonic() - began:.0f} s)")
    with RESULTS as row:
        for kind in ("with head", "without head"):
            known = [counts[kind, result] for result in ("right", "stated", "wrong")]
            row(kind, *known, counts[kind, "failed"] + counts[kind, "too large"])


def smallest(timm: Any, module: str) -> str:
    """The name of a small model of this module of timm; "" if it has no small classifier."""
    names = timm.list_models(module=module)
    likely = sorted(names, key=lambda name: (_rank(name), len(name)))[:3]
    sizes = {}
    for name in likely:
        try:
            with torch.device("meta"):
                sizes[name] = parameters_of(timm.create_model(name))
        except Exception:  # some models need real tensors to be built
            sizes[name] = MOST_PARAMETERS
    best = min(sizes, key=lambda name: sizes[name], default="")
    return best if best and sizes[best] <= MOST_PARAMETERS else ""


def _rank(name: str) -> int:
    return next((i for i, part in enumerate(SMALL) if part in name), len(SMALL))


def parameters_of(model: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def examine(timm: Any, name: str) -> tuple[float, str, str, str]:
    """Millions of parameters, the layer, and the results with and without a head."""
    model, x = made(timm, name, num_classes=11)
    if parameters_of(model) > MOST_PARAMETERS:
        return parameters_of(model) / 1e6, "", "too large", ""
    headless, _ = made(timm, name, num_classes=0)
    found = features_of(model, x)
    result = with_head(model, x, found) if isinstance(found, FeatureSet) else found
    layer = found.layer if isinstance(found, FeatureSet) else ""
    return parameters_of(model) / 1e6, layer, result, without_head(headless, x)


def made(timm: Any, name: str, num_classes: int) -> tuple[nn.Module, Tensor]:
    """A random model in eval mode, and pictures of a size that it takes."""
    torch.manual_seed(0)
    sizes = ({"img_size": SIZE}, {})
    for options in sizes:
        try:
            model = timm.create_model(name, num_classes=num_classes, **options).eval()
            size = SIZE if options or not model.default_cfg.get("fixed_input_size") else None
            shape = model.default_cfg["input_size"] if size is None else (3, size, size)
            x = torch.randn(SAMPLES, *shape)
            with torch.no_grad():
                model(x[:1])
        except Exception:
            model = None
            continue
        break
    if model is None:
        model = timm.create_model(name, num_classes=num_classes).eval()
        x = torch.randn(SAMPLES, *model.default_cfg["input_size"])
    for parameter in model.parameters():  # heads and last layers may start at 0
        if parameter.ndim >= 2 and not parameter.any():
            nn.init.normal_(parameter, std=0.02)
    return model, x


def features_of(model: nn.Module, x: Tensor) -> FeatureSet | str:
    """The record, or the error as text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return extract(model, x, progress=False)
        except Exception as error:
            return f"wrong: {type(error).__name__}: {error!s:.80}"


@torch.no_grad()
def with_head(model: Any, x: Tensor, found: FeatureSet) -> str:
    """The result for a model with a head."""
    logits = model(x)
    if found.predictions is None or not close(found.logits, logits):
        return "wrong: predictions"
    expected = model.forward_head(model.forward_features(x), pre_logits=True)
    if isinstance(expected, Tensor) and close(found.features, expected.flatten(1)):
        return "right"
    if any("combines" in note for note in found.notes):
        return "stated: the input of one of the heads that are combined"
    head = model.get_submodule(found.layer.partition(":")[0])
    mapped = head(torch.from_numpy(found.features.copy()))
    if close(mapped, logits):
        return "right: after a norm or MLP of the head"
    return f"wrong: {'; '.join(found.notes) or 'features'}"


@torch.no_grad()
def without_head(model: nn.Module, x: Tensor) -> str:
    """The result for a model without a head."""
    found = features_of(model, x)
    if isinstance(found, str):
        return found
    if found.predictions is not None:
        return f"wrong: predictions, {found.layer}"
    return "right" if close(found.features, model(x).flatten(1)) else f"wrong: {found.layer}"


def close(one: Any, other: Any) -> bool:
    """Whether two arrays are equal up to rounding."""
    one, other = np.asarray(one), np.asarray(other)
    scale = np.abs(other).max() if other.size else 0
    return one.shape == other.shape and bool(np.abs(one - other).max() <= 1e-3 * scale)


if __name__ == "__main__":
    main()
