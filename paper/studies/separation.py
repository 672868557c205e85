"""How often a logit's maximum-likelihood estimate does not exist, and Firth's estimate beside it.

First at no effect and probability 1/2, where the chance of separation has a closed form: of n
points in general position, C(n, p) = 2 sum_{i < p} binom(n - 1, i) of the 2^n labellings are
linearly separable by p coefficients (Cover 1965). Then with an effect: the chance of separation,
and bias, root-mean-square error and coverage of maximum likelihood, where it exists, and of the
penalty of Jeffreys, which is Firth's (1993) for a logit, everywhere.

    python paper/studies/separation.py            # writes results/separation*.csv and a figure
    python paper/studies/separation.py --quick    # a few of the numbers again
"""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

import asymptotix as asx
import common

SEED = 83
FAST, SLOW, PROFILED, CHECKED = 10_000, 5_000, 300, 200
COEF = (-1.0, 1.0, 1.0, 1.0)
SIZES = (20, 30, 50, 75, 100, 150)
NULL_SIZES = (6, 8, 10, 12, 15, 20)
PROFILE_SIZES = (30, 50)
MODEL = asx.Logit(len(COEF))


def separable(n: int, p: int) -> float:
    """Cover's count of separable labellings, as a share."""
    return 2.0 ** (1 - n) * sum(math.comb(n - 1, i) for i in range(min(n, p)))


def generator(n: int, null: bool):
    return asx.LinearBoundary(n=n, coef=np.zeros(len(COEF)) if null else COEF)


def firth(sample) -> asx.Estimates:
    fit = asx.fit(MODEL, sample.x, sample.y, penalty=asx.Jeffreys())
    errors = asx.covariance(fit, sample.x, sample.y, "expected").standard_errors
    return asx.Estimates(jnp.asarray(fit.model.predictor.coef), errors, fit.code)


def framed(sample) -> pd.DataFrame:
    columns = np.asarray(sample.x)[:, 1:]
    return pd.DataFrame(columns, columns=list("abc")).assign(y=np.asarray(sample.y))


def profile(sample) -> asx.Estimates:
    """The limits of the penalised profile likelihood for the first slope."""
    res = asx.logit("y ~ a + b + c", framed(sample), penalty=asx.Jeffreys())
    lower, upper = res.conf_int(method="profile").loc["a"]
    return asx.Estimates(np.array([lower, upper]), np.ones(2), res.fit.code)


def program(sample) -> asx.Estimates:
    """What linear programming says: 1 where the data are separated."""
    data = framed(sample)
    known = data["y"].nunique() < 2 or bool(asx.detect_separation("y ~ a + b + c", data))
    return asx.Estimates(np.array([float(known)]), np.ones(1))


METHODS = {
    "ML": (asx.Estimator(MODEL), True),
    "Firth": (firth, True),
    "profile": (profile, False),
    "program": (program, False),
}


def study_of(method: str, n: int, replications: int, null: bool = False):
    """Every method sees the same data of a size."""
    estimate, traced = METHODS[method]
    key = common.cell_key(SEED, n + 1_000 * null)
    truth = COEF if method in ("ML", "Firth") and not null else None
    return asx.monte_carlo(
        generator(n, null), estimate, replications, key=key, truth=truth, traced=traced
    )


def failed(study) -> np.ndarray:
    (found,) = study.replications.values()
    return ~found.used


# --- tables ---------------------------------------------------------------------------------------


def null_table(sizes=NULL_SIZES) -> pd.DataFrame:
    rows = []
    for n in sizes:
        share = float(failed(study_of("ML", n, FAST, null=True)).mean())
        exact = separable(n, len(COEF))
        error = math.sqrt(exact * (1 - exact) / FAST)
        rows.append({"n": n, "exact": exact, "share": share, "mcse": error})
    return pd.DataFrame(rows)


def estimates_table(cells, replications: int | None = None) -> pd.DataFrame:
    """One row a size and method, for the first slope."""
    rows = []
    for n, method in cells:
        fast = method == "ML"
        count = replications or (FAST if fast else SLOW)
        study = study_of(method, n, count)
        frame = study.frame[study.frame["term"] == study.names[1]].set_index("measure")
        lost = float(failed(study).mean())
        row: dict[str, Any] = {"n": n, "method": method, "replications": count, "failed": lost}
        for measure in ("bias", "RMSE", "coverage"):
            row[measure], row[f"{measure} mcse"] = frame.loc[measure, ["value", "mcse"]]
        rows.append(row | common.witness(study, 1))
    return pd.DataFrame(rows)


