"""Sources of bare numbers, read without pandas, whose start takes a sixth of a first fit's time.

Only what leaves no choice is read here: finite float64 numbers, none missing. All else, and so
every refusal, belongs to `frames.open_source`.
"""

import re
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


def bare_columns(data: Any) -> dict[str, np.ndarray] | None:
    """The columns of numbers of a dict of arrays, or of a small CSV file of nothing else."""
    if isinstance(data, Mapping):
        return _of_mapping(data)
    if isinstance(data, (str, Path)) and Path(data).suffix == ".csv":
        return _of_csv(Path(data))
    return None


def are_exact(columns: Iterable[np.ndarray]) -> bool:
    """Whether all numbers are finite and stand for themselves, which large integers may not."""
    return all(len(values) > 0 and np.abs(values).max() < _EXACT for values in columns)


def _of_mapping(data: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {
        name: np.asarray(values, np.float64)
        for name, values in data.items()
        if type(values) is np.ndarray and values.ndim == 1 and values.dtype.str[1:] in _KINDS
    }


_KINDS = frozenset(f"{kind}{size}" for kind in "iuf" for size in (2, 4, 8)) | {"i1", "u1"}


def _of_csv(path: Path) -> dict[str, np.ndarray] | None:
    if not path.is_file() or path.stat().st_size > SMALL:
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
