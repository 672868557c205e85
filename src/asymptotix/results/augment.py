"""The data with what a fit says of each row, under broom's column names."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from asymptotix import diagnostics
from asymptotix.data.frames import open_source
from asymptotix.results.components import component_names
from asymptotix.results.located import Located


def augmented(
    res: Any, where: Located, type: str, residuals: str | None, data: Any
) -> pd.DataFrame:
    """What `Results.augment` returns.

    Arguments:
        res: a `Results` that has converged.
        where: its rows.
        type, residuals, data: as in `Results.augment`.
    """
    fit, rows = res.fit, where.rows
    hat = diagnostics.leverages(fit, rows)
    usual = diagnostics.usual_residual(fit, rows)
    resid = diagnostics.residuals(fit, rows, residuals or usual)
    columns = _fitted(res, where, type, data)
    is_vector = resid.ndim > 1
    names = component_names(res, "link" if residuals == "score" else "response")
    columns |= _by_component(".resid", resid, names)
    columns[".hat"] = hat
    if not is_vector:
        standard = resid if residuals in (None, usual) else diagnostics.residuals(fit, rows, usual)
        columns[".std.resid"] = standard / np.sqrt(res.scale * (1 - hat))
    columns[".cooksd"] = diagnostics.cooks_distances(fit, rows)
    source = open_source(where.source)
    index = pd.RangeIndex(where.kept.size) if where.index is None else where.index
    frame = source.frame(source.names).set_axis(index, axis=0)
    frame = frame.assign(**{name: where.spread(v, name) for name, v in columns.items()})
    return _with_label(res, frame)


def _fitted(res: Any, where: Located, type: str, data: Any) -> dict[str, np.ndarray]:
    """Predictions and their errors, in the order of the rows; NaN where a row has weight 0."""
    own = res if data is None else _holding(res, data)
    found = own.predictions(type=type).frame
    at = np.searchsorted(np.flatnonzero(where.kept), found["rowid"].unique())
    names = list(dict.fromkeys(found["component"])) if "component" in found else []
    shape = (where.rows.n, *([len(names)] if names else []))
    numbers = np.full((2, *shape), np.nan)
    numbers[0][at] = found["estimate"].to_numpy().reshape(-1, *shape[1:])
    numbers[1][at] = found["std.error"].to_numpy().reshape(-1, *shape[1:])
    return _by_component(".fitted", numbers[0], names) | _by_component(".se.fit", numbers[1], names)


def _by_component(name: str, values: np.ndarray, components: list[str]) -> dict[str, np.ndarray]:
    """One column, or one a component, such as `.fitted.north`."""
    if values.ndim == 1:
        return {name: values}
    parts = components or [str(j + 1) for j in range(values.shape[1])]
    return {f"{name}.{part}": values[:, j] for j, part in enumerate(parts)}


def _with_label(res: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """For a response of several levels, the likeliest of them as `.fitted`."""
    levels = list(res.levels)
    columns = [f".fitted.{level}" for level in levels]
    if res.model.family.response_kind != "categorical" or columns[0] not in frame:
        return frame
    probability = frame[columns].to_numpy()
    known = np.isfinite(probability).all(axis=1)
    label = np.full(len(frame), None, object)
    label[known] = np.array(levels, object)[np.argmax(probability[known], axis=1)]
    frame.insert(frame.columns.get_loc(columns[0]), ".fitted", label)  # pyright: ignore
    return frame


def _holding(res: Any, data: Any) -> Any:
    """The same result with its data."""
    return dataclasses.replace(res, inputs=dataclasses.replace(res.inputs, data=data))
