"""Replications on disk, so that an interrupted study can go on."""

import os
from pathlib import Path
from typing import Any

import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.typing import Key
from asymptotix.simulation.performance import Replications


class Saved:
    """The replications of a study in one file; written whole or not at all.

    Arguments:
        path: the file; `None` to keep nothing.
        key: of the study: the replications of another key are refused.
    """

    def __init__(self, path: Any, key: Key):
        self.path = None if path is None else Path(path)
        self.key = np.asarray(jax.random.key_data(key)).ravel()
        self.cells: dict[str, Replications] = {}
        if self.path is not None and self.path.exists():
            self._load()

    def _load(self) -> None:
        with np.load(self.path, allow_pickle=False) as file:  # pyright: ignore[reportArgumentType]
            if not np.array_equal(file["key"], self.key):
                raise InputError(
                    f"'{self.path}' holds the replications of another key; pass that key, or "
                    "another path.",
                    code="saved_study",
                )
            for cell in file["cells"].tolist():
                parts = (file[f"{field}:{cell}"] for field in Replications._fields)
                self.cells[cell] = Replications(*parts)

    def read(self, cell: str, count: int) -> Replications | None:
        """The first replications of a cell, at most `count`."""
        found = self.cells.get(cell)
        return None if found is None else Replications(*(a[:count] for a in found))

    def write(self, cell: str, found: Replications) -> None:
        """Keep the replications of a cell."""
        if self.path is None:
            return
        known = self.cells.get(cell)
        if known is not None and len(known.codes) > len(found.codes):
            return
        self.cells[cell] = found
        arrays = {
            f"{field}:{name}": getattr(r, field)
            for name, r in self.cells.items()
            for field in Replications._fields
        }
        part = self.path.with_suffix(".part.npz")
        np.savez(part, key=self.key, cells=np.array(list(self.cells), dtype=str), **arrays)
        os.replace(part, self.path)
