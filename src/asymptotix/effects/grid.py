"""Grids of covariates: at means, at representative values, counterfactual copies of the data."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError, close_matches
from asymptotix.data.columns import as_series, column, kind
from asymptotix.data.frames import open_source

GRIDS = ("mean_or_mode", "median_or_mode", "counterfactual")


@dataclasses.dataclass(frozen=True)
class DataGrid:
    """A grid that waits for the data of a fit; made by `asx.datagrid(...)` without data.

    Attributes:
        grid_type: what becomes of variables that are not named.
        values: the values of those that are.
    """

    grid_type: str
    values: dict[str, Any]


def datagrid(source: Any = None, /, *, grid_type: str = "mean_or_mode", **values: Any):
    """All combinations of given values, other variables at typical ones.

    Arguments:
        source: a `Results`, or any data that a fit takes; left out, the grid takes the data of
            the fit that it is passed to as `newdata=`.
        grid_type: `"mean_or_mode"` (means of numbers, the most frequent level of all others; one
            row a combination), `"median_or_mode"`, or `"counterfactual"`: every row of the data
            once for each combination.
        values: for each named variable a value, a list of values, or a function of its column
            that returns one or several, such as `educ=[8, 12, 16]` or `age=np.median`.

    Returns:
        A pandas frame, or a `DataGrid` where there are no data yet.

    Raises:
        InputError: an unknown kind of grid or an unknown variable.
    """
    if grid_type not in GRIDS:
        raise InputError(
            f"grid_type={grid_type!r} must be one of {', '.join(map(repr, GRIDS))}.", code="option"
        )
    grid = DataGrid(grid_type, values)
    if source is None:
        return grid
    if hasattr(source, "fill_grid"):
        return source.fill_grid(grid)
    data = open_source(source)
    return filled(grid, data.frame(data.names), frozenset(), None)


def filled(
    grid: DataGrid, frame: pd.DataFrame, categories: frozenset[str], weights: np.ndarray | None
) -> pd.DataFrame:
    """The rows of a grid.

    Arguments:
        grid: what is asked for.
        frame: the data, complete rows only.
        categories: columns of numbers that the formula uses as categories.
        weights: of the rows in means and modes.
    """
    for name in grid.values:
        if name not in frame:
            raise InputError(
                f"The grid names '{name}', which is no variable of the model."
                f"{close_matches(name, frame.columns)}",
                code="unknown_column",
                column=name,
            )
    choices = {name: _values(given, column(frame, name)) for name, given in grid.values.items()}
    combinations = pd.DataFrame(
        list(itertools.product(*choices.values())), columns=list(choices), dtype=object
    ).infer_objects()
    others = [name for name in frame if name not in choices]
    if grid.grid_type == "counterfactual":
        rows = frame[others].merge(combinations, how="cross") if choices else frame
        return rows.reindex(columns=list(frame))
    median = grid.grid_type == "median_or_mode"
    fixed = {
        name: typical(column(frame, name), name in categories, weights, median=median)
        for name in others
    }
    if not choices:
        return pd.DataFrame([fixed])
    return combinations.assign(**fixed).reindex(columns=list(frame))


def _values(given: Any, observed: pd.Series) -> list:
    found: Any = given(observed) if callable(given) else given
    if isinstance(found, str | bytes) or np.ndim(found) == 0:
        return [found]
    return list(as_series(found, str(observed.name)))


def typical(
    observed: pd.Series, is_category: bool, weights: np.ndarray | None, *, median: bool = False
):
    """The mean or median of numbers, the most frequent value of anything else."""
    if kind(observed) != "number" or is_category:
        codes, levels = pd.factorize(observed, sort=True)
        return levels[np.argmax(np.bincount(codes, weights))]
    values = observed.to_numpy(float)
    if not median:
        return float(np.average(values, weights=weights))
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / np.sum(weights)
    return float(values[order][np.searchsorted(share, 0.5)])
