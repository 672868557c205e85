"""What the verbs know of a fitted formula, and the data that they are asked about."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.core.reference import Reference
from asymptotix.covariances import Bootstrap
from asymptotix.data.columns import as_trained, column
from asymptotix.data.design_spec import DesignSpec, DesignSpecs
from asymptotix.data.frames import open_source
from asymptotix.data.response import take_column
from asymptotix.data.rows import Rows
from asymptotix.effects.columns import one_matrix
from asymptotix.fitting import Fit
from asymptotix.fitting.rank import Omitted
from asymptotix.model import Regression

OFFSET = " offset"
"""A column of a grid that no formula can name: the offset, which grids average like a variable."""


@dataclasses.dataclass(frozen=True)
class Data:
    """Rows at which effects are asked for.

    Attributes:
        frame: the formula's variables (and what else was asked for), complete rows only.
        x: their design, shape `(n, k)`.
        offset: one number a row, or `None`.
        weights: one number a row, or `None`.
        rowid: the position of each row in the data they came from.
    """

    frame: pd.DataFrame
    x: np.ndarray
    offset: np.ndarray | None
    weights: np.ndarray | None
    rowid: np.ndarray


@dataclasses.dataclass(frozen=True)
class Problem:
    """A fitted formula, as the verbs see it.

    Attributes:
        fit: the fit.
        model: the fitted model as a function of the matrix of all designs.
        matrix: the covariance of its parameters; 0 for omitted columns.
        spec: the design of the formula, or of several.
        components: names of the entries of a vector on a scale, where there are names.
        source: the data of the fit, or `None` where they were not kept.
        offset: the fit's offset, a column's name or numbers, or `None`.
        evaluate: reads the rows of the fit: `(rows, kept)`.
        clusters: from the rows of the fit to a code a row, `None` for independent rows.
        reference: the distribution of an estimate over its error.
        resampling: from a bootstrap to the same with its clusters found, and the rows of the fit.
        levels: labels of the response, in the order of their numbers.
        omitted: columns of the matrix that were left out, and what each equals.
        read_stretches: of a fit on a stream: from further columns to its rows, a stretch at a
            time, which of the stretch's rows they are, and its table.
    """

    fit: Fit
    model: Regression
    matrix: np.ndarray
    spec: DesignSpec | DesignSpecs
    components: Callable[[str], list[str]]
    source: Any
    offset: Any
    evaluate: Callable[[], tuple[Rows, np.ndarray]]
    clusters: Callable[[Rows], np.ndarray | None]
    reference: Reference
    resampling: Callable[[Bootstrap], tuple[Bootstrap, Rows]]
    levels: tuple[Any, ...] = ()
    omitted: tuple[Omitted, ...] = ()
    read_stretches: Callable[[list[str]], Iterator[tuple[Rows | None, np.ndarray, Any]]] | None = (
        None
    )

    @property
    def is_infinite(self) -> np.ndarray:
        """Which parameters have no variance though others have: infinite estimates."""
        unknown = np.isnan(np.diagonal(self.matrix))
        p = len(self.fit.active)  # a dispersion after them is unknown without data
        return unknown & (np.arange(len(unknown)) < p) & ~unknown[:p].all()

    def own(self, extra: Iterable[str] = (), weights: Any = "fit") -> tuple[Data, Rows]:
        """The rows of the fit, and its `Rows`.

        Arguments:
            extra: further columns.
            weights: `"fit"` for the weights of the fit (frequency and sampling weights; rows of
                weight zero are absent in any case), `None`, a column's name, or numbers.
        """
        if self.source is None:
            raise InputError(
                "The fit does not hold its data (keep_data=False); pass newdata=.", code="no_data"
            )
        rows, kept = self.evaluate()
        return self.of_rows(rows, kept, self.source, extra, weights)

    def of_rows(
        self, rows: Rows, kept: np.ndarray, source: Any, extra, weights
    ) -> tuple[Data, Rows]:
        """The same of rows of the fit that were evaluated from a source."""
        frame = self.read(source, [*self.spec.variables, *extra], kept)
        given = self._weights(weights, rows, source, kept)
        offset = None if rows.offset is None else np.asarray(rows.offset)
        data = Data(frame, one_matrix(rows.x), offset, given, np.flatnonzero(kept))
        if rows.weights is None:
            return data, rows
        present = np.asarray(rows.weights) > 0
        if present.all():
            return data, rows
        return selected(data, present), jax.tree.map(lambda v: np.asarray(v)[present], rows)

    def _weights(self, weights, rows: Rows, source, kept):
        if isinstance(weights, str) and weights == "fit":
            counting = rows.weight_kind in ("frequency", "sampling")
            return np.asarray(rows.weights, float) if counting else None
        return checked_weights(weights, source, kept)

    def read(self, source: Any, names: Iterable[str], kept: np.ndarray | None = None):
        """Columns of a source, the formula's in the kind that they had at the fit."""
        frame = open_source(source).frame(dict.fromkeys(names))
        if kept is not None and not kept.all():
            frame = frame.iloc[np.flatnonzero(kept)].reset_index(drop=True)
        kinds = self.spec.kinds
        typed = {v: as_trained(column(frame, v), v, kinds[v]) for v in frame if v in kinds}
        return frame.assign(**typed)

    def new(self, source: Any, extra: Iterable[str] = (), weights: Any = None) -> Data:
        """Other rows than those of the fit; incomplete ones are left out."""
        found, kept = self.spec.design(source)
        x = one_matrix(found)
        if not kept.any():
            raise InputError("newdata has no complete row.", code="no_rows")
        frame = self.read(source, [*self.spec.variables, *extra], kept)
        given = checked_weights(weights, source, kept)
        return Data(frame, x, self._new_offset(source, kept), given, np.flatnonzero(kept))

    def _new_offset(self, source, kept):
        if self.offset is None:
            return None
        if OFFSET in open_source(source).names:
            return open_source(source).frame([OFFSET])[OFFSET].to_numpy(float)[kept]
        if not isinstance(self.offset, str):
            raise InputError(
                "The fit had an array as its offset, which newdata cannot hold; put it into the "
                "data and fit again with offset='column'.",
                code="offset",
                column="offset",
            )
        frame = open_source(source).frame([self.offset])
        return np.asarray(take_column(frame, self.offset, kept, "offset"))


def selected(data: Data, rows: np.ndarray) -> Data:
    """Some rows of the data."""

    def part(values):
        return None if values is None else values[rows]

    return Data(
        data.frame.iloc[np.flatnonzero(rows)].reset_index(drop=True),
        data.x[rows],
        part(data.offset),
        part(data.weights),
        data.rowid[rows],
    )


def checked_weights(weights: Any, source: Any, kept: np.ndarray) -> np.ndarray | None:
    """Weights of an average, from a column's name or numbers.

    Raises:
        InputError: a wrong length, negative or missing weights, all of them 0.
    """
    if weights is None:
        return None
    columns = [weights] if isinstance(weights, str) else []
    frame = open_source(source).frame(columns)
    return np.asarray(take_column(frame, weights, kept, "weights"))
