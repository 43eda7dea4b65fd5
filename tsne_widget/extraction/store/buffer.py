"""The rows of a whole run, in memory or, if they are too large, in a memory map."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil
from numpy.typing import NDArray

from tsne_widget.errors import ExtractionError, StoreError
from tsne_widget.extraction.store.rows import Rows, check_width
from tsne_widget.feature_set import Skipped

# Features above this share of the machine's memory go to a memory map, because t-SNE, the model and
# the notebook need the rest.
SHARE_OF_MEMORY = 1 / 8
# If more than this share of the samples is skipped, the map does not represent the dataset.
SKIPPED_SHARE_TO_WARN = 0.05
# Initial rows for a stream of unknown length; the number doubles when they are full.
FIRST_ROWS = 1024

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


class RowBuffer:
    """Collects :class:`Rows` in order.

    Each column is one growing array. Small arrays of each batch would fragment the heap between
    large freed ones, and the process would grow by as much as the features themselves.

    Parameters
    ----------
    expected : int or None
        Number of samples, if it is known.
    folder : path or None
        Folder of the unnamed file that holds features too large for memory. Default: the system's
        temporary folder. The file disappears with the last array that uses it.
    """

    def __init__(self, expected: int | None, folder: Path | None = None) -> None:
        self._expected = expected
        self._folder = folder
        self._widths: tuple[int | None, ...] = ()
        self._ids = _Column(1, np.int64, expected)
        self._labels = _Column(1, np.int64, expected)
        self._is_labelled = False
        self._logits: _Column | None = None
        self._features: list[_Column] = []
        self.skipped: list[Skipped] = []
        self.samples = 0

    def add(self, rows: Rows) -> None:
        """Append rows.

        Raises
        ------
        ExtractionError
            If their width differs from that of earlier rows.
        StoreError
            If they are too large for memory and cannot be written to the disk.
        """
        self.skipped.extend(rows.skipped)
        self.samples += rows.samples
        n = len(rows.ids)
        if n == 0:
            return
        if not self._features:
            self._widths = rows.widths
            self._features = self._allocated(rows)
            if rows.logits is not None:
                self._logits = _Column(rows.logits.shape[1], np.float32, self._expected)
        check_width(self._widths, rows)
        self._ids.append(rows.ids[:, None])
        self._is_labelled |= rows.labels is not None
        self._labels.append(np.full((n, 1), -1) if rows.labels is None else rows.labels[:, None])
        if self._logits is not None and rows.logits is not None:
            self._logits.append(rows.logits)
        for column, values in zip(self._features, rows.features, strict=True):
            column.append(values)

    def rows(self) -> Rows:
        """All rows in order; features may be memory maps.

        Raises
        ------
        ExtractionError
            If every sample was skipped.
        """
        if not self._features:
            first = self.skipped[0]
            raise ExtractionError(
                f"all {self.samples} samples were skipped; the first, {first.id}: {first.reason}"
            )
        return Rows(
            self._ids.array()[:, 0],
            tuple(column.array() for column in self._features),
            self._labels.array()[:, 0] if self._is_labelled else None,
            None if self._logits is None else self._logits.array(),
            tuple(self.skipped),
        )

    def warn_about_skipped(self, stacklevel: int) -> None:
        """Warn if the share of skipped samples exceeds :data:`SKIPPED_SHARE_TO_WARN`."""
        if len(self.skipped) > SKIPPED_SHARE_TO_WARN * self.samples:
            warnings.warn(
                f"{len(self.skipped)} of {self.samples} samples were skipped "
                f"({len(self.skipped) / self.samples:.0%}); the first, {self.skipped[0].id}: "
                f"{self.skipped[0].reason}; see FeatureSet.skipped",
                stacklevel=stacklevel + 1,
            )

    def _allocated(self, rows: Rows) -> list[_Column]:
        widths = [values.shape[1] for values in rows.features]
        limit = int(SHARE_OF_MEMORY * memory_bytes())
        if self._expected is not None and self._expected * sum(widths) * 4 > limit:
            _check_free(self._expected * sum(widths) * 4, self._folder)
            limit = 0
        limits = [limit * width // max(1, sum(widths)) for width in widths]
        return [
            _Column(width, np.float32, self._expected, limit, self._folder)
            for width, limit in zip(widths, limits, strict=True)
        ]


def memory_bytes() -> int:
    """Memory of this machine, or of the container it runs in, in bytes."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):
        return total


class _Column:
    """A matrix that grows by rows; above ``limit`` bytes it moves to an unnamed file."""

    def __init__(
        self,
        width: int,
        dtype: type[np.generic],
        expected: int | None,
        limit: int | None = None,
        folder: Path | None = None,
    ) -> None:
        self._expected = expected
        self._limit = limit
        self._folder = folder
        self._n = 0
        self._file: IO[bytes] | None = None
        rows = 0 if limit == 0 else (FIRST_ROWS if expected is None else expected)
        self._values: NDArray[Any] = np.empty((rows, width), dtype)

    def append(self, rows: NDArray[Any]) -> None:
        if self._file is None:
            self._make_room(self._n + len(rows))
        if self._file is None:
            self._values[self._n : self._n + len(rows)] = rows
        else:
            self._write(self._file, rows)
        self._n += len(rows)

    def array(self) -> NDArray[Any]:
        if self._file is None:
            filled = self._values[: self._n]
            return filled if self._expected is not None else filled.copy()
        shape, dtype = (self._n, self._values.shape[1]), self._values.dtype
        self._file.flush()
        mapped = np.memmap(self._file, dtype, mode="r", shape=shape)
        self._file.close()  # the map keeps the file's content
        return mapped

    def _make_room(self, n: int) -> None:
        width, dtype = self._values.shape[1], self._values.dtype
        if self._limit is not None and n * width * dtype.itemsize > self._limit:
            self._move_to_file()
        elif n > len(self._values):
            larger = np.empty((max(n, 2 * len(self._values)), width), dtype)
            larger[: self._n] = self._values[: self._n]
            self._values = larger

    def _move_to_file(self) -> None:
        # write() and a map at the end: pages written through a map count as memory of this process.
        try:
            file = tempfile.TemporaryFile(dir=self._folder, prefix="tsne-widget-")  # noqa: SIM115
        except OSError as error:
            raise StoreError(
                f"features cannot be written: {error}; {_remedy(self._folder)}"
            ) from error
        self._write(file, self._values[: self._n])
        self._file = file
        self._values = self._values[:0].copy()

    def _write(self, file: IO[bytes], rows: NDArray[Any]) -> None:
        try:
            file.write(np.ascontiguousarray(rows).data)
        except OSError as error:
            raise StoreError(
                f"features cannot be written: {error}; {_remedy(self._folder)}"
            ) from error


def _check_free(needed: int, folder: Path | None) -> None:
    place = folder or Path(tempfile.gettempdir())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise StoreError(
            f"features need {needed:,} bytes, more than {SHARE_OF_MEMORY:.1%} of the memory, and "
            f"{place} has only {free:,} bytes free; {_remedy(folder)}"
        )


def _remedy(folder: Path | None) -> str:
    return "free some space" if folder else "set TMPDIR to a larger disk, or pass store="
