"""The inputs of a formula fit: kept by reference, evaluated again when rows are needed."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError, MissingRowsWarning
from asymptotix.core.lazy import LazyModule
from asymptotix.data.columns import refuse_other_index
from asymptotix.data.design_spec import Design
from asymptotix.data.frames import open_source, read_frame
from asymptotix.data.plain import bare_design, is_bare_sum, plain_design, plain_names
from asymptotix.data.response import (
    Response,
    code_response,
    label_response,
    numeric_response,
    take_column,
    take_groups,
    zero_one,
)
from asymptotix.data.rows import Rows
from asymptotix.data.streamed import StreamedRows

if TYPE_CHECKING:
    import pandas as pd

    from asymptotix.data import design as building
    from asymptotix.data import designs, safe_formula
else:  # these bring formulaic, which plain sums of columns do without
    building = LazyModule("asymptotix.data.design")
    designs = LazyModule("asymptotix.data.designs")
    safe_formula = LazyModule("asymptotix.data.safe_formula")


@dataclasses.dataclass(frozen=True)
class Unsaved:
    """Stands for an array of one number a row that a file of results does not hold."""


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a user handed to a formula fit.

    Attributes:
        formula: the formula, or one for each component of a vector predictor.
        data: the source, by reference; `None` once it was let go.
        context: the caller's names that the formula may use.
        weights, offset, trials: a column's name, an array, or `None`.
        weight_kind: how weights count.
        missing: `"drop"` or `"raise"`.
        response_kind: `"binary"`, `"numeric"`, `"grouped"` or `"categorical"`.
        components: names of the components of a vector predictor with a formula each.
        response_is: `"counts"` or `"proportion"`, for grouped responses.
        groups: columns of clusters or periods, by label: names, or identifiers.
        safe: whether formulas may only use the formula language.
        streamed: the rows of a stream, as the fit saw them; `None` where they are in memory.
    """

    formula: str | Mapping[str, str]
    data: Any
    context: Any = None
    weights: Any = None
    weight_kind: Any = None
    offset: Any = None
    trials: Any = None
    missing: str = "drop"
    response_kind: str = "numeric"
    response_is: str = "counts"
    components: tuple[str, ...] = ()
    groups: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    safe: bool = False
    streamed: StreamedRows | None = None

    def evaluate(self) -> tuple[Rows, Design, Response]:
        """Rows, design and coded response.

        Raises:
            InputError: with the column, the rows, the cause and the remedy.
        """
        given = (self.weights, self.offset, self.trials)
        extra = [name for name in given if isinstance(name, str)]
        design = self._design(extra)

        def taken(value, what):
            refuse_other_index(value, self.data, what)
            return None if value is None else take_column(design.frame, value, design.kept, what)

        response = self.coded(
            design.response,  # pyright: ignore[reportArgumentType]
            design.response_name or "response",
            taken(self.trials, "trials"),
        )
        weights = taken(self.weights, "weights")
        rows = Rows(
            design.x,
            response.values,
            weights=weights,
            weight_kind=self.weight_kind,
            offset=taken(self.offset, "offset"),
            groups=self._groups(design, weights),
        )
        return rows, design, response

    def _groups(self, design: Design, weights):
        if not self.groups:
            return None
        kept, present = design.kept, design.kept.copy()
        if weights is not None:
            present[kept] = weights > 0
        for label, given in self.groups.items():
            refuse_other_index(getattr(given, "values", given), self.data, label)
        # Read apart from the design: a row without a cluster is an error, not a row to drop.
        names = [given for given in self.groups.values() if isinstance(given, str)]
        frame = read_frame(self.data, names) if names else design.frame
        return {
            label: take_groups(frame, given, present, label)[kept]
            for label, given in self.groups.items()
        }

    def refuse_unsafe(self) -> None:
        """Raise `InputError` where formulas must be safe and are not, before any is evaluated."""
        if not self.safe or is_bare_sum(self.formula, self.data):
            return
        texts = [self.formula] if isinstance(self.formula, str) else [*self.formula.values()]
        names = open_source(self.data).names
        if plain_names(self.formula, names):
            return
        for j, text in enumerate(texts):
            safe_formula.require_safe(text, names, response=j == 0)

    def _design(self, extra) -> Design:
        if isinstance(self.formula, str) and not self.components:
            if self._asks_for_columns_alone() and (bare := bare_design(self.formula, self.data)):
                return bare
            found = plain_design(self.formula, self.data, extra, self.missing)
            if isinstance(found, Design):
                return found
            return building.build_design(self.formula, found, self.context, extra, self.missing)
        formulas = self.formula
        if isinstance(formulas, str):
            formulas = {self.components[0]: formulas}
        return designs.build_designs(
            formulas, self.components, self.data, self.context, extra, self.missing
        )

    def _asks_for_columns_alone(self) -> bool:
        """Whether the formula names all that is wanted of the data."""
        beside = (self.weights, self.offset, self.trials)
        alone = all(given is None for given in beside) and not self.groups
        numbers = self.response_kind in ("binary", "numeric")
        return alone and numbers and self.missing in ("drop", "raise")

    def again(self, data=None) -> Rows:
        """The rows once more, from `data` or from the source held, without warning again.

        Those of a stream are all read into memory, if they fit.
        """
        source = self.data if data is None else data
        if source is None:
            raise InputError(
                "The fit does not hold its data (keep_data=False); pass data=.", code="no_data"
            )
        self._refuse_unsaved()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingRowsWarning)
            rows, _, _ = dataclasses.replace(self, data=source).evaluate()
        return rows

    def without_rows(self) -> "Inputs":
        """The inputs as a file holds them: names of columns, no data, no array of rows."""

        def name(given):
            return given if given is None or isinstance(given, str) else Unsaved()

        return dataclasses.replace(
            self,
            data=None,
            context=None,
            weights=name(self.weights),
            offset=name(self.offset),
            trials=name(self.trials),
            groups={label: name(given) for label, given in self.groups.items()},
        )

    def _refuse_unsaved(self) -> None:
        given = {"weights": self.weights, "offset": self.offset, "trials": self.trials}
        for what, value in {**given, **self.groups}.items():
            if isinstance(value, Unsaved):
                raise InputError(
                    f"The fit had an array as its {what}, which its file does not hold; put it "
                    "into the data as a column and fit again.",
                    code="no_data",
                    column=what,
                )

    def coded(self, values: pd.Series | np.ndarray, name: str, trials) -> Response:
        """A response, and the trials beside it, in numbers."""
        if isinstance(values, np.ndarray):  # bare numbers
            is_binary = self.response_kind == "binary"
            return zero_one(values, name) if is_binary else Response(np.ascontiguousarray(values))
        if self.response_kind == "binary":
            return code_response(values, name)
        if self.response_kind == "categorical":
            return label_response(values, name)
        plain = numeric_response(values, name)
        if self.response_kind == "numeric":
            return plain
        return dataclasses.replace(plain, values=self._counts(plain.values, trials, name))

    def _counts(self, values, trials, name: str):
        if trials is None:
            raise InputError(
                f"A grouped binomial response '{name}' needs its trials; pass trials='column', "
                "or use family=asx.Bernoulli() for a response of 0 and 1.",
                code="trials",
                column=name,
            )
        if self.response_is == "counts":
            if np.any(values % 1) and np.all((values >= 0) & (values <= 1)):
                raise InputError(
                    f"'{name}' holds shares between 0 and 1, not counts; "
                    "say response='proportion'.",
                    code="trials",
                    column=name,
                )
            return values, trials
        if self.response_is != "proportion":
            raise InputError(
                f"response={self.response_is!r} must be 'counts' or 'proportion'.", code="option"
            )
        successes = values * trials
        whole = np.round(successes)
        # A share printed with few digits still stands for a whole number of successes.
        return np.where(np.abs(successes - whole) < 1e-6 * trials, whole, successes), trials
