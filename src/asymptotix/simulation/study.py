"""`asx.monte_carlo`: an estimator's behaviour over simulated data sets."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError, check_confidence
from asymptotix.core.typing import Key
from asymptotix.fitting.bar import Bar
from asymptotix.simulation.engine import replicate
from asymptotix.simulation.performance import Replications, performance, statuses
from asymptotix.simulation.saved import Saved


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class MonteCarlo:
    """A finished simulation study; made by `asx.monte_carlo`.

    Attributes:
        frame: one row a cell, term and measure: `value` and its Monte-Carlo error `mcse`.
        failures: for each cell how many replications ended in each status.
        replications: for each cell the estimates themselves.
        names, truth: of the terms; the truth by cell.
        confidence: coverage of the intervals.
    """

    frame: pd.DataFrame
    failures: pd.DataFrame
    replications: dict[str, Replications]
    names: tuple[str, ...]
    truth: dict[str, np.ndarray]
    confidence: float

    def wide(self) -> pd.DataFrame:
        """One row a cell and term, one column a measure."""
        index = ["cell", "term", "truth"]
        wide = self.frame.pivot_table(
            index=index, columns="measure", values="value", sort=False, dropna=False
        )
        wide = wide.loc[wide.notna().any(axis=1), list(dict.fromkeys(self.frame["measure"]))]
        return wide.reset_index()

    def __repr__(self) -> str:
        return self.wide().round(4).to_string(index=False)

    def _repr_html_(self) -> str:
        return self.wide().round(4).to_html(index=False)


def monte_carlo(
    generate: Callable | Mapping[str, Callable],
    estimate: Callable,
    n_replications: int,
    *,
    key: Key | None = None,
    truth: Any = None,
    null: Any = 0.0,
    names: tuple[str, ...] | None = None,
    confidence: float = 0.95,
    traced: bool = True,
    path: Any = None,
) -> MonteCarlo:
    r"""Bias, standard errors, coverage and rejection rates of an estimator by simulation.

    Replication $b$ has the key `fold_in(key, b)`: the same key gives the same numbers, whatever
    the number of replications and however often the study was interrupted.

    Arguments:
        generate: from a key to a data set, such as `asx.LinearBoundary(n=500, coef=...)`; or a
            mapping from the name of a design cell to such.
        estimate: `asx.Estimator(model, cov)`, or a function from a data set to `asx.Estimates`
            (or to a pair of estimates and standard errors).
        n_replications: data sets of each cell.
        key: such as `jax.random.key(0)`.
        truth: the true values, one a term (or a mapping by cell); by default the generator's
            `coef`, where it has one.
        null: the values tested at level 1 - `confidence`.
        names: of the terms.
        confidence: of the intervals.
        traced: whether both functions can be traced by JAX; otherwise they run in a loop.
        path: a file in which replications are kept, from which an interrupted study goes on.

    Returns:
        A `MonteCarlo`.

    Raises:
        InputError: no key, too few replications, or terms and truth of different lengths.
    """
    _check(key, n_replications, confidence)
    cells = dict(generate) if isinstance(generate, Mapping) else {"": generate}
    saved, found = Saved(path, key), {}
    with Bar(len(cells) * n_replications, "replications") as bar:
        for number, (cell, one) in enumerate(cells.items()):
            own = jax.random.fold_in(key, number)  # pyright: ignore[reportArgumentType]
            before = saved.read(cell, n_replications)
            found[cell] = replicate(
                one,
                estimate,
                own,
                n_replications,
                before,
                traced=traced,
                tick=bar,
                keep=lambda r, c=cell: saved.write(c, r),
            )
    size = next(iter(found.values())).values.shape[1]
    terms = _names(names, estimate, size)
    truths = {cell: _truth(truth, cell, cells[cell], size) for cell in cells}
    nulls = np.broadcast_to(np.asarray(null, float), (size,))
    frames = [
        performance(found[cell], terms, truths[cell], nulls, confidence).assign(cell=cell)
        for cell in cells
    ]
    columns = ["cell", "term", "truth", "measure", "value", "mcse"]
    frame = pd.concat(frames, ignore_index=True).reindex(columns=columns)
    failures = pd.DataFrame({cell: statuses(r) for cell, r in found.items()}).T.fillna(0)
    return MonteCarlo(
        frame,
        failures.astype(int),
        found,
        terms,
        truths,
        confidence,
    )


def _check(key, n_replications: int, confidence: float) -> None:
    if key is None:
        raise InputError(
            "A simulation draws at random: pass key=jax.random.key(0).", code="key", column="key"
        )
    if n_replications < 2:
        raise InputError(f"n_replications={n_replications!r} must be 2 or more.", code="option")
    check_confidence(confidence)


def _names(names, estimate, size: int) -> tuple[str, ...]:
    given = names if names is not None else getattr(estimate, "names", None)
    if given is None:
        return tuple(f"term {j}" for j in range(1, size + 1))
    if len(given) != size:
        raise InputError(
            f"There are {len(given)} names for {size} estimates; give one each.", code="lengths"
        )
    return tuple(given)


def _truth(truth, cell: str, generate, size: int) -> np.ndarray:
    if isinstance(truth, Mapping):
        truth = truth[cell]
    if truth is None:
        truth = getattr(generate, "coef", None)
        if truth is None or np.size(truth) != size:
            return np.full(size, np.nan)
    values = np.asarray(truth, float)
    if values.shape not in ((), (size,)):
        raise InputError(
            f"truth has {values.size} values for {size} estimates; give one each.", code="lengths"
        )
    return np.broadcast_to(values, (size,))