def profile_table(sizes=PROFILE_SIZES, replications: int = PROFILED) -> pd.DataFrame:
    rows = []
    for n in sizes:
        study = study_of("profile", n, replications)
        (found,) = study.replications.values()
        lower, upper = found.values[found.used].T
        share = float(np.mean((lower <= COEF[1]) & (COEF[1] <= upper)))
        error = math.sqrt(share * (1 - share) / len(lower))
        row = {"n": n, "replications": replications, "used": len(lower), "coverage": share}
        rows.append(row | {"mcse": error} | common.witness(study, 0))
    return pd.DataFrame(rows)


def program_table(n: int = SIZES[1], replications: int = CHECKED) -> pd.DataFrame:
    """Whether the status of each fit is what linear programming says of its data."""
    (exact,) = study_of("program", n, replications).replications.values()
    separated = exact.values[:, 0] > 0
    agree = separated == failed(study_of("ML", n, replications))
    row = {"n": n, "replications": replications, "separated": int(separated.sum())}
    return pd.DataFrame([row | {"agree": int(agree.sum())}])


# --- the figure -----------------------------------------------------------------------------------


def draw(null: pd.DataFrame, table: pd.DataFrame, profiles: pd.DataFrame) -> None:
    drawn, axes = common.figure(1, 4, height=2.1)
    sizes = np.arange(NULL_SIZES[0], NULL_SIZES[-1] + 1)
    exact = [100 * separable(int(n), len(COEF)) for n in sizes]
    axes[0].plot(sizes, exact, "-", color="grey", linewidth=0.9, label="Cover (1965)")
    axes[0].errorbar(
        null["n"], 100 * null["share"], 196 * null["mcse"], fmt="o", markersize=3,
        color="#0072B2", label="no effect",
    )  # fmt: skip
    own = table[table["method"] == "ML"]
    axes[0].plot(own["n"], 100 * own["failed"], "s", markersize=3, color="#D55E00", label="effect")
    axes[0].set_xscale("log")
    axes[0].set_xticks([6, 20, 60, 150], ["6", "20", "60", "150"])
    axes[0].minorticks_off()
    axes[0].set_title("separated, %", fontsize=8)
    titles = {"bias": "bias", "RMSE": "RMSE", "coverage": "coverage, %"}
    for ax, (measure, title) in zip(axes[1:], titles.items(), strict=True):
        scale = 100 if measure == "coverage" else 1
        for method, marker, colour in (("ML", "s", "#D55E00"), ("Firth", "o", "#0072B2")):
            one = table[table["method"] == method]
            ax.errorbar(
                one["n"], scale * one[measure], 1.96 * scale * one[f"{measure} mcse"],
                fmt=marker + "-", markersize=3, linewidth=0.8, color=colour, label=method,
            )  # fmt: skip
        ax.set_title(title, fontsize=8)
    axes[1].axhline(0, color="grey", linewidth=0.6)
    axes[2].set_yscale("log")
    axes[2].set_yticks([0.3, 0.6, 1, 2], ["0.3", "0.6", "1", "2"])
    axes[2].minorticks_off()
    axes[3].errorbar(
        profiles["n"], 100 * profiles["coverage"], 196 * profiles["mcse"], fmt="^", markersize=3,
        color="black", label="Firth, profile",
    )  # fmt: skip
    axes[3].axhline(95, color="grey", linewidth=0.6)
    for ax in axes:
        ax.set_xlabel("observations")
    axes[3].set_ylim(90, 100)
    for ax in (axes[0], axes[1], axes[3]):
        ax.legend(frameon=False, fontsize=6.5, loc="upper right")
    common.save(drawn, "separation")


# --- the study ------------------------------------------------------------------------------------

CELLS = [(n, method) for n in SIZES for method in ("ML", "Firth")]


def run() -> None:
    null, table, profiles = null_table(), estimates_table(CELLS), profile_table()
    common.write("separation_null", null)
    common.write("separation", table)
    common.write("separation_profile", profiles)
    common.write("separation_program", program_table())
    draw(null, table, profiles)


def quick() -> int:
    few = common.WITNESSES
    rounding = 1.5 / FAST
    count = common.compare("separation_null", null_table((8,)), ["n"], {"share": rounding})
    columns = dict.fromkeys(("bias", "RMSE", "first values", "first errors"), 1e-6)
    whole = estimates_table([(50, "ML")])
    columns |= {"failed": rounding, "coverage": rounding}
    count += common.compare("separation", whole, ["n", "method"], columns)
    columns = dict.fromkeys(("first values", "first errors"), 1e-6)
    part = estimates_table([(30, "Firth")], few)
    count += common.compare("separation", part, ["n", "method"], columns)
    part = profile_table((30,), few)
    return count + common.compare("separation_profile", part, ["n"], {"first values": 1e-4})


if __name__ == "__main__":
    common.main(__file__, run, quick)
