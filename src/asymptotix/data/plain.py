"""Formulas that are a sum of columns of numbers, whose designs are these columns side by side.

Most are, and need neither formulaic's language nor its record of levels and knots; to do without
takes a tenth off a first fit.
"""

import keyword
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from asymptotix.data.bare import are_exact, bare_columns
from asymptotix.data.captured import Captured
from asymptotix.data.columns import column, kind, side_by_side, used_levels
from asymptotix.data.design_spec import Design, DesignSpec, plain_matrix
from asymptotix.data.frames import (
    Source,
    missing_columns,
    open_source,
    report_missing,
    require_rows,
    warn_dropped,
    without,
)

_NAME = r"\s*[A-Za-z_]\w*\s*"
_SUM = re.compile(rf"{_NAME}~{_NAME}(\+{_NAME})*", re.ASCII)


def plain_names(formula: Any, names: tuple[str, ...]) -> list[str] | None:
    """The response and the terms, where all are different columns of the data; else `None`.

    Arguments:
        formula: such as `"y ~ x1 + x2"`.
        names: the columns.
    """
    found = _summed(formula)
    return found if found is not None and set(found) <= set(names) else None


def _summed(formula: Any) -> list[str] | None:
    """The response and the terms of a sum of different names."""
    if not isinstance(formula, str) or not _SUM.fullmatch(formula):
        return None
    found = [name.strip() for name in re.split(r"[~+]", formula)]
    strange = any(keyword.iskeyword(name) or name == "Intercept" for name in found)
    return None if strange or len(set(found)) < len(found) else found


def plain_design(formula: str, data: Any, extra: Iterable[str], missing: str) -> Design | Source:
    """The design of a sum of columns of numbers, the same as formulaic's.

    Arguments:
        formula, data, missing: as in `build_design`.
        extra: further columns that must not be missing.

    Returns:
        The design; for any other formula the source, which remembers what has been read.

    Raises:
        InputError: as `build_design` does.
    """
    source = open_source(data)
    found = plain_names(formula, source.names)
    if found is None or missing not in ("drop", "raise"):
        return source
    response, *terms = found
    extra = tuple(extra)
    frame = source.frame([*terms, response, *extra])
    if not all(_is_plain(column(frame, name)) for name in terms):
        return source.knowing(frame)
    spec = _spec(formula, response, terms)
    used = spec.columns | {response: (response,)}, spec.calls | {response: frozenset()}
    lost = missing_columns(frame, *used, extra)
    kept = without(np.ones(len(frame), dtype=bool), lost)
    report_missing(lost, kept, missing)
    require_rows(kept, lost)
    x = plain_matrix(frame, spec.names, kept)
    counts = {name: int(rows.sum()) for name, rows in lost.items()}
    dropped = len(kept) - len(x)
    warn_dropped(dropped, len(kept), counts)
    return Design(
        x=x,
        names=spec.names,
        response=column(used_levels(frame, kept), response).loc[kept],
        response_name=response,
        spec=spec,
        kept=kept,
        dropped=dropped,
        dropped_by=counts,
        frame=frame,
    )


def bare_design(formula: str, data: Any) -> Design | None:
    """The same of bare numbers, without pandas; `None` where they are not that.

    Arguments:
        formula, data: as there. Nothing is dropped, whatever `missing` says.
    """
    read = _bare_sum(formula, data)
    if read is None:
        return None
    found, (response, *terms) = [*read], read.values()
    n = len(response)
    if any(len(values) != n for values in terms) or not are_exact((response, *terms)):
        return None
    spec = _spec(formula, found[0], found[1:])
    return Design(
        x=side_by_side([np.ones(n), *terms], n),
        names=spec.names,
        response=response,
        response_name=found[0],
        spec=spec,
        kept=np.ones(n, dtype=bool),
        dropped=0,
        dropped_by={},
        frame=None,
    )


def is_bare_sum(formula: Any, data: Any) -> bool:
    """Whether a formula is a sum of columns of numbers that are read without pandas."""
    return _bare_sum(formula, data) is not None


def _bare_sum(formula: Any, data: Any) -> dict[str, np.ndarray] | None:
    """The response and the terms, in this order."""
    names = _summed(formula)
    return None if names is None else bare_columns(data, names)


def _spec(formula: str, response: str, terms: list[str]) -> DesignSpec:
    names, columns = ("Intercept", *terms), {name: (name,) for name in terms}
    return DesignSpec(
        formula=formula,
        response_name=response,
        names=names,
        terms={name: [position] for position, name in enumerate(names)},
        term_variables={"Intercept": (), **columns},
        variables=tuple(terms),
        kinds=dict.fromkeys(terms, "number"),
        levels={},
        columns=columns,
        calls={name: frozenset() for name in terms},
        captured=Captured(),
        model_spec=None,
    )


def _is_plain(values) -> bool:
    """Whether a column holds numbers of NumPy's."""
    return kind(values) == "number" and isinstance(values.dtype, np.dtype)
