"""Known properties: words for lower and higher values, and which of them follow from others."""

from __future__ import annotations

# What the names of scores of pictures begin with.
_PREFIX = "picture_"
# How samples with a lower and with a higher value are called.
WORDS: dict[str, tuple[str, str]] = {
    "brightness": ("darker", "brighter"),
    "contrast": ("flatter", "richer in contrast"),
    "sharpness": ("blurrier", "sharper"),
    "saturation": ("paler", "more colourful"),
    "picture_entropy": ("poorer in grey levels", "richer in grey levels"),
    "noise": ("less noisy", "noisier"),
    "border_uniformity": ("busier at the border", "plainer at the border"),
    "is_grey": ("less often grey", "more often grey"),
    "width": ("less wide", "wider"),
    "height": ("less high", "higher"),
    "aspect": ("narrower in shape", "wider in shape"),
    "size_oddity": ("of a more usual size", "of a less usual size"),
    "jpeg_quality": ("more compressed", "less compressed"),
    "duplicate_group": ("less often duplicates", "more often duplicates"),
    "near_duplicate_group": ("less often near duplicates", "more often near duplicates"),
    "confidence": ("less sure", "more sure"),
    "label_agreement": ("fewer neighbours agree", "more neighbours agree"),
    "outlier_score": ("less unusual", "more unusual"),
}
# What a property follows from: a darker picture has less contrast, one with less contrast a smaller
# Laplacian, and a blurred one less noise.
FOLLOWS = {"contrast": "brightness", "sharpness": "contrast", "noise": "sharpness",
            "picture_entropy": "contrast"}  # fmt: skip


def plain_name(name: str) -> str:
    """The name without "picture_", except for the entropy, which is also a score of the model."""
    return name if name == "picture_entropy" else name.removeprefix(_PREFIX)


def origins(name: str) -> list[str]:
    """The properties that a property follows from, the first origin first, without "picture_".

    Examples
    --------
    >>> origins("picture_sharpness")
    ['brightness', 'contrast']
    """
    found, at = [], plain_name(name)
    while at in FOLLOWS:
        at = FOLLOWS[at]
        found.append(at)
    return found[::-1]


def comparison(name: str, is_higher: bool, level: str = "", *, is_share: bool = False) -> str:
    """A difference in words.

    Parameters
    ----------
    name : str
        Name of the property.
    is_higher : bool
    level : str
        For a category, the value that is more or less frequent.
    is_share : bool
        Whether the property is a truth value.

    Examples
    --------
    >>> comparison("brightness", False)
    'darker'
    >>> comparison("age", True)
    'higher age'
    >>> comparison("flash", False, is_share=True)
    'less often flash'
    >>> comparison("camera", True, "phone")
    "more often camera = 'phone'"
    """
    often = f"{'more' if is_higher else 'less'} often"
    if level and plain_name(name) == "hue":
        return f"{often} {level}"
    if level:
        return f"{often} {name} = {level!r}"
    if plain_name(name) in WORDS:
        return WORDS[plain_name(name)][is_higher]
    if is_share:
        return f"{often} {name}"
    return f"{'higher' if is_higher else 'lower'} {name}"
