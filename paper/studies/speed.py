"""Seconds and memory of a logit, beside other packages, and of many small ones.

Rivals take turns in one process, five rounds after one that does not count: ratios are medians
over rounds, and a busy machine slows all alike. Peak memory is that of a process which has fitted
a fifth of the rows and so compiled, less what it held before the fit. statsmodels and asymptotix
give standard errors in this time, the others estimates only. Peers that are not installed are left
out and said.

Times are of one machine on one day. They are quoted from results/speed_times.json, with that
machine's cores and versions, and no test compares them.

    python paper/studies/speed.py            # writes results/speed_times.json
    python paper/studies/speed.py --quick    # that all peers agree, on few rows
"""

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import asymptotix as asx
import common

SIZES = ((10_000, 10), (100_000, 20), (1_000_000, 20))
ROUNDS = 5
MANY, EACH, WIDE, LOOP = 2_000, 1_000, 5, 50
MEMORY = (1_000_000, 20)
TOLERANCE = 1e-8
"""On the gradient, of the peers whose own is too coarse for estimates that are to agree."""
AGREE = 1e-5
"""Largest difference of estimates, relative to the largest."""


def data(n: int, k: int):
    rng = np.random.default_rng(42)
    x = rng.standard_normal((n, k))
    x[:, 0] = 1.0
    return x, (rng.random(n) < 1 / (1 + np.exp(-x @ np.full(k, 0.2)))).astype(float)


# --- peers: from arrays to estimates --------------------------------------------------------------


def asymptotix(x, y):
    fit = asx.fit(asx.Logit(x.shape[1]), x, y)
    _ = asx.covariance(fit, x, y).standard_errors
    return np.asarray(fit.model.predictor.coef)


def statsmodels_logit(x, y):
    import statsmodels.api as sm

    found = sm.Logit(y, x).fit(disp=False)
    _ = found.bse
    return found.params


def statsmodels_glm(x, y):
    import statsmodels.api as sm

    found = sm.GLM(y, x, family=sm.families.Binomial()).fit()
    _ = found.bse
    return found.params


def scikit_learn(x, y):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=np.inf, solver="newton-cholesky", fit_intercept=False, tol=TOLERANCE
    )
    return model.fit(x, y).coef_.ravel()


def glum(x, y):
    from glum import GeneralizedLinearRegressor

    model = GeneralizedLinearRegressor(
        family="binomial", alpha=0, fit_intercept=False, gradient_tol=TOLERANCE
    )
    return model.fit(x, y).coef_


PEERS: dict[str, tuple[str, Callable]] = {
    "asymptotix": ("asymptotix", asymptotix),
    "statsmodels Logit": ("statsmodels", statsmodels_logit),
    "statsmodels GLM": ("statsmodels", statsmodels_glm),
    "scikit-learn": ("scikit-learn", scikit_learn),
    "glum": ("glum", glum),
}


def installed() -> tuple[dict[str, Callable], dict[str, str]]:
    """The peers that are here, and their versions."""
    found, versions = {}, {}
    for name, (package, function) in PEERS.items():
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            print(f"{package} is not installed and is left out")
            continue
        found[name] = function
    return found, versions


# --- measures -------------------------------------------------------------------------------------


def seconds(function: Callable) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turn(functions: dict[str, Callable], rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Median seconds of each, and the median over rounds of its ratio to the first."""
    taken: list[dict[str, float]] = [
        {name: seconds(function) for name, function in functions.items()} for _ in range(rounds + 1)
    ][1:]
    first = next(iter(functions))
    return {
        name: {
            "seconds": statistics.median(one[name] for one in taken),
            "ratio": statistics.median(one[name] / one[first] for one in taken),
        }
        for name in functions
    }


def check(functions: dict[str, Callable], x, y) -> int:
    """That all have the same estimates, before anyone is timed."""
    estimates = {name: np.asarray(function(x, y)) for name, function in functions.items()}
    ours = estimates["asymptotix"]
    for name, theirs in estimates.items():
        apart = np.abs(theirs - ours).max() / np.abs(ours).max()
        if not apart < AGREE:
            raise common.Mismatch(f"speed: {name} is {apart:.1e} away")
    return sum(np.size(v) for v in estimates.values())


def many(functions: dict[str, Callable]) -> dict[str, dict[str, float]]:
    """Seconds of a fit: our engine on all data sets, statsmodels one after another."""
    rng = np.random.default_rng(42)
    x = rng.standard_normal((MANY, EACH, WIDE))
    x[:, :, 0] = 1.0
    y = (rng.random((MANY, EACH)) < 1 / (1 + np.exp(-x @ np.full(WIDE, 0.3)))).astype(float)
    runs = {"asymptotix": lambda: asx.fit_many(asx.Logit(WIDE), x, y, cov="HC1")}
    counts = {"asymptotix": MANY}
    for name in ("statsmodels Logit", "statsmodels GLM"):
        if name in functions:
            one = functions[name]
            runs[name] = lambda one=one: [one(x[i], y[i]) for i in range(LOOP)]
            counts[name] = LOOP
    found = in_turn(runs)
    scale = {name: MANY / counts[name] for name in runs}
    return {
        name: {
            "seconds": value["seconds"] / counts[name],
            "ratio": value["ratio"] * scale[name],
        }
        for name, value in found.items()
    }


def peak(name: str) -> float:
    """MiB that a fit adds to a process that holds the data."""
    program = f"import speed; speed.report_peak({name!r})"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        cwd=os.path.dirname(os.path.abspath(__file__)),
    )  # fmt: skip
    return float(found.stdout)


def report_peak(name: str) -> None:
    """Run in a process of its own: a fit that imports and compiles, then the one that counts."""
    function = PEERS[name][1]
    warnings.simplefilter("ignore")
    function(*data(MEMORY[0] // 5, MEMORY[1]))
    x, y = data(*MEMORY)
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # the peak begins anew
    held = status("VmRSS")
    function(x, y)
    print(max(0.0, status("VmHWM") - held))


def status(field: str) -> float:
    """A size of this process in MiB (Linux); not `getrusage`, whose peak a child inherits."""
    with open("/proc/self/status", encoding="ascii") as file:
        (line,) = (line for line in file if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


# --- the study ------------------------------------------------------------------------------------


def processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if "model name" in line]
        return names[0] if names else platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def run() -> None:
    functions, versions = installed()
    found: dict[str, Any] = {
        "machine": {"processor": processor(), "cores": len(os.sched_getaffinity(0))},
        "load before": round(os.getloadavg()[0], 1),
        "versions": versions,
        "rounds": ROUNDS,
        "single": [],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n, k in SIZES:
            x, y = data(n, k)
            check(functions, x, y)
            runs = {name: lambda f=f, x=x, y=y: f(x, y) for name, f in functions.items()}
            found["single"].append({"n": n, "k": k, "peers": in_turn(runs)})
        found["many"] = {"fits": MANY, "n": EACH, "k": WIDE, "peers": many(functions)}
    if os.path.exists("/proc/self/clear_refs"):
        peaks = {name: round(peak(name)) for name in functions}
        found["memory"] = {
            "n": MEMORY[0],
            "k": MEMORY[1],
            "data": 8 * MEMORY[0] * MEMORY[1] / 2**20,
        }
        found["memory"]["MiB"] = peaks
    path = common.RESULTS / "speed_times.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def quick() -> int:
    functions, _ = installed()
    return check(functions, *data(2_000, 5))


if __name__ == "__main__":
    common.main(__file__, run, quick)
