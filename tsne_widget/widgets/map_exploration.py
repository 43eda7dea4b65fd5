"""MapExploration: an exploration with one map or several by name, which it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._calls import explained
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.exploration import Exploration
from tsne_widget.widgets.maps.maps import Maps
from tsne_widget.widgets.state.contrasts import contrast_of, shortcuts_of
from tsne_widget.widgets.state.known_groups import frame_of, known_groups

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from typing_extensions import Self


class MapExploration(Exploration):
    """An exploration that shows one of its maps, and computes those that were not given."""

    _maps: Maps
    _colors: dict[str, str]  # of the classes

    @property
    def feature_set(self) -> FeatureSet:
        """The record that is explored."""
        return self._state.feature_set

    @property
    def embeddings(self) -> dict[str, NDArray[np.float32]]:
        """(n, 2) float32 coordinates of every finished map, by name."""
        return self._maps.embeddings

    @property
    def projector(self) -> Any:
        """The projector of the visible map, None for given coordinates.

        After the fit, its ``transform`` places new rows on the map.
        """
        return self._maps.projector

    def show_embedding(self, name: str) -> None:
        """Show one of :attr:`embeddings`; selection, visible classes and colours stay.

        Raises
        ------
        InvalidInputError
            If there is no such map, or it is not computed yet.
        """
        self._maps.show(name)

    def wait(self, timeout: float | None = None) -> Self:
        """Block until all maps are done, stopped or paused, and return the explorer.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most. Default: without a bound.

        Raises
        ------
        WaitTimeoutError
            If the maps are not done in time. The computation goes on.
        TsneWidgetError or the projector's own error
            If the projector failed.
        """
        self._maps.wait(timeout)
        return self

    def pause(self) -> None:
        """Pause the running map; :meth:`resume` continues it.

        Raises
        ------
        InvalidInputError
            If nothing is running, or the projector cannot be paused.
        """
        self._maps.active.pause()

    def resume(self) -> None:
        """Resume a paused map."""
        self._maps.active.resume()

    def stop(self) -> None:
        """Stop the running map and keep its current state; :meth:`run` continues it."""
        self._maps.active.stop()

    def run(self, iterations: int = 250, *, projector: Any = None, name: str | None = None) -> None:
        """Continue the visible map, or compute another one, in the background.

        Parameters
        ----------
        iterations : int
            Additional iterations.
        projector : object with fit_transform, optional
            Computes another map, shown as soon as it has coordinates; the others are kept.
        name : str, optional
            Name of that map. Default: the name of the projector's class.

        Raises
        ------
        InvalidInputError
            If the map is still running, its coordinates were given, the projector cannot continue,
            or the name is taken.
        """
        self._maps.run(iterations, projector, name)

    def mistake_groups(self) -> pd.DataFrame:
        """Groups of similar samples that the model gets wrong far more often than the rest.

        Each group was found on one half of the samples and holds on the other. The groups are
        found once, as in the panel *Groups*, then kept, saved and exported.

        Returns
        -------
        pandas.DataFrame
            As of :func:`~tsne_widget.analysis.mistake_groups`, with a column "difference": what
            sets the group apart from others of its labels ("darker"), "" if nothing clearly does.
            ``explorer.select(ids=frame["ids"][0])`` selects the first group.

        Raises
        ------
        InvalidInputError
            If the record lacks labels or predictions.

        Examples
        --------
        >>> import numpy as np
        >>> from tsne_widget import EmbeddingExplorer, FeatureSet
        >>> features = np.random.default_rng(0).normal(size=(400, 4))
        >>> features[:40] += 9
        >>> wrong = np.arange(400) < 40
        >>> record = FeatureSet.from_arrays(features, np.zeros(400, int), predictions=1 * wrong)
        >>> explorer = EmbeddingExplorer(record, embedding=features[:, :2])
        >>> explorer.mistake_groups()["confusion"][0]
        '0 → 1'
        """
        state = self._state
        if state.groups is None:
            state.groups = known_groups(state.scores)
        return frame_of(state.groups, state.feature_set)

    def contrast(self, rows: Any = "selected", against: Any = "same label") -> pd.DataFrame:
        """What sets some samples apart from others, the clearest difference first.

        Measures the pictures if that is not done yet.

        Parameters
        ----------
        rows : what select() takes as its first argument
            The samples.
        against : "same label", "visible" or what select() takes
            "same label" compares them with the other visible samples of the same labels (of the
            same predictions in a record without labels): otherwise the class explains everything.
            "visible" compares them with all other visible samples.

        Returns
        -------
        pandas.DataFrame
            One row per property, see :func:`~tsne_widget.analysis.contrast_frame`, with a column
            "kind": "picture" (a property of the picture), "column" (yours), "model" (a score),
            "label" or "prediction". What the model makes of a sample is no cause of its mistakes.

        Raises
        ------
        InvalidInputError
            If there are no rows, or they are invalid.

        Examples
        --------
        >>> import numpy as np
        >>> from tsne_widget import EmbeddingExplorer, FeatureSet
        >>> record = FeatureSet.from_arrays(np.eye(20), np.arange(20) % 2)
        >>> age = {"age": np.arange(20)}
        >>> explorer = EmbeddingExplorer(record, embedding=np.eye(20)[:, :2], columns=age)
        >>> explorer.contrast(range(10))["direction"].iloc[0]
        'lower age'
        """
        within = isinstance(against, str) and against == "same label"
        others = self._rows_of("visible" if within else against)
        chosen = np.asarray(self._rows_of(rows), dtype=np.int64)
        return contrast_of(self._state, chosen, np.asarray(others), within=within)

    def shortcuts(self) -> pd.DataFrame:
        """For each class the property of the pictures, or your column, that alone tells it best.

        Measures the pictures if that is not done yet.

        Returns
        -------
        pandas.DataFrame
            One row per class, see :func:`~tsne_widget.analysis.shortcuts_frame`.

        Raises
        ------
        InvalidInputError
            If the record has no labels.
        """
        return shortcuts_of(self._state)

    @explained('pass all arguments by name: explorer.figure(path="map.pdf", title="…")')
    def figure(self, **options: Any) -> Figure:
        """The map as a static matplotlib figure, with current colours and visible classes.

        Parameters
        ----------
        **options
            Options of :func:`tsne_widget.plot_embedding` that override the current state:
            ``title``, ``size_mm``, ``names``, ``markers``, ``path``, …; ``selected=None`` dims
            nothing.
        """
        from tsne_widget.plotting import plot_embedding
        from tsne_widget.widgets.models.figure_options import drawn_rows, figure_options

        state = self.wait()._state
        current = figure_options(state, self._colors, state.color_by)
        return plot_embedding(state.embedding[drawn_rows(state)], **(current | options))

    def close(self) -> None:
        """Close the widget and stop its projector. May be called twice."""
        self._maps.close()
        super().close()

    def __repr__(self) -> str:
        state, fit = self._state, self._state.fit
        condition = {"none": "ready", "done": "ready", "running": fit.title}.get(
            fit.condition, fit.condition
        )
        if self.comm is None:
            condition = "closed: nothing to show; make another one"
        count = len(self.notes)
        notes = f", {count} note{'s' * (count > 1)}" if count else ""
        return (
            f"{type(self).__name__}({len(state.codes):,} samples, "
            f"{len(state.class_names)} classes, {len(state.selected):,} selected, "
            f"{condition}{notes})"
        )
