"""How a logit's cost grows with its rows: measured, and the linear model that follows.

Aim: core seconds = a + b n with b the same at all sizes (the slope on log-log scales within 5 % of
1 above 1e5 rows), in memory and on a stream; `docs/scaling.md` carries this table on to 1e12. The
model is of core seconds, which other work on the machine changes little.

    python benchmarks/scaling.py [most] [covariates] [--stream]

1e8 rows of 5 columns take 6 GB of memory, or 4 GB of files, and a stream of them ten minutes.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import asymptotix as asx
from _timing import cores, short
from stream import formula, write

ROUNDS = 3


def rows_of(n: int, k: int) -> asx.Rows:
    random = np.random.default_rng(4)
    x = random.standard_normal((n, k))
    x[:, 0] = 1.0
    y = random.random(n) < 1 / (1 + np.exp(-x @ np.full(k, 0.5 / np.sqrt(k))))
    return asx.Rows(x, y.astype(float))


def taken(function) -> tuple[float, float]:
    """Seconds on the wall and of all cores."""
    wall, busy = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - busy


def median(function, rounds: int) -> tuple[float, float]:
    """Of several runs."""
    walls, busy = zip(*(taken(function) for _ in range(rounds)), strict=True)
    return statistics.median(walls), statistics.median(busy)


def in_memory(n: int, k: int) -> dict[str, tuple[float, float]]:
    """Seconds of a fit with standard errors, and of an HC1 covariance."""
    rows, model = rows_of(n, k), asx.Logit(k)
    fit = asx.fit(model, rows)  # compiles
    asx.covariance(fit, rows, "HC1")
    rounds = ROUNDS if n < 5_000_000 else 1
    return {
        "fit": median(lambda: asx.fit(model, rows), rounds),
        "HC1": median(lambda: asx.covariance(fit, rows, "HC1"), rounds),
    }


def streamed(n: int, k: int) -> dict[str, tuple[float, float]]:
    """The same of a folder of Parquet files, first pass included."""
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top)
        write(folder, n, k)
        found = {}

        def fitted():
            found["res"] = asx.logit(formula(k), str(folder))

        took = taken(fitted)
        return {"fit": took, "HC1": taken(lambda: found["res"].with_cov("HC1"))}


def line(sizes: list[int], times: list[float]) -> tuple[float, float, float]:
    """Intercept and slope by least squares on relative errors, and the slope on log-log scales."""
    n, t = np.asarray(sizes, float), np.asarray(times)
    a, b = np.linalg.lstsq(np.c_[1 / t, n / t], np.ones(len(t)), rcond=None)[0]
    return float(a), float(b), float(np.polyfit(np.log(n), np.log(t), 1)[0])


def table(title: str, measure, sizes: list[int], k: int) -> None:
    print(f"{title}, k = {k}, {cores()} cores")
    measure(sizes[0], k)  # what is loaded and compiled once
    found = []
    for n in sizes:
        found.append(measure(n, k))
        told = "  ".join(
            f"{name} {short(wall):>8}, {short(busy):>8} of cores"
            for name, (wall, busy) in found[-1].items()
        )
        print(f"  {n:>12,} rows  {told}", flush=True)
    for name in found[0]:
        a, b, slope = line(sizes, [one[name][1] for one in found])
        print(
            f"  {name}: {a:.2f} s + {b * 1e9:.0f} ns x n of cores; slope on log-log scales "
            f"{slope:.2f}; at 1e12 rows {(a + b * 1e12) / 3600:,.0f} core hours"
        )


def main(most: int, k: int, with_stream: bool) -> None:
    sizes = [int(f * 10**e) for e in range(5, 9) for f in (1, 3) if f * 10**e <= most]
    table("Logit in memory", in_memory, sizes, k)
    if with_stream:
        table("Logit of Parquet files", streamed, sizes, k)


if __name__ == "__main__":
    numbers = [int(float(given)) for given in sys.argv[1:] if not given.startswith("--")]
    most, covariates = (numbers + [10_000_000, 20][len(numbers) :])[:2]
    main(most, covariates, "--stream" in sys.argv)
