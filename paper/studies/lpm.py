"""When is the slope of the linear probability model a good average marginal effect?

A logit with one covariate of mean 0 and variance 1 (unless it is binary), for covariates of eight
shapes, base rates and effects per standard deviation. In the population, by quadrature: the least
squares slope Cov(x, p(x)) / Var(x), and the average marginal effect b E[p(x)(1 - p(x))]. By
simulation: bias and coverage of least squares with HC1 errors, and of the logit's average slope.

    python paper/studies/lpm.py            # writes results/lpm_*.csv and results/lpm.pdf
    python paper/studies/lpm.py --quick    # a few of the numbers again
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy import optimize, special, stats

import asymptotix as asx
import common

EFFECTS = (0.25, 0.5, 1.0, 2.0)
RATES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
INSIDE = 0.3, 0.7
"""The probabilities between which the linear model is said to be a good approximation."""
REPLICATIONS, SEED = 5_000, 81
SIMULATED_RATE, SIMULATED_EFFECT = 0.2, 1.0
PUBLISHED = 0.3, (1.5, -0.8)
"""Intercept and slopes of the published walk-through that makes the claim."""


# --- covariates ---------------------------------------------------------------------------------


class Covariate(NamedTuple):
    """A distribution as weighted points, and as probabilities of intervals."""

    points: np.ndarray
    weights: np.ndarray
    cdf: Callable[[float], float]


def continuous(law, breaks) -> Covariate:
    """A frozen distribution of SciPy, by Gauss and Legendre's rule on each piece."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    half, middle = np.diff(breaks)[:, None] / 2, (breaks[:-1] + breaks[1:])[:, None] / 2
    points = (middle + half * nodes).ravel()
    return Covariate(points, (half * weights).ravel() * law.pdf(points), law.cdf)


def discrete(points, chances) -> Covariate:
    """Finitely many points."""
    points, chances = np.asarray(points, float), np.asarray(chances, float)
    return Covariate(points, chances, lambda x: float(chances[points <= x].sum()))


def binary(chance: float) -> Covariate:
    """A 0/1 covariate, standardised."""
    spread = np.sqrt(chance * (1 - chance))
    return discrete([-chance / spread, (1 - chance) / spread], [1 - chance, chance])


COUNTS, REACH = np.arange(40), np.sqrt(3)
TAIL = np.geomspace(8, 1e6, 120)
COVARIATES = {
    "normal": continuous(stats.norm(), np.linspace(-12, 12, 61)),
    "uniform": continuous(stats.uniform(-REACH, 2 * REACH), np.linspace(-REACH, REACH, 9)),
    "exponential": continuous(stats.expon(-1), np.linspace(-1, 60, 121)),
    "t(5)": continuous(
        stats.t(5, 0, np.sqrt(3 / 5)), np.r_[-TAIL[::-1], np.linspace(-7.5, 7.5, 31), TAIL]
    ),
    "five points": discrete(np.arange(-2, 3) / np.sqrt(2), np.full(5, 0.2)),
    "Poisson(1)": discrete(COUNTS - 1, stats.poisson(1).pmf(COUNTS)),
    "binary, 1 in 2": binary(0.5),
    "binary, 1 in 10": binary(0.1),
}


# --- the population -----------------------------------------------------------------------------


def population(name: str, effect: float, rate: float) -> dict[str, Any]:
    """Slope, average marginal effect, and where the probabilities lie."""
    x, weights, cdf = COVARIATES[name]

    def chance(intercept):
        return special.expit(intercept + effect * x)

    guess = special.logit(rate)
    intercept = optimize.brentq(
        lambda a: weights @ chance(a) - rate, guess - 8, guess + 8, xtol=1e-14, rtol=1e-14
    )
    slope = float(weights @ (x * chance(intercept)))
    marginal = float(effect * weights @ (chance(intercept) * (1 - chance(intercept))))
    ends = [(special.logit(p) - intercept) / effect for p in INSIDE]
    below = np.nextafter(ends[0], -np.inf)  # a discrete covariate may sit on the end itself
    return {
        "covariate": name,
        "effect": effect,
        "rate": rate,
        "intercept": intercept,
        "slope": slope,
        "marginal": marginal,
        "error": slope / marginal - 1,
        "inside": cdf(ends[1]) - cdf(below),
    }


def populations(names=tuple(COVARIATES), effects=EFFECTS, rates=RATES) -> pd.DataFrame:
    cells = [(name, effect, rate) for name in names for effect in effects for rate in rates]
    return pd.DataFrame([population(*cell) for cell in cells])


def published() -> dict[str, Any]:
    """The published design, two normal covariates: in the population and in its sample."""
    intercept, slopes = PUBLISHED[0], np.array(PUBLISHED[1])
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = np.outer(weights, weights) / (2 * np.pi)
    first, second = np.meshgrid(nodes, nodes, indexing="ij")
    chance = special.expit(intercept + slopes[0] * first + slopes[1] * second)
    mean = float(np.sum(weights * chance * (1 - chance)))
    linear = [float(np.sum(weights * x * chance)) for x in (first, second)]

    rng = np.random.default_rng(42)
    x = rng.standard_normal((100_000, 2))
    y = rng.binomial(1, special.expit(x @ slopes + intercept))
    rows = asx.Rows(np.column_stack([np.ones(len(x)), x]), y.astype(float))
    logit, line = (asx.fit(model, rows) for model in (asx.Logit(3), asx.LinearProbability(3)))
    errors = asx.covariance(line, rows, "HC1").standard_errors
    effects = asx.average_slopes(logit, rows, asx.covariance(logit, rows), columns=[1, 2])
    chances = special.expit(np.asarray(rows.x) @ np.asarray(logit.model.predictor.coef))
    found = {"sample inside": float(np.mean((chances >= INSIDE[0]) & (chances <= INSIDE[1])))}
    for j in (1, 2):
        found |= {
            f"population slope {j}": linear[j - 1],
            f"population marginal {j}": float(slopes[j - 1] * mean),
            f"sample slope {j}": float(line.model.predictor.coef[j]),
            f"sample slope {j} error": float(errors[j]),
            f"sample marginal {j}": float(effects.value[j - 1]),
            f"sample marginal {j} error": float(effects.standard_error[j - 1]),
        }
    return found


