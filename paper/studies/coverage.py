"""Coverage of 95 % intervals for a slope, by what the standard errors assume and how much there is.

Three designs: a linear regression whose spread grows with the covariate, a logit that is right, and
a linear regression with clusters in errors and covariate. Wald intervals by the model's covariance,
HC0 to HC3, CR0 and CR1 with t(G - 1), CR2 with Satterthwaite's degrees of freedom, the bootstrap of
rows and of clusters; and the interval that inverts the wild cluster bootstrap test (Webb's weights,
the null imposed).

    python paper/studies/coverage.py            # writes results/coverage.csv and coverage.pdf
    python paper/studies/coverage.py --quick    # a few of the numbers again
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import asymptotix as asx
import common

SEED, BOOTSTRAP_KEY = 82, 5
FAST, SLOW = 10_000, 1_000
"""Replications by the batched engine, and of methods that go through the host."""
DRAWS = 399
SIZES = {"heteroskedastic": (25, 50, 100, 250), "logit": (50, 100, 250, 500)}
GROUPS, MEMBERS = (5, 10, 20, 40), 20
KINDS = ("observed", "HC0", "HC1", "HC2", "HC3")
TRUTH = 1.0


def heteroskedastic(n: int):
    return asx.Heteroskedastic(n=n, coef=[0.0, TRUTH], strength=0.5)


def logit(n: int):
    return asx.LinearBoundary(n=n, coef=[-0.5, TRUTH])


def clustered(groups: int):
    return asx.Clustered(n_groups=groups, size=MEMBERS, coef=[0.0, TRUTH])


GENERATORS = {"heteroskedastic": heteroskedastic, "logit": logit, "clustered": clustered}
MODELS = {"heteroskedastic": asx.LinearRegression(2), "logit": asx.Logit(2)}
LINE = asx.LinearRegression(2)


# --- methods on one sample ------------------------------------------------------------------------


def cluster_fast(sample) -> asx.Estimates:
    """The slope, again for each of four covariances that can be traced."""
    rows = asx.Rows(sample.x, sample.y, groups=sample.groups)
    fit = asx.fit(LINE, rows)
    kinds = ("observed", "HC1", asx.Cluster(correction="CR0"), asx.Cluster())
    found = [asx.covariance(fit, rows, kind).standard_errors[1] for kind in kinds]
    n, few = sample.x.shape[0] - 2.0, jnp.max(sample.groups) * 1.0  # numbered from 0: G - 1
    dof = jnp.stack([jnp.full_like(few, n), jnp.full_like(few, n), few, few])
    return asx.Estimates(jnp.full(4, fit.model.predictor.coef[1]), jnp.stack(found), fit.code, dof)


CLUSTER_FAST = ("observed", "HC1", "CR0", "CR1")


def on_host(sample) -> asx.Rows:
    fields = (np.asarray(v) for v in sample[:2])
    return asx.Rows(*fields, groups=None if sample.groups is None else np.asarray(sample.groups))


def cluster_slow(sample) -> asx.Estimates:
    """CR2, the bootstrap of clusters, and the p-value of the truth by the wild bootstrap."""
    rows = on_host(sample)
    fit, key = asx.fit(LINE, rows), jax.random.key(BOOTSTRAP_KEY)
    adjusted = asx.covariance(fit, rows, asx.Cluster(correction="CR2"))
    drawn = asx.covariance(fit, rows, asx.Bootstrap(DRAWS, "cluster", key=key))
    test = asx.wild_bootstrap_test(
        fit,
        rows,
        f"predictor.coef[1] = {TRUTH}",
        DRAWS,
        key=key,
        cluster=rows.groups,
        weights="webb",
    )
    slope = float(fit.model.predictor.coef[1])
    return asx.Estimates(
        np.array([slope, slope, test.p]),
        np.array([adjusted.standard_errors[1], drawn.standard_errors[1], 1.0]),
        fit.code,
        np.array([adjusted.df[1], np.inf, np.inf]),
    )


CLUSTER_SLOW = ("CR2", "cluster bootstrap", "wild bootstrap")


def rows_slow(sample) -> asx.Estimates:
    """The bootstrap of rows: its standard error, and the middle and reach of its percentiles."""
    rows = on_host(sample)
    fit = asx.fit(LINE, rows)
    found = asx.resample(fit, rows, asx.Bootstrap(DRAWS, key=jax.random.key(BOOTSTRAP_KEY)))
    lower, upper = found.conf_int("percentile")[1]
    slope, error = float(fit.model.predictor.coef[1]), float(found.covariance()[1, 1] ** 0.5)
    return asx.Estimates(np.array([slope, lower, upper]), np.array([error, 1.0, 1.0]), fit.code)


ROWS_SLOW = ("pairs bootstrap", "lower percentile", "upper percentile")


# --- cells ----------------------------------------------------------------------------------------


def cells() -> list[tuple[str, int, tuple[str, ...], bool]]:
    """Design, size, methods, and whether the engine runs them."""
    fast = [(d, n, (kind,), True) for d, sizes in SIZES.items() for n in sizes for kind in KINDS]
    slow = [("heteroskedastic", n, ROWS_SLOW, False) for n in SIZES["heteroskedastic"]]
    groups = [("clustered", g, CLUSTER_FAST, True) for g in GROUPS]
    return fast + slow + groups + [("clustered", g, CLUSTER_SLOW, False) for g in GROUPS]


def estimator(design: str, methods: tuple[str, ...]) -> Callable:
    by_methods = {
        ROWS_SLOW: rows_slow,
        CLUSTER_FAST: cluster_fast,
        CLUSTER_SLOW: cluster_slow,
    }
    return by_methods.get(methods) or asx.Estimator(MODELS[design], methods[0])


def study_of(design: str, size: int, methods: tuple[str, ...], fast: bool, replications: int):
    """The replications of a cell: all methods of one design and size see the same data."""
    names = methods if len(methods) > 1 else None
    key = common.cell_key(SEED, 1_000 * list(GENERATORS).index(design) + size)
    estimate, generate = estimator(design, methods), GENERATORS[design](size)
    return asx.monte_carlo(
        generate, estimate, replications, key=key, truth=TRUTH, names=names, traced=fast
    )


def cell(design: str, size: int, methods, fast: bool, replications: int | None = None):
    """One row a method."""
    count = (FAST if fast else SLOW) if replications is None else replications
    study = study_of(design, size, methods, fast, count)
    (found,) = study.replications.values()
    frame = study.frame.set_index(["term", "measure"])
    for position, method in enumerate(methods):
        column = position if len(methods) > 1 else 1
        row: dict[str, Any] = {"design": design, "size": size, "method": method}
        values = found.values[found.used, column]
        if method == "wild bootstrap":
            share = share_of(values > 0.05)
        elif method == "lower percentile":
            row["method"] = "pairs percentile"
            share = share_of((values <= TRUTH) & (found.values[found.used, column + 1] >= TRUTH))
        elif method == "upper percentile":
            continue
        else:
            coverage, error = (
                frame.loc[(study.names[column], m)] for m in ("coverage", "relative error of SE")
            )
            share = {"coverage": coverage["value"], "mcse": coverage["mcse"]}
            share["error of SE"] = error["value"]
        row |= {"replications": count, "used": len(values), "error of SE": np.nan} | share
        yield row | common.witness(study, column)


def share_of(happened) -> dict[str, float]:
    share = float(np.mean(happened))
    return {"coverage": share, "mcse": float(np.sqrt(share * (1 - share) / len(happened)))}


def table_of(chosen, replications: int | None = None) -> pd.DataFrame:
    rows: Iterator = (row for one in chosen for row in cell(*one, replications=replications))
    return pd.DataFrame(rows)


# --- the figure -----------------------------------------------------------------------------------

LOOKS = {
    "observed": ("x", "#6E6E6E", "model"),
    "HC0": ("v", "#56B4E9", "HC0"),
    "HC1": ("^", "#009E73", "HC1"),
    "HC2": ("D", "#E69F00", "HC2"),
    "HC3": ("s", "#D55E00", "HC3"),
    "pairs bootstrap": ("o", "#0072B2", "bootstrap s.e."),
    "pairs percentile": ("P", "#000000", "percentile"),
    "CR0": ("v", "#56B4E9", "CR0"),
    "CR1": ("D", "#E69F00", "CR1"),
    "CR2": ("s", "#D55E00", "CR2"),
    "cluster bootstrap": ("o", "#0072B2", "cluster bootstrap"),
    "wild bootstrap": ("P", "#000000", "wild bootstrap"),
}
TITLES = {
    "heteroskedastic": "linear, spread grows with x",
    "logit": "logit",
    "clustered": "linear, clusters of 20",
}


def draw(table: pd.DataFrame) -> None:
    drawn, axes = common.figure(1, 3, height=2.9)
    for ax, (design, title) in zip(axes, TITLES.items(), strict=True):
        own = table[table["design"] == design]
        sizes = sorted(own["size"].unique())
        methods = [m for m in LOOKS if m in set(own["method"])]
        for j, method in enumerate(methods):
            marker, colour, label = LOOKS[method]
            one = own[own["method"] == method].set_index("size")
            at = [sizes.index(s) + 0.07 * (j - len(methods) / 2) for s in one.index]
            ax.errorbar(
                at, 100 * one["coverage"], 196 * one["mcse"], fmt=marker, markersize=3,
                color=colour, elinewidth=0.7, label=label,
            )  # fmt: skip
        ax.axhline(95, color="grey", linewidth=0.6)
        ax.set_xticks(range(len(sizes)), sizes)
        ax.set_xlabel("clusters" if design == "clustered" else "observations")
        ax.set_title(title, fontsize=8)
        ax.legend(
            frameon=False, fontsize=6.5, ncols=2, loc="upper center", bbox_to_anchor=(0.45, -0.22),
            handletextpad=0.1, columnspacing=0.6,
        )  # fmt: skip
    axes[0].set_ylabel("coverage, %")
    common.save(drawn, "coverage")


# --- the study ------------------------------------------------------------------------------------


def run() -> None:
    table = table_of(cells())
    common.write("coverage", table)
    draw(table)


KEYS = ["design", "size", "method"]


def quick() -> int:
    """One cell whole, by the engine; of some others the first replications."""
    whole = [("heteroskedastic", 25, ("HC3",), True)]
    columns = dict.fromkeys(("coverage", "error of SE", "first values", "first errors"), 1e-6)
    count = common.compare("coverage", table_of(whole), KEYS, columns | {"coverage": 1.5 / FAST})
    parts = [one for one in cells() if one[:2] in (("clustered", 5), ("heteroskedastic", 25))]
    few = table_of([one for one in parts if len(one[2]) > 1], common.WITNESSES)
    columns = dict.fromkeys(("first values", "first errors"), 1e-6)
    return count + common.compare("coverage", few, KEYS, columns)


if __name__ == "__main__":
    common.main(__file__, run, quick)
