"""What the studies share: results on disk, when they are stale, a quick look at a few of them."""

import argparse
import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import asymptotix as asx
from asymptotix.simulation import MonteCarlo

PAPER = Path(__file__).resolve().parent.parent
ROOT = PAPER.parent
RESULTS = PAPER / "results"
WITNESSES = 10
"""Replications whose means stand in the tables too, so that a few of them can be run again."""


class Mismatch(Exception):
    """A number that was computed again is not the one in the results."""


# --- when results are stale ---------------------------------------------------------------------


def digest(script: Path) -> str:
    """Of a study, but for its quick look, and of this file; whatever the ends of their lines."""
    study, own = (source.read_text(encoding="utf-8") for source in (script, Path(__file__)))
    text = study.partition("\ndef quick(")[0] + own
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stamp_of(name: str) -> Path:
    return RESULTS / f"{name}.json"


def is_current(script: Path) -> bool:
    """Whether the results come from this script and this version of the package."""
    path = stamp_of(script.stem)
    if not path.exists():
        return False
    stamp = json.loads(path.read_text(encoding="utf-8"))
    return (stamp["script"], stamp["version"]) == (digest(script), asx.__version__)


def _stamp(script: Path, seconds: float) -> None:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    stamp = {
        "script": digest(script),
        "version": asx.__version__,
        "seconds": round(seconds),
        "processor seconds": round(sum(one.ru_utime + one.ru_stime for one in used)),
        "peak MiB": round(max(one.ru_maxrss for one in used) / 1024),
    }
    stamp_of(script.stem).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")


# --- tables on disk -----------------------------------------------------------------------------


def read(name: str) -> pd.DataFrame:
    """A table of the results."""
    return pd.read_csv(RESULTS / f"{name}.csv", keep_default_na=False, na_values=["nan"])


def write(name: str, table: pd.DataFrame) -> None:
    """Ten significant digits: more than is printed, and fewer than processors disagree in."""
    path = RESULTS / f"{name}.csv"
    table.to_csv(path, index=False, float_format="%.10g", na_rep="nan", lineterminator="\n")


def compare(
    name: str, found: pd.DataFrame, keys: Sequence[str], tolerances: Mapping[str, float]
) -> int:
    """Rows computed again beside the same rows of a table; how many numbers were compared.

    Arguments:
        name: of the table.
        found: some of its rows.
        keys: the columns that name a row.
        tolerances: for each column compared, the largest absolute difference, in units of
            max(1, |value|).

    Raises:
        Mismatch: a row is missing, or a number differs.
    """
    both = found.merge(
        read(name), on=list(keys), how="left", suffixes=("", " kept"), indicator=True
    )
    missing = both[both["_merge"] != "both"]
    if len(missing):
        raise Mismatch(f"{name}: no row {missing.iloc[0][list(keys)].to_dict()}")
    count = 0
    for column, tolerance in tolerances.items():
        new, kept = (both[c].to_numpy(float) for c in (column, f"{column} kept"))
        known = np.isfinite(kept)
        apart = np.abs(new - kept) / np.maximum(1.0, np.abs(kept))
        wrong = np.where(known, ~(apart <= tolerance), np.isfinite(new))
        if wrong.any():
            row = both[wrong].iloc[0]
            raise Mismatch(
                f"{name}: {column} of {row[list(keys)].to_dict()} is {row[column]!r}, "
                f"and the results have {row[f'{column} kept']!r}"
            )
        count += int(known.sum())
    return count


# --- simulation ---------------------------------------------------------------------------------


def cell_key(seed: int, cell: int):
    """The key of a design cell: the same whichever other cells are run."""
    import jax

    return jax.random.fold_in(jax.random.key(seed), cell)


def witness(study: MonteCarlo, position: int) -> dict[str, float]:
    """Means of the first replications of one term, of those that have estimates."""
    (found,) = study.replications.values()
    used = found.used[:WITNESSES]
    return {
        "first values": float(np.mean(found.values[:WITNESSES][used, position])),
        "first errors": float(np.mean(found.standard_errors[:WITNESSES][used, position])),
    }


# --- figures ------------------------------------------------------------------------------------


def figure(rows: int, columns: int, width: float = 6.3, height: float = 2.4, **options):
    """A figure of the paper's width, its axes, and colours that print."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 8, "font.family": "serif", "mathtext.fontset": "cm"})
    drawn, axes = plt.subplots(
        rows, columns, figsize=(width, height * rows), layout="constrained", **options
    )
    for ax in np.ravel(axes):
        ax.spines[["top", "right"]].set_visible(False)
    return drawn, axes


def save(drawn: Any, name: str) -> None:
    """As PDF, without the date, so that the same numbers give the same file."""
    import matplotlib.pyplot as plt

    drawn.savefig(RESULTS / f"{name}.pdf", metadata={"CreationDate": None})
    plt.close(drawn)


# --- the command line ---------------------------------------------------------------------------


def main(script: str, run: Callable[[], None], quick: Callable[[], int]) -> None:
    """Run a study, or with `--quick` a few cells of it beside the results on disk."""
    parser = argparse.ArgumentParser(description=f"The study {Path(script).stem} of the paper.")
    parser.add_argument("--quick", action="store_true", help="check a few of the kept numbers")
    arguments = parser.parse_args()
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")
    start = time.perf_counter()
    if arguments.quick:
        count = quick()
        print(f"{Path(script).stem}: {count} numbers again, {time.perf_counter() - start:.0f} s")
        return
    RESULTS.mkdir(exist_ok=True)
    run()
    _stamp(Path(script).resolve(), time.perf_counter() - start)
