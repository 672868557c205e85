"""Sources of bare numbers, read without pandas, whose start takes a sixth of a first fit's time.

Columns of a pandas frame are taken as the arrays that they are, which saves a warm fit as much.
Only what leaves no choice is read here: finite float64 numbers, none missing. All else, and so
every refusal, belongs to `frames.open_source`.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

SMALL = 2**20
"""Bytes of a CSV file from which pandas reads so much faster that it is worth its start."""
_EXACT = 2.0**53
"""Integers up to here are float64 numbers."""
_HEADER = re.compile(rb"[A-Za-z_]\w*(,[A-Za-z_]\w*)*")
_NUMERALS = b"0123456789+-.eE,\n"


def bare_columns(data: Any, names: Iterable[str]) -> dict[str, np.ndarray] | None:
    """The named columns as vectors of float64, where they hold numbers of NumPy's; else `None`.

    Arguments:
        data: a dict of arrays, a pandas frame, or the path of a small CSV file of numbers alone.
        names: the columns.
    """
    if isinstance(data, (str, Path)):
        found = _of_csv(Path(data))
    elif isinstance(data, Mapping):
        found = {name: data[name] for name in names if name in data}
    else:
        found = _of_frame(data, names)
    if found is None or not all(name in found and _is_bare(found[name]) for name in names):
        return None
    return {name: np.asarray(found[name], np.float64) for name in names}


def are_exact(columns: Iterable[np.ndarray]) -> bool:
    """Whether all numbers are finite and stand for themselves, which large integers may not."""
    return all(len(v) > 0 and v.min() > -_EXACT and v.max() < _EXACT for v in columns)


def _is_bare(values: Any) -> bool:
    return type(values) is np.ndarray and values.ndim == 1 and values.dtype.str[1:] in _KINDS


_KINDS = frozenset(f"{kind}{size}" for kind in "iuf" for size in (2, 4, 8)) | {"i1", "u1"}


def _of_frame(data: Any, names: Iterable[str]) -> dict[str, Any] | None:
    pd = sys.modules.get("pandas")  # whoever has a frame has loaded it
    if pd is None or type(data) is not pd.DataFrame or not data.columns.is_unique:
        return None
    columns = {name: data[name] for name in names if name in data.columns}
    return {
        name: values.to_numpy()
        for name, values in columns.items()
        if type(values) is pd.Series and isinstance(values.dtype, np.dtype)
    }


def _of_csv(path: Path) -> dict[str, np.ndarray] | None:
    if path.suffix != ".csv" or not path.is_file() or path.stat().st_size > SMALL:
        return None
    head, _, body = path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n")
    names = head.decode("ascii", "replace").split(",")
    plain = _HEADER.fullmatch(head) and len(set(names)) == len(names)
    lines = [line for line in body.split(b"\n") if line]
    if not (plain and lines) or body.translate(None, _NUMERALS):
        return None
    try:
        table = np.loadtxt(lines, delimiter=",", comments=None, ndmin=2)
    except ValueError:  # an empty cell, a sign alone, lines of different lengths
        return None
    return dict(zip(names, table.T, strict=True)) if table.shape[1] == len(names) else None
