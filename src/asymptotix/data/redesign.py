"""A formula's design again with a few of its variables changed.

Only the terms that contain a changed variable are evaluated; the other columns keep their values.
Levels, knots, means and scales are those of the fit.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.data.design_spec import DesignSpec
from asymptotix.data.evaluation import factors_of, materialise

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Part:
    """Some terms of a design.

    Arguments:
        spec: the design of these terms only.
        positions: where their columns stand in the whole design.
    """

    spec: DesignSpec
    positions: np.ndarray

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        """The columns for a frame without missing values, shape `(n, len(positions))`.

        Raises:
            InputError: unknown levels, values outside a spline's range.
        """
        if not len(self.positions):
            return np.empty((len(frame), 0))
        return self.spec.design(frame, missing="raise")[0]

    def where_defined(self, frame: pd.DataFrame) -> np.ndarray:
        """The same, with NaN in rows outside a spline's range or a function's domain."""
        kept = np.ones(len(frame), bool)
        spec = self.spec
        made = materialise(spec.state(), frame, spec.captured, kept, spec.formula)
        values = made.matrix()
        for outside in made.beyond:
            values[outside.rows] = np.nan
        return values


def terms_with(spec: DesignSpec, variables) -> list[Any]:
    """The terms in which any of the variables enters."""
    wanted = set(variables)
    named = zip(spec.record.term_indices, spec.term_variables.values(), strict=True)
    return [term for term, used in named if wanted & set(used)]


def part(spec: DesignSpec, terms: list[Any]) -> Part:
    """The design of some of its terms."""
    indices = spec.record.term_indices
    positions = [p for term in terms for p in indices[term]]
    columns = {f.expr: spec.columns[f.expr] for term in terms for f in factors_of([term])}
    used = dict.fromkeys(name for group in columns.values() for name in group)
    chosen = dataclasses.replace(
        spec,
        names=tuple(spec.names[p] for p in positions),
        variables=tuple(used),
        kinds={v: spec.kinds[v] for v in used},
        columns=columns,
        calls={expr: spec.calls[expr] for expr in columns},
        model_spec=spec.record.subset(type(spec.record.formula)(terms)),
    )
    return Part(chosen, np.array(positions, dtype=np.int32))


def split_by_use(spec: DesignSpec, variable: str) -> tuple[list, list, list]:
    """The terms of a variable: itself alone, linear in it, and all others.

    A term is linear in a variable that is one of its factors as it stands and enters no other.
    """
    own, linear, curved = [], [], []
    for term in terms_with(spec, [variable]):
        bare = [f for f in term.factors if _is_bare(f, variable)]
        elsewhere = [
            f for f in factors_of([term]) if f not in bare and variable in spec.columns[f.expr]
        ]
        if len(bare) != 1 or elsewhere:
            curved.append(term)
        else:
            (own if len(term.factors) == 1 else linear).append(term)
    return own, linear, curved


def _is_bare(factor, variable: str) -> bool:
    return factor.eval_method.value == "lookup" and factor.expr == variable


def linear_slopes(design: Part, frame: pd.DataFrame, variable: str) -> np.ndarray:
    """The exact derivative of terms that are linear in a variable: their values at 1 less at 0."""
    return design(frame.assign(**{variable: 1.0})) - design(frame.assign(**{variable: 0.0}))