# --- simulation ---------------------------------------------------------------------------------

DRAWN = {
    "normal": asx.NormalCovariates(),
    "uniform": asx.UniformCovariates(),
    "exponential": asx.SkewedCovariates(),
    "t(5)": asx.HeavyTailedCovariates(),
}
SIZES = (200, 1_000, 5_000)
SIMULATED = tuple((name, n) for name in DRAWN for n in SIZES)
LINEAR, LOGIT = asx.LinearProbability(2), asx.Logit(2)


def both(sample) -> asx.Estimates:
    """The linear slope with HC1 errors, and the logit's average slope by the delta method."""
    rows = asx.Rows(sample.x, sample.y)
    line, curve = asx.fit(LINEAR, rows), asx.fit(LOGIT, rows)
    robust = asx.covariance(line, rows, "HC1")
    average = asx.average_slopes(curve, rows, asx.covariance(curve, rows), columns=[1])
    return asx.Estimates(
        jnp.array([line.model.predictor.coef[1], average.value[0]]),
        jnp.array([robust.standard_errors[1], average.standard_error[0]]),
        jnp.maximum(line.code, curve.code),
    )


@functools.cache
def truth(name: str) -> dict[str, Any]:
    return population(name, SIMULATED_EFFECT, SIMULATED_RATE)


def simulated(cells=SIMULATED, replications: int = REPLICATIONS) -> pd.DataFrame:
    """Bias and coverage, for the average marginal effect of the population."""
    rows = []
    for name, n in cells:
        known = truth(name)
        study = asx.monte_carlo(
            asx.LinearBoundary(
                n=n, coef=[known["intercept"], SIMULATED_EFFECT], covariates=DRAWN[name]
            ),
            both,
            replications,
            key=common.cell_key(SEED, SIMULATED.index((name, n))),
            truth=known["marginal"],
            names=("linear", "logit"),
        )
        frame = study.frame.set_index(["term", "measure"])
        for position, method in enumerate(study.names):
            row: dict[str, Any] = {"covariate": name, "n": n, "method": method}
            row |= {"truth": known["marginal"], "limit": known["error"] if position == 0 else 0.0}
            for measure in ("bias", "coverage"):
                value = frame.loc[(method, measure)]
                row |= {measure: value["value"], f"{measure} mcse": value["mcse"]}
            rows.append(row | common.witness(study, position))
    return pd.DataFrame(rows)


# --- the figure ---------------------------------------------------------------------------------


def draw(table: pd.DataFrame) -> None:
    drawn, axes = common.figure(2, 4, height=1.75, sharex=True)
    for ax, name in zip(np.ravel(axes), COVARIATES, strict=True):
        for j, effect in enumerate(EFFECTS):
            one = table[(table["covariate"] == name) & (table["effect"] == effect)]
            ax.plot(
                one["rate"], 100 * one["error"], "osD^"[j] + "-", markersize=2.5, linewidth=0.9,
                color=("#56B4E9", "#009E73", "#D55E00", "black")[j], label=f"{effect:g}",
            )  # fmt: skip
        ax.axhline(0, color="grey", linewidth=0.6)
        reach = np.abs(100 * table.loc[table["covariate"] == name, "error"]).max()
        ax.set_ylim(*((-1, 1) if reach < 1e-6 else ax.get_ylim()))
        ax.set_title(name, fontsize=8)
    for ax in axes[:, 0]:
        ax.set_ylabel("slope / effect $-$ 1, %")
    for ax in axes[1]:
        ax.set_xlabel("base rate")
    axes[0, 0].legend(title="effect per s.d.", frameon=False, ncols=2, fontsize=7, title_fontsize=7)
    common.save(drawn, "lpm")


# --- the study ----------------------------------------------------------------------------------


def run() -> None:
    table = populations()
    common.write("lpm_population", table)
    draw(table)
    named = published()
    common.write("lpm_published", pd.DataFrame({"name": list(named), "value": named.values()}))
    common.write("lpm_simulated", simulated())


def quick() -> int:
    some = populations(("normal", "exponential", "Poisson(1)"), (0.5, 2.0), (0.05, 0.2, 0.5))
    columns = dict.fromkeys(("intercept", "slope", "marginal", "error", "inside"), 1e-9)
    count = common.compare("lpm_population", some, ["covariate", "effect", "rate"], columns)
    named = published()
    table = pd.DataFrame({"name": list(named), "value": named.values()})
    count += common.compare("lpm_published", table, ["name"], {"value": 1e-8})
    few = simulated([("exponential", 200)], common.WITNESSES)
    columns = {"truth": 1e-9, "first values": 1e-8, "first errors": 1e-8}
    return count + common.compare("lpm_simulated", few, ["covariate", "n", "method"], columns)


if __name__ == "__main__":
    common.main(__file__, run, quick)
