"""How many digits agree: with statsmodels, R, NIST's certified values and textbook tables.

Digits are -log10 of the relative difference (McCullough 1998), at most 15; of several numbers the
fewest count. R's numbers and NIST's are those of the tests' fixtures, so that no R is needed.
Covariances are compared on the scale of standard errors. The last digits are rounding's, and differ
between processors: the paper quotes whole digits, and the quick look allows one digit less.

    python paper/studies/agreement.py            # writes results/agreement.csv, nist.csv, a figure
    python paper/studies/agreement.py --quick    # a few of the numbers again
"""

import contextlib
import importlib.util
import json
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

import asymptotix as asx
import common
from asymptotix.validation import all_cases, validate

FIXTURES = common.ROOT / "tests" / "data"
MOST = 15.0
SLACK = 1.0
"""Digits that another processor may lose."""


def digits(found, expected, scale=None) -> float:
    """The fewest digits of several numbers; relative to themselves where no scale is given."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    scale = np.abs(expected) if scale is None else scale
    apart = float(np.max(np.abs(found - expected) / np.where(scale == 0, 1.0, scale)))
    return MOST if apart == 0 else min(MOST, -np.log10(apart))


def fixture(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def row(oracle: str, case: str, quantity: str, found, expected, scale=None) -> dict[str, Any]:
    return {
        "oracle": oracle,
        "case": case,
        "quantity": quantity,
        "numbers": np.size(expected),
        "digits": digits(found, expected, scale),
    }


# --- statsmodels, by the cases of `asymptotix validate` -------------------------------------------


def statsmodels(only=lambda case: True) -> Iterator[dict[str, Any]]:
    with contextlib.redirect_stderr(None):
        comparisons = validate([case for case in all_cases() if only(case)])
    for c in comparisons:
        apart = c.difference
        yield {
            "oracle": "complex steps" if c.oracle == "own maximum" else "statsmodels",
            "case": f"{c.data}: {c.model}",
            "quantity": f"{c.quantity} ({c.oracle})",
            "numbers": 1,
            "digits": MOST if apart == 0 else min(MOST, -np.log10(apart)),
        }


# --- R ------------------------------------------------------------------------------------------

R_FITS = {
    "lm": (asx.linear, "y"),
    "logit": (asx.logit, "binary"),
    "probit": (asx.probit, "binary"),
    "poisson": (asx.poisson, "count"),
}


def kinds() -> dict[str, tuple[str, Any]]:
    """For each of R's covariances, whose it is and ours."""
    expected = {"bread": "expected"}
    sandwich = {
        f"HC{j}": asx.Sandwich(f"HC{j}", convention="sandwich")  # pyright: ignore
        for j in range(6)
    }
    sandwich |= {
        "cluster": asx.Cluster("firm", convention="sandwich"),
        "cluster_HC0": asx.Cluster("firm", correction="CR0", **expected),
        "cluster_HC1": asx.Cluster("firm", **expected),
        "two_way": asx.Cluster("firm", "year", **expected),
        "two_way_HC0": asx.Cluster("firm", "year", correction="CR0", **expected),
        "newey_west_3": asx.HAC(bandwidth=3, **expected),
        "newey_west": asx.HAC(**expected),
        "newey_west_adjusted": asx.HAC(bandwidth=3, correction="n-k", **expected),
        "driscoll_kraay": asx.DriscollKraay("year", bandwidth=2, **expected),
    }
    club = {c: asx.Cluster("firm", correction=c, **expected) for c in ("CR0", "CR3")}
    named = {name: ("R sandwich", kind) for name, kind in sandwich.items()}
    return named | {name: ("R clubSandwich", kind) for name, kind in club.items()}


def on_errors(oracle: str, case: str, quantity: str, found, expected) -> dict[str, Any]:
    expected = np.asarray(expected)
    errors = np.sqrt(np.diag(expected))
    return row(oracle, case, quantity, found.covariance.matrix, expected, np.outer(errors, errors))


