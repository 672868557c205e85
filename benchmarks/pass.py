"""One pass of Newton's method against one BLAS `dsyrk`.

The pass sums log-likelihood, score, information, deviance and Pearson's chi2.

Aim: at n = 1,000,000 and k = 20 in float64, the pass of a logit over slabs of the caller's array
takes no longer than `dsyrk` alone takes to form X'X of the same matrix, on one core and on all.

    python benchmarks/pass.py
"""

import os
import subprocess
import sys

import numpy as np
from scipy.linalg.blas import dsyrk

import asymptotix as asx
from _timing import alternate, cores, short
from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.data.slabs import Slabs, slab_rows
from asymptotix.fitting import large

N, K, ROUNDS = 1_000_000, 20, 15
MEASURE = "--measure"


def measure() -> str:
    rng = np.random.default_rng(42)
    x = rng.standard_normal((N, K))
    x[:, 0] = 1.0
    y = (rng.random(N) < 1 / (1 + np.exp(-x @ np.full(K, 0.2)))).astype(float)
    rows, model = asx.Rows(x, y), asx.Logit(K)
    with double():
        slabs, active = Slabs(rows, slab_rows(N), in_place=True), (np.ones(K, bool),)
        setup, _ = large._setup(model, slabs, rows, asx.Newton(), active, np.zeros(()), None)
        arrays, static = split(model)

        def ours():
            return slabs.sum(
                lambda s: large._sums(static, "observed", arrays, setup.coordinates, setup.start, s)
            )

        def blas():
            return dsyrk(1.0, x.T)  # x.T is column-major already: nothing is copied

        found = alternate(ours, blas, ROUNDS, warm=2)
    count = cores()
    return (
        f"{count} core{'s' if count > 1 else ' '}: pass {short(found.ours)}, "
        f"dsyrk {short(found.theirs)}, ratio {found.ratio:.2f}"
    )


def on_one_core() -> str:
    """The same in a process of its own, which libraries find to have one core."""
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, __file__, MEASURE]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **one},
        preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    )
    return done.stdout.strip()


def main() -> None:
    print(f"One pass of a logit against one dsyrk, n = {N:,}, k = {K}, float64")
    if hasattr(os, "sched_setaffinity") and cores() > 1:
        print(on_one_core())
    print(measure())


if __name__ == "__main__":
    print(measure()) if MEASURE in sys.argv else main()
