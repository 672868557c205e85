"""From what a verb is asked to rows, groups and changed columns."""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.data.columns import column
from asymptotix.data.redesign import part, terms_with
from asymptotix.data.rows import Rows
from asymptotix.effects.columns import placed
from asymptotix.effects.contrasts import (
    Contrast,
    Variable,
    categories,
    counts_of,
    known_variables,
)
from asymptotix.effects.derivative import design_slope
from asymptotix.effects.evaluate import Change, Sample
from asymptotix.effects.grid import DataGrid, filled
from asymptotix.effects.options import Options
from asymptotix.effects.problem import OFFSET, Data, Problem

STATISTICS = {"mean": "mean_or_mode", "median": "median_or_mode"}


class Asked(NamedTuple):
    """Where effects are evaluated.

    Attributes:
        data: the rows.
        sample: the same for the reducer, with groups.
        groups: one row a group: the levels of the by-variables (no column without any).
        rows: the rows of the fit, where it is those that are asked about.
    """

    data: Data
    sample: Sample
    groups: pd.DataFrame
    rows: Rows | None


def asked(problem: Problem, options: Options) -> Asked:
    """The rows of a request, grouped."""
    data, rows = _data(problem, options)
    by = [] if not options.averages else list(options.by_columns)
    groups, codes = grouped(data.frame, by)
    sample = Sample(
        data.x, data.offset, data.weights, codes if len(groups) > 1 else None, len(groups)
    )
    return Asked(data, sample, groups, rows)


def _data(problem: Problem, options: Options) -> tuple[Data, Rows | None]:
    newdata, by = options.newdata, options.by_columns
    if newdata is None:
        return problem.own(by, options.weights)
    of_fit = isinstance(options.weights, str) and options.weights == "fit"
    weights = None if of_fit else options.weights
    if isinstance(newdata, str):
        if newdata not in STATISTICS:
            hint = f" Did you mean variables={newdata!r}?" if newdata in problem.spec.kinds else ""
            raise InputError(
                f"newdata={newdata!r} must be data, a grid, 'mean' or 'median'.{hint}",
                code="option",
            )
        newdata = DataGrid(STATISTICS[newdata], {})
    if isinstance(newdata, DataGrid):
        newdata = grid(problem, newdata, by)
    return problem.new(newdata, by, weights), None


def grid(problem: Problem, given: DataGrid, extra=()) -> pd.DataFrame:
    """The rows of a grid over the data of the fit; means are weighted as the fit was."""
    data, _ = problem.own(name for name in extra if name not in problem.spec.variables)
    frame = data.frame
    if data.offset is not None and not isinstance(problem.offset, str):
        frame = frame.assign(**{OFFSET: data.offset})
    elif data.offset is not None and problem.offset not in frame:
        frame = frame.assign(**{problem.offset: data.offset})
    return filled(given, frame, categories(problem.spec), data.weights)


def grouped(frame: pd.DataFrame, by: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """The levels of the by-variables in order, and the group of each row."""
    if not by:
        return pd.DataFrame(index=[0]), np.zeros(len(frame))
    made = frame.groupby(by, observed=True, sort=True, dropna=False)
    codes = made.ngroup().to_numpy()
    first = np.unique(codes, return_index=True)[1]
    return frame.iloc[first][by].reset_index(drop=True), codes


def known(problem: Problem, data: Data, rows: Rows | None = None) -> dict[str, Variable]:
    """The variables of the formula, as the rows of the fit show them.

    Arguments:
        problem: the fitted formula.
        data, rows: those asked about, the latter where they are the fit's own; they stand for it
            where it holds no data.
    """
    if rows is None and problem.source is not None:
        data, rows = problem.own()
    counts = None if rows is None else counts_of(rows.weights, rows.weight_kind)
    return known_variables(problem.spec, data.frame, counts)


def change_of(problem: Problem, contrast: Contrast, data: Data) -> Change:
    """The columns of the matrix that a contrast or derivative changes."""
    name = contrast.variable
    if contrast.is_slope:
        slopes = [(design_slope(spec, data.frame, name), at) for spec, at in placed(problem.spec)]
        ones = np.broadcast_to(1.0, (len(data.x), 1))
        values = [
            np.repeat(ones, len(s.positions), axis=1) if s.values is None else s.values
            for s, _ in slopes
        ]
        index = np.concatenate([s.positions + at for s, at in slopes])
        variable = data.frame[name].to_numpy(float)
        return Change(index, np.concatenate(values, axis=1), None, variable)
    assert contrast.low is not None
    assert contrast.high is not None
    index, high = _with_values(problem, data, {name: contrast.high(column(data.frame, name))})
    return Change(
        index, high, _with_values(problem, data, {name: contrast.low(column(data.frame, name))})[1]
    )


def _with_values(problem: Problem, data: Data, values: Mapping[str, Any]):
    """The columns that depend on some variables, and those columns at other values of them."""
    parts = [(part(spec, terms_with(spec, values)), at) for spec, at in placed(problem.spec)]
    frame = data.frame.assign(**values)
    index = np.concatenate([p.positions + at for p, at in parts])
    return index, np.concatenate([p(frame) for p, _ in parts], axis=1)


def counterfactuals(problem: Problem, values: Mapping[str, Any], data: Data):
    """For each combination of values of some variables, that combination and what it changes."""
    lists = [[v] if isinstance(v, str) or np.ndim(v) == 0 else list(v) for v in values.values()]
    for combination in itertools.product(*lists):
        fixed = dict(zip(values, combination, strict=True))
        yield fixed, Change(*_with_values(problem, data, fixed))
