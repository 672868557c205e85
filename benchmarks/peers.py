"""A dense logit with standard errors, arrays in, by every system at hand, in one run.

Systems: this one, statsmodels `Logit` and `GLM`, scikit-learn (estimates only), and, where they are
installed, glum, glmax, pyfixest, and R's `glm.fit` (estimates and errors, in its own process and by
its own clock). They take turns, so that a busy machine slows all alike; times are medians, ratios
the medians of the rounds' ratios. Nobody counts before his estimates are ours to 1e-4
standard errors. Peak memory is that of one fit in a fresh process, above what the data and the
loaded library take (Linux).

Goals at n = 1,000,000 and k = 20 on two cores: 12 times as fast as glum with its covariance, 15 as
`sm.Logit`, 40 as `sm.GLM`; with JAX arrays in, 6 times as fast as glmax.

    python -m pip install -e '.[bench]'
    python benchmarks/peers.py [--quick] [--write]

`--write` puts the table and the picture into `docs/`.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from _timing import cores, seconds, short

BEGIN, END = "<!-- peers:begin -->", "<!-- peers:end -->"
DOCS = Path(__file__).parent.parent / "docs"
SIZES = ((10_000, 20), (100_000, 20), (1_000_000, 20))
ROUNDS = 5
AGREEMENT = 1e-4
"""Largest distance between two systems' estimates, in standard errors."""


def data(n: int, k: int):
    rng = np.random.default_rng(42)
    x = rng.standard_normal((n, k))
    x[:, 0] = 1.0
    y = (rng.random(n) < 1 / (1 + np.exp(-x @ np.full(k, 0.2)))).astype(float)
    return x, y


def asymptotix(x, y):
    import asymptotix as asx

    found = asx.fit(asx.Logit(x.shape[1]), x, y)
    errors = asx.covariance(found, x, y, "observed").standard_errors
    return np.concatenate([np.ravel(v) for v in jax.tree.leaves(found.model)]), np.asarray(errors)


def statsmodels_logit(x, y):
    import statsmodels.api as sm

    found = sm.Logit(y, x).fit(disp=False)
    return found.params, found.bse


def statsmodels_glm(x, y):
    import statsmodels.api as sm

    found = sm.GLM(y, x, family=sm.families.Binomial()).fit()
    return found.params, found.bse


def _sklearn(solver: str):
    def fit(x, y):
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=np.inf, fit_intercept=False, solver=solver, tol=1e-6)
        return model.fit(x, y).coef_[0], None

    return fit


def glum(x, y):
    from glum import GeneralizedLinearRegressor  # pyright: ignore[reportMissingImports]

    model = GeneralizedLinearRegressor(
        family="binomial", alpha=0, fit_intercept=False, gradient_tol=1e-7
    )
    model.fit(x, y)
    return model.coef_, np.sqrt(
        np.diag(model.covariance_matrix(x, y, robust=False, dispersion=1.0))
    )


def glmax(x, y):
    import glmax as other  # pyright: ignore[reportMissingImports]

    with jax.enable_x64(True):
        fitted = other.fit(other.Binomial(), x, y)
        found = other.infer(fitted)
        return np.asarray(fitted.params.beta), np.asarray(found.se)


def pyfixest(x, y):
    import pandas as pd
    import pyfixest as pf  # pyright: ignore[reportMissingImports]

    names = [f"x{j}" for j in range(1, x.shape[1])]
    frame = pd.DataFrame(x[:, 1:], columns=names).assign(y=y)
    found = pf.feglm(f"y ~ {' + '.join(names)}", frame, family="logit", vcov="iid")
    return found.coef().to_numpy(), found.se().to_numpy()


R = """
arguments <- commandArgs(TRUE)
n <- as.integer(arguments[2]); k <- as.integer(arguments[3])
file <- file(arguments[1], "rb")
x <- matrix(readBin(file, "double", n * k), n); y <- readBin(file, "double", n)
taken <- system.time({
  fit <- glm.fit(x, y, family = binomial())
  class(fit) <- "glm"
  errors <- summary(fit)$coefficients[, 2]
})[["elapsed"]]
cat(taken, fit$coefficients, errors)
"""


def r_glm(x, y):
    """Seconds by R's clock, estimates and errors."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data")
        with path.open("wb") as file:
            file.write(np.asfortranarray(x).tobytes(order="F"))
            file.write(y.tobytes())
        command = ["Rscript", "-e", R, path, str(len(x)), str(x.shape[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken, *numbers = map(float, done.stdout.split())
    return taken, *np.split(np.array(numbers), 2)


SYSTEMS: dict[str, tuple[str, Callable]] = {
    "asymptotix": ("asymptotix", asymptotix),
    "statsmodels Logit": ("statsmodels", statsmodels_logit),
    "statsmodels GLM": ("statsmodels", statsmodels_glm),
    "scikit-learn newton-cholesky": ("sklearn", _sklearn("newton-cholesky")),
    "scikit-learn lbfgs": ("sklearn", _sklearn("lbfgs")),
    "glum": ("glum", glum),
    "glmax": ("glmax", glmax),
    "pyfixest": ("pyfixest", pyfixest),
}
WITHOUT_ERRORS = "scikit-learn"
IN_JAX = ("asymptotix", "glmax")


def systems() -> dict[str, Callable]:
    """Those that are installed."""
    return {
        name: fit for name, (module, fit) in SYSTEMS.items() if importlib.util.find_spec(module)
    }


def quietly(function: Callable, *arguments):
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return function(*arguments)


def check(name: str, found, reference, n: int) -> None:
    """Raise where a system's numbers are not those of the first."""
    params, errors = reference
    off = np.max(np.abs(found[0] - params) / errors)
    if not off < AGREEMENT:
        raise SystemExit(f"{name} is {off:.1e} standard errors from the maximum; tighten it.")
    # pyfixest multiplies variances by n / (n - k)
    if found[1] is not None and not np.allclose(found[1], errors, rtol=1e-4 + len(errors) / n):
        raise SystemExit(f"{name} has other standard errors.")


