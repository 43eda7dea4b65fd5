"""Exported files: a frame as CSV or Parquet, pictures in a folder."""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from tsne_widget._atomic import remove_unfinished, whole_file, whole_folder
from tsne_widget._notes import warn_about
from tsne_widget.errors import ImageError, InvalidInputError, StoreError
from tsne_widget.images import DatasetImages, FileImages, ImageSource
from tsne_widget.images.files import SUFFIXES, check_size, open_picture
from tsne_widget.images.reasons import only_image_errors, reason_of
from tsne_widget.images.remarks import without_remarks

# Start of a cell that a spreadsheet runs as a formula (OWASP, "CSV injection").
FORMULA = re.compile(r"\s*[=+\-@\t\r]")
# Maximum characters of an exported picture's name, without its id.
MAX_STEM = 60
# Image modes that PNG supports; others are converted to RGB.
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
MANIFEST = "manifest.csv"


def export_frame(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame as .csv or .parquet, atomically; returns the path.

    In CSV, text that a spreadsheet would run as a formula gets a leading apostrophe. In both
    formats, undecodable bytes of file names become escapes.

    Raises
    ------
    InvalidInputError
        For another suffix, or .parquet without pyarrow.
    StoreError
        If the file cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise InvalidInputError(f"path must end in .csv or .parquet, got {target.name!r}")
    if suffix == ".parquet":
        _need_pyarrow()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_unfinished(target.parent, target.name)
        with whole_file(target) as file:
            if suffix == ".csv":
                write_csv(frame, file)
            else:
                _encodable(frame).to_parquet(file, engine="pyarrow")
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error}") from error
    return target


def write_csv(frame: pd.DataFrame, file: BinaryIO) -> None:
    """Write a frame as UTF-8 CSV, index first, without cells that are formulas."""
    text = io.TextIOWrapper(file, "utf-8", errors="backslashreplace", newline="")
    _without_formulas(frame).to_csv(text, lineterminator="\n")
    text.detach()


def copy_pictures(
    frame: pd.DataFrame,
    source: ImageSource,
    folder: str | os.PathLike[str],
    *,
    progress: bool = False,
) -> Path:
    """Copy the pictures of a frame's samples into a new folder with a manifest; returns the folder.

    Files are copied unchanged; pictures without a file become PNG files. Names hold the id and, if
    there is one, the file's name. Bad pictures are left out: a warning says how many, and the
    manifest gives the reasons.

    Parameters
    ----------
    frame : DataFrame
        A frame of :func:`sample_frame`.
    source : ImageSource
        Addressed by the frame's index.
    folder : path
        New or empty; it is created atomically.
    progress : bool
        Show a progress bar after half a second.

    Raises
    ------
    StoreError
        If the folder exists and is not empty, or the files cannot be written.
    """
    target = Path(folder).resolve()  # the target of a link, not the link
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StoreError(f"{target} exists and is not an empty folder; choose another one")
    try:
        with whole_folder(target) as building:
            missing = _copy_into(building, frame, source, progress=progress)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error}") from error
    if missing:
        text = (
            f"{len(missing):,} of {len(frame):,} pictures could not be copied (the first: "
            f"{missing[0]}); {MANIFEST} has the reasons. If the files have moved, pass root= to "
            "load()"
        )
        warn_about([text])
    return target


def _copy_into(
    folder: Path, frame: pd.DataFrame, source: ImageSource, *, progress: bool
) -> list[str]:
    """Copy the pictures; returns the reasons of those that could not be copied."""
    names = ["label", "label_name", "prediction", "prediction_name", "confidence", "misclassified"]
    manifest = frame[[*names, "path"]].set_axis([*names, "source"], axis=1)
    digits = len(str(frame.index.max())) if len(frame) else 1
    ids = tqdm(frame.index, "Copying pictures", unit=" pictures", delay=0.5, disable=not progress)
    copied = [_copied(source, int(id_), folder, digits) for id_ in ids]
    manifest.insert(0, "file", [file for file, _ in copied])
    manifest.insert(1, "reason", [reason for _, reason in copied])
    with whole_file(folder / MANIFEST) as file:
        write_csv(manifest, file)
    return [reason for _, reason in copied if reason]


def _copied(source: ImageSource, id_: int, folder: Path, digits: int) -> tuple[str, str]:
    """File name of the copied picture and "", or "" and the reason why there is none."""
    try:
        with only_image_errors():
            source = without_remarks(source)
            origin = source.path(id_) if isinstance(source, (FileImages, DatasetImages)) else None
            if origin is None:
                picture = _as_png(source, id_)
                name = f"{id_:0{digits}d}.png"
            else:
                name = f"{id_:0{digits}d}-{_safe_stem(Path(origin).stem)}{_checked(origin)}"
    except ImageError as error:
        return "", reason_of(error)
    if origin is None:
        (folder / name).write_bytes(picture)
    else:
        shutil.copyfile(origin, folder / name)
    return name, ""


def _checked(path: str | os.PathLike[str]) -> str:
    """Suffix for the copy of a picture file, after decoding it completely."""
    with open_picture(path) as image:
        image.load()
        suffix = Path(path).suffix.lower()
        return suffix if suffix in SUFFIXES else f".{str(image.format).lower()}"


def _as_png(source: ImageSource, id_: int) -> bytes:
    picture = source.image(id_)
    if not isinstance(picture, Image.Image):
        raise ImageError(f"image({id_}) gave {type(picture).__name__}, not a PIL image")
    check_size(picture)
    data = io.BytesIO()
    shown = picture if picture.mode in _PNG_MODES else picture.convert("RGB")
    shown.save(data, "PNG")
    return data.getvalue()


def _safe_stem(stem: str) -> str:
    """A file name without characters that leave the folder or that a file system refuses."""
    return re.sub(r"[^\w.-]+", "_", stem).strip("._")[:MAX_STEM] or "picture"


def _without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an apostrophe before texts and column names that look like formulas."""
    safe = _with_texts(frame, _not_a_formula, "object")
    return safe.set_axis([_not_a_formula(str(name)) for name in frame.columns], axis=1)


def _not_a_formula(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) else text


def _encodable(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with undecodable bytes as escapes: Arrow's text is UTF-8."""
    return _with_texts(frame, _as_unicode, pd.StringDtype("python"))


def _as_unicode(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _with_texts(frame: pd.DataFrame, change: Callable[[str], str], dtype: Any) -> pd.DataFrame:
    """The frame with every text changed; text columns get the dtype."""
    changed = frame.copy(deep=False)
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
            # Not Series.map: with pyarrow it returns Arrow's text, which refuses surrogates.
            values = [
                change(value) if isinstance(value, str) else value
                for value in column.to_numpy(dtype=object)
            ]
            kept = dtype if isinstance(column.dtype, pd.StringDtype) else object
            changed[name] = pd.Series(values, index=frame.index, dtype=kept)
    return changed


def _need_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise InvalidInputError(
            'a .parquet file requires pyarrow: pip install "tsne-widget[parquet]"; '
            "or export to a .csv file"
        ) from error
