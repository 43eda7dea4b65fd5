"""Report the progress of an extraction: a bar of tqdm, or a function of the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tsne_widget.extraction.arguments import Progress


@contextmanager
def progress_counter(
    progress: Progress, total: int | None, note: str, title: str = "Extracting features"
) -> Iterator[Callable[[int], object]]:
    """A function that gets the number of further samples that are done."""
    if progress is True:
        from tqdm.auto import tqdm

        with tqdm(total=total, desc=title, unit=" images") as bar:
            if note:
                bar.set_postfix_str(note)
            yield bar.update
        return
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        if callable(progress):
            progress(done, total)

    yield advance
