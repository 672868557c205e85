"""A logit of a folder of Parquet files that is never held in memory: seconds, passes, peak memory.

Aim: 2e7 rows of 20 covariates (3.2 GB in float64) under 1 GB of resident memory. The files are
made in a temporary folder; the fit runs in a process of its own, so that its peak is its own.

    python benchmarks/stream.py [rows] [covariates]
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

import asymptotix as asx
from _timing import cores

FILES, GROUP = 8, 131_072


def formula(k: int) -> str:
    return "y ~ " + " + ".join(f"x{j}" for j in range(k))


def write(folder: Path, n: int, k: int) -> None:
    """Files of row groups, one group in memory at a time."""
    random = np.random.default_rng(2)
    beta = random.normal(size=k) / np.sqrt(k)
    for i in range(FILES):
        left = n // FILES + (i < n % FILES)
        writer = None
        while left:
            rows = min(left, GROUP)
            x = random.standard_normal((rows, k))
            y = random.random(rows) < 1 / (1 + np.exp(1 - x @ beta))
            columns = {"y": y.astype(np.int8), "firm": random.integers(0, 5_000, rows)}
            table = pa.table(columns | {f"x{j}": x[:, j] for j in range(k)})
            writer = writer or parquet.ParquetWriter(folder / f"part{i}.parquet", table.schema)
            writer.write_table(table)
            left -= rows
        if writer:
            writer.close()


def peak() -> float:
    """Of this process's resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fit(folder: str, k: int) -> None:
    """What the process of its own does; prints JSON."""
    asx.logit("y ~ x0", {"y": np.arange(200) % 3 == 0, "x0": np.arange(200.0)})
    before, found = peak(), {}

    def timed(name: str, work):
        start = time.perf_counter()
        answer = work()
        found[name] = (time.perf_counter() - start, peak())
        return answer

    res = timed("fit", lambda: asx.logit(formula(k), folder))
    assert res.converged
    for name, cov in (("HC1", "HC1"), ("cluster", asx.Cluster("firm"))):
        assert np.isfinite(timed(name, lambda c=cov: res.with_cov(c)).bse).all()
    path = Path(folder).with_suffix(".fitted.parquet")
    timed("predictions written", lambda: res.predict(path=path))
    print(json.dumps({"steps": found, "before": before}))


def main(n: int, k: int) -> None:
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "data"
        folder.mkdir()
        write(folder, n, k)
        size = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
        call = [sys.executable, __file__, "--fit", str(folder), str(k)]
        said = subprocess.run(call, check=True, capture_output=True, text=True).stdout
    found = json.loads(said.splitlines()[-1])
    design = n * (k + 1) * 8 / 2**20
    print(
        f"{n:,} rows, {k} covariates: {size:,.0f} MB of Parquet, design {design:,.0f} MB in memory"
    )
    for name, (seconds, high) in found["steps"].items():
        per = seconds / n * 1e6
        print(f"  {name:<20} {seconds:7.1f} s  {per:5.2f} µs a row  peak so far {high:,.0f} MB")
    print(f"  {found['before']:,.0f} MB before the fit, {cores()} cores")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fit"]:
        fit(sys.argv[2], int(sys.argv[3]))
    else:
        main(int(float(sys.argv[1])) if sys.argv[1:] else 2_000_000, int((sys.argv[2:] or [20])[0]))
