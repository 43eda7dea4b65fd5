"""Words for a lower and a higher value of a property."""

from __future__ import annotations

# How samples with a lower and with a higher value are called.
WORDS: dict[str, tuple[str, str]] = {
    "brightness": ("darker", "brighter"),
    "contrast": ("flatter", "richer in contrast"),
    "sharpness": ("blurrier", "sharper"),
    "saturation": ("paler", "more colourful"),
    "picture_entropy": ("plainer", "richer in grey levels"),
    "noise": ("less noisy", "noisier"),
    "border_uniformity": ("with a busier border", "with a plainer border"),
    "is_grey": ("less often grey", "more often grey"),
    "width": ("less wide", "wider"),
    "height": ("less high", "higher"),
    "aspect": ("narrower in shape", "wider in shape"),
    "jpeg_quality": ("more compressed", "less compressed"),
    "confidence": ("less sure", "more sure"),
    "label_agreement": ("fewer neighbours agree", "more neighbours agree"),
    "outlier_score": ("less unusual", "more unusual"),
}


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
    if level:
        return f"{often} {name} = {level!r}"
    if name in WORDS:
        return WORDS[name][is_higher]
    if is_share:
        return f"{often} {name}"
    return f"{'higher' if is_higher else 'lower'} {name}"