def r_covariances(models: Iterable[str] = tuple(R_FITS)) -> Iterator[dict[str, Any]]:
    known = fixture("covariances")
    data = pd.DataFrame(known["data"])
    for model in models:
        fit, response = R_FITS[model]
        res, expected = fit(f"{response} ~ x1 + x2", data), known["fits"][model]
        yield row("R glm", model, "estimates", res.params, expected["coef"])
        for quantity, (oracle, kind) in kinds().items():
            yield on_errors(oracle, model, quantity, res.with_cov(kind), expected[quantity])
        if model == "lm":
            found, own = res.with_cov(asx.Cluster("firm", correction="CR2")), known["satterthwaite"]
            yield on_errors("R clubSandwich", model, "CR2", found, own["CR2"])
            freedom = "Satterthwaite's degrees of freedom"
            yield row("R clubSandwich", model, freedom, found.reference.df, own["df"])


MOMENTS = {
    "gamma-inverse": asx.Gamma(),
    "gamma-log": asx.Gamma(asx.LogLink()),
    "gamma-identity": asx.Gamma(asx.IdentityLink()),
    "inverse_gaussian-inverse_square": asx.InverseGaussian(),
    "inverse_gaussian-log": asx.InverseGaussian(asx.LogLink()),
    "quasipoisson-log": asx.QuasiPoisson(),
}


def r_families() -> Iterator[dict[str, Any]]:
    known = fixture("families_r")
    data = pd.DataFrame(known["data"])
    for name, family in MOMENTS.items():
        response = "count" if name.startswith("quasi") else "amount"
        res = asx.glm(f"{response} ~ x + z", data, family=family, cov="expected")
        expected = known[name]
        yield row("R glm", name, "estimates", res.params, expected["coef"])
        yield row("R glm", name, "standard errors", res.bse, expected["se"])
        yield row("R glm", name, "dispersion", res.scale, expected["scale"])
        yield row("R glm", name, "deviance", res.deviance, expected["deviance"])


REDUCTIONS = {
    "MPL_Jeffreys": asx.Jeffreys(),
    "AS_mean": asx.MeanBR(),
    "AS_median": asx.MedianBR(),
    "AS_mixed": asx.MixedBR(),
}
REDUCED = {
    "logit": asx.Bernoulli(),
    "probit": asx.Bernoulli(link=asx.ProbitLink()),
    "cloglog": asx.Bernoulli(link=asx.CloglogLink()),
}


def brglm2(links=tuple(REDUCED), reductions=tuple(REDUCTIONS)) -> Iterator[dict[str, Any]]:
    known = fixture("bias_reduction")
    data = pd.DataFrame(known["endometrial"])
    for link in links:
        for name in reductions:
            res = asx.glm("HG ~ NV + PI + EH", data, REDUCED[link], penalty=REDUCTIONS[name])
            expected, case = known["fits"][link][name], f"{link}, {name}"
            yield row("R brglm2", case, "estimates", res.params, expected["params"])
            yield row("R brglm2", case, "standard errors", res.bse, expected["bse"])


# --- NIST ---------------------------------------------------------------------------------------

NIST = (
    "norris", "pontius", "noint1", "noint2", "filip", "longley",
    "wampler1", "wampler2", "wampler3", "wampler4", "wampler5",
)  # fmt: skip


