"""A logit on a GPU: one pass, and a whole fit with standard errors, in float64, against the CPU.

Aim: a pass at n = 4,000,000 and k = 20 takes no longer than reading the design once at a fifth of
the device's memory bandwidth. The rows lie on the device (`asx.shard`), as they do for several. A
pass is a loop over blocks; what size of block a device likes is part of the table.

    python benchmarks/gpu.py [rows] [covariates] [--allow-cpu]
"""

import functools
import statistics
import sys

import jax
import numpy as np

import asymptotix as asx
from _timing import seconds, short
from asymptotix.core.static import split
from asymptotix.covariances import passes
from asymptotix.data import blocks

BLOCKS = (1_024, 16_384, 262_144)
ROUNDS = 7


def devices(allow_cpu: bool) -> list:
    """The accelerators at hand; the CPU where that is allowed instead."""
    found = [d for d in jax.devices() if d.platform != "cpu"]
    return found or (jax.devices() if allow_cpu else [])


def data(n: int, k: int) -> asx.Rows:
    random = np.random.default_rng(3)
    x = random.standard_normal((n, k))
    x[:, 0] = 1.0
    y = random.random(n) < 1 / (1 + np.exp(-x @ np.full(k, 0.2)))
    return asx.Rows(x, y.astype(float))


def median(function) -> float:
    """Of several runs after one that compiles."""
    function()
    return statistics.median(seconds(function) for _ in range(ROUNDS))


def on(place: list, rows: asx.Rows, k: int) -> dict[str, float]:
    """Seconds of each step on some devices."""
    mesh = jax.sharding.Mesh(np.asarray(place, object), ("rows",))
    found = {"placing the rows": seconds(lambda: asx.shard(rows, mesh))}
    there = asx.shard(rows, mesh)
    fit = asx.fit(asx.Logit(k), there)
    arrays, static = split(fit.model)
    one_pass = functools.partial(
        passes._block_sums, static, "observed", arrays, fit.coordinates, fit.params
    )
    kept = blocks.BLOCK_ROWS
    for size in BLOCKS:
        blocks.BLOCK_ROWS = size
        jax.clear_caches()
        found[f"pass, blocks of {size:,}"] = median(lambda: there.evaluator(there).sum(one_pass))
    blocks.BLOCK_ROWS = kept
    jax.clear_caches()
    found["fit"] = median(lambda: asx.fit(asx.Logit(k), there))
    found["HC1"] = median(lambda: asx.covariance(fit, there, "HC1").matrix)
    return found


def main(n: int, k: int, allow_cpu: bool) -> None:
    place = devices(allow_cpu)
    if not place:
        print("No GPU is at hand: JAX sees CPU devices only. With --allow-cpu this runs on them.")
        return
    rows = data(n, k)
    cpu = jax.devices("cpu")
    names = [f"{len(d)} x {d[0].device_kind}" for d in (place, cpu)]
    print(f"Logit, n = {n:,}, k = {k}, float64: {names[0]} against {names[1]}")
    ours = on(place, rows, k)
    theirs = ours if place[0].platform == "cpu" else on(cpu, rows, k)
    print(f"  {'':<24} {names[0][:18]:>18} {names[1][:18]:>18} {'ratio':>7}")
    for name, took in ours.items():
        print(
            f"  {name:<24} {short(took):>18} {short(theirs[name]):>18} {theirs[name] / took:7.2f}"
        )
    best = min(took for name, took in ours.items() if name.startswith("pass"))
    print(f"  the design read once a pass: {n * k * 8 / best / 2**30:.1f} GiB/s")


if __name__ == "__main__":
    numbers = [int(float(given)) for given in sys.argv[1:] if not given.startswith("--")]
    rows, covariates = (numbers + [4_000_000, 20][len(numbers) :])[:2]
    main(rows, covariates, "--allow-cpu" in sys.argv)