def times(n: int, k: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each system in each round; the first round, which compiles, does not count."""
    x, y = data(n, k)
    reference = asymptotix(x, y)
    taken: dict[str, list[float]] = {}
    for i in range(rounds + 1):
        for name, fit in systems().items():
            if i == 0:
                check(name, quietly(fit, x, y), reference, n)
            else:
                taken.setdefault(name, []).append(seconds(lambda f=fit: quietly(f, x, y)))
        if shutil.which("Rscript") and i > 0:
            elapsed, *found = r_glm(x, y)
            check("R", found, reference, n)
            taken.setdefault("R glm.fit", []).append(elapsed)
        if i > 0:
            with jax.enable_x64(True):
                there = jax.device_put(x), jax.device_put(y)
            for name in IN_JAX:
                if name in systems():
                    fit = systems()[name]
                    quietly(fit, *there)
                    spent = seconds(lambda f=fit, d=there: quietly(f, *d))
                    taken.setdefault(f"{name}, JAX arrays", []).append(spent)
    return taken


def memory(name: str, n: int, k: int) -> float:
    """Peak resident bytes of one fit, in a fresh process, above data and library."""
    command = [sys.executable, __file__, "--memory", name, str(n), str(k)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def memory_of(name: str, n: int, k: int) -> None:
    fit = SYSTEMS[name][1]
    quietly(fit, *data(200, k))  # loads the library
    x, y = data(n, k)
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
    before = resident("VmRSS")
    quietly(fit, x, y)
    print(max(resident("VmHWM") - before, 0))


def resident(field: str) -> int:
    """Bytes of this process, as Linux counts them."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{field}:")[1].split()[0])


def rows_of(n: int, k: int, rounds: int) -> list[dict]:
    taken = times(n, k, rounds)
    ours = taken["asymptotix"]
    rows = []
    for name, spent in taken.items():
        ratio = statistics.median(b / a for a, b in zip(ours, spent, strict=True))
        row = {"n": n, "k": k, "system": name, "seconds": statistics.median(spent), "ratio": ratio}
        row["errors"] = not name.startswith(WITHOUT_ERRORS)
        row["bytes"] = memory(name, n, k) if name in SYSTEMS else None
        rows.append(row)
    return rows


def table(rows: list[dict]) -> str:
    lines = [
        "| n | system | seconds | times ours | peak memory above the data |",
        "|--:|---|--:|--:|--:|",
    ]
    for row in rows:
        peak = "" if row["bytes"] is None else f"{row['bytes'] / 1e6:,.0f} MB"
        note = "" if row["errors"] else " (no errors)"
        lines.append(
            f"| {row['n']:,} | {row['system']}{note} | {short(row['seconds'])} | "
            f"{row['ratio']:.2f} | {peak} |"
        )
    return "\n".join(lines)


def picture(rows: list[dict], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name in dict.fromkeys(row["system"] for row in rows):
        mine = [row for row in rows if row["system"] == name]
        (line,) = ax.plot([r["n"] for r in mine], [r["seconds"] for r in mine], "o-", label=name)
        if name == "asymptotix":
            line.set(linewidth=3, color="black")
    ax.set(xscale="log", yscale="log", xlabel="rows", ylabel="seconds, estimates and errors")
    ax.legend(fontsize=7, ncols=2, frameon=False)
    ax.set_title(f"Logit with 20 columns, {cores()} cores", fontsize=10)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the smallest size, one round")
    parser.add_argument("--write", action="store_true", help="write into docs/")
    parser.add_argument("--memory", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory:
        what, n, k = given.memory
        memory_of(what, int(n), int(k))
        return
    sizes, rounds = (SIZES[:1], 1) if given.quick else (SIZES, ROUNDS)
    print(f"Logit with standard errors, arrays in, {cores()} cores")
    rows = []
    for n, k in sizes:
        rows += rows_of(n, k, rounds)
    print(table(rows))
    if given.write:
        (DOCS / "benchmarks.json").write_text(json.dumps(rows, indent=1) + "\n")
        picture(rows, DOCS / "benchmarks.svg")
        into(DOCS / "benchmarks.md", table(rows))


def into(page: Path, text: str) -> None:
    """Put a table between the page's marks."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
