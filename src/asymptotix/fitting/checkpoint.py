"""Newton's state on disk after every pass: a fit that was cut off goes on where it stood."""

import contextlib
import os
import zipfile
from pathlib import Path

import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.fitting.newton import NewtonState

VERSION = 1


class Checkpoint:
    """One file with the state of one fit: numbers only, replaced as a whole.

    Arguments:
        path: the file, ending in `.npz`.
        label: what tells the fit apart from others: its formula, family and rows.
    """

    def __init__(self, path: str | os.PathLike, label: str):
        self.path, self.label = Path(path), label
        if self.path.suffix != ".npz":
            raise InputError(
                f"checkpoint='{self.path}' must end in .npz.", code="option", column="checkpoint"
            )

    def load(self, start: NewtonState, coordinates) -> NewtonState:
        """The state on disk, or `start` where there is none.

        Raises:
            InputError: the file belongs to another fit.
        """
        if not self.path.exists():
            return start
        leaves, treedef = jax.tree.flatten(start)
        given = self._numbers(leaves, coordinates)
        try:
            with np.load(self.path, allow_pickle=False) as found:
                held = {name: found[name] for name in found.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise self._other(f"cannot be read ({error})") from error
        fixed = [name for name in given if not name.startswith("state")]
        same = held.keys() == given.keys() and all(
            np.array_equal(held[name], given[name]) for name in fixed
        )
        if not same:
            raise self._other("belongs to another formula, family, source or version")
        return jax.tree.unflatten(treedef, [held[f"state {i}"] for i in range(len(leaves))])

    def save(self, state: NewtonState, coordinates) -> None:
        """Write the state; a reader sees the old file or the new one, never half of it."""
        numbers = self._numbers(jax.tree.leaves(state), coordinates)
        beside = self.path.with_name(self.path.name + ".part")
        with open(beside, "wb") as file:
            np.savez(file, allow_pickle=False, **numbers)
        os.replace(beside, self.path)

    def remove(self) -> None:
        """The fit has ended, and the next one starts afresh."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    def _numbers(self, leaves, coordinates) -> dict[str, np.ndarray]:
        fixed = jax.tree.leaves(coordinates)
        return {
            "version": np.asarray(VERSION),
            "label": np.asarray(self.label),
            **{f"coordinates {i}": np.asarray(leaf) for i, leaf in enumerate(fixed)},
            **{f"state {i}": np.asarray(leaf) for i, leaf in enumerate(leaves)},
        }

    def _other(self, why: str) -> InputError:
        return InputError(
            f"The checkpoint '{self.path}' {why}; remove it, or give another file.",
            code="checkpoint",
            column="checkpoint",
        )