def nist() -> pd.DataFrame:
    """Digits of coefficients and errors, of ours and of statsmodels' default."""
    import statsmodels.api as sm

    rows = []
    for name in NIST:
        known = fixture("certified")[name]
        table = np.loadtxt(FIXTURES / f"{name}.csv", delimiter=",", skiprows=1)
        powers = np.arange(0 if known["intercept"] else 1, known["degree"] + 1)
        x, y = table[:, 1:], table[:, 0]
        if known["kind"] == "poly":
            x = x**powers
        elif known["intercept"]:
            x = np.column_stack([np.ones(len(x)), x])
        coef, errors = (np.array(known[field], float) for field in ("coef", "std_error"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # columns that nearly repeat others are the point
            fit = asx.fit(asx.LinearRegression(x.shape[1]), x, y)
            ours = asx.covariance(fit, x, y).standard_errors
            theirs = sm.OLS(y, x).fit()
        perfect = not errors.any()  # errors of zero have no relative difference
        rows.append(
            {
                "data": name,
                "n": len(y),
                "k": x.shape[1],
                "estimates": digits(fit.model.predictor.coef, coef),
                "errors": np.nan if perfect else digits(ours, errors),
                "estimates, statsmodels": max(0.0, digits(theirs.params, coef)),
                "errors, statsmodels": np.nan if perfect else max(0.0, digits(theirs.bse, errors)),
            }
        )
    return pd.DataFrame(rows)


# --- textbooks ----------------------------------------------------------------------------------


def textbooks() -> pd.DataFrame:
    """The published tables of benchmarks/agreement.py: numbers that read otherwise."""
    path = common.ROOT / "benchmarks" / "agreement.py"
    spec: Any = importlib.util.spec_from_file_location("benchmark_of_agreement", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.against_tables()
    rows = [{"table": name, "numbers": n, "otherwise": bad} for name, (n, bad) in found.items()]
    return pd.DataFrame(rows)


# --- the study ----------------------------------------------------------------------------------


def draw(table: pd.DataFrame, certified: pd.DataFrame) -> None:
    drawn, (left, right) = common.figure(1, 2, height=2.3)
    oracles = list(dict.fromkeys(table["oracle"]))
    random = np.random.default_rng(0)
    for j, oracle in enumerate(oracles):
        own = table.loc[table["oracle"] == oracle, "digits"]
        height = len(oracles) - j + random.uniform(-0.25, 0.25, len(own))
        left.plot(own, height, "o", markersize=2, alpha=0.5, color="#0072B2")
    left.set_yticks(range(len(oracles), 0, -1), oracles)
    left.set_xlabel("digits that agree")
    left.set_xlim(6, 15.3)
    places = np.arange(len(certified))[::-1]
    for column, marker, colour, label in (
        ("estimates, statsmodels", "s", "#D55E00", "statsmodels"),
        ("estimates", "o", "#0072B2", "asymptotix"),
    ):
        right.plot(certified[column], places, marker, markersize=3.5, color=colour, label=label)
    right.set_yticks(places, [name.capitalize() for name in certified["data"]])
    right.set_xlabel("certified digits of coefficients")
    right.set_xlim(-0.3, 15.3)
    right.legend(frameon=False, loc="center left", bbox_to_anchor=(0.0, 0.38))
    common.save(drawn, "agreement")


def run() -> None:
    rows = [*statsmodels(), *r_covariances(), *r_families(), *brglm2()]
    table, certified = pd.DataFrame(rows), nist()
    common.write("agreement", table)
    common.write("nist", certified)
    common.write("textbooks", textbooks())
    draw(table, certified)


def at_least(name: str, found: pd.DataFrame, keys: list[str], columns: list[str]) -> int:
    """Rows again: none has lost more than a digit of those that the results have."""
    both = found.merge(common.read(name), on=keys, how="left", suffixes=("", " kept"))
    count = 0
    for column in columns:
        kept = both[f"{column} kept"].to_numpy(float)
        compared = np.isfinite(both[column].to_numpy(float))
        lost = compared & ~(both[column].to_numpy(float) >= np.floor(kept) - SLACK)
        if lost.any():
            first = both[lost].iloc[0]
            raise common.Mismatch(f"{name}: {column} of {first[keys].to_dict()} has fewer digits")
        count += int(compared.sum())
    return count


def quick() -> int:
    rows = [*statsmodels(lambda case: case.name == "Spector: logit"), *r_covariances(["lm"])]
    rows += brglm2(["logit"], ["MPL_Jeffreys"])
    count = at_least("agreement", pd.DataFrame(rows), ["oracle", "case", "quantity"], ["digits"])
    count += at_least("nist", nist(), ["data", "n", "k"], ["estimates", "errors"])
    return count + common.compare("textbooks", textbooks(), ["table"], {"otherwise": 0.0})


if __name__ == "__main__":
    common.main(__file__, run, quick)
