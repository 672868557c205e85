"""Agreement with statsmodels and with published tables: the numbers of the README.

Claim: coefficients agree to 1e-9, standard errors to 1e-8 and log-likelihoods to 1e-12 (relative)
with statsmodels solved to the last digit, and with textbooks to every digit they print.

    python benchmarks/agreement.py            # every comparison, then the table of the README
    python benchmarks/agreement.py --write    # and puts that table into README.md
"""

import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import statsmodels.api as sm

import asymptotix as asx

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- agreement:begin -->", "<!-- agreement:end -->"
TIGHT = {"tol": 1e-14, "maxiter": 200}

MROZ = "inlf ~ nwifeinc + educ + exper + I(exper**2) + age + kidslt6 + kidsge6"
SPECTOR = "GRADE ~ GPA + TUCE + PSI"
FAIR = "affair ~ rate_marriage + age + yrs_married + children + religious + educ"


class Difference(NamedTuple):
    """Largest relative differences of one fit from its rival."""

    data: str
    model: str
    rival: str
    coefficients: float
    errors: float
    likelihood: float


class Wrong(Exception):
    """A difference is larger than claimed."""


# --- statsmodels ------------------------------------------------------------------------


def relative(ours, theirs) -> float:
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    return float(np.max(np.abs(ours - theirs) / np.abs(theirs)))


def difference(data, model, rival, ours, theirs, *, likelihood=True) -> Difference:
    return Difference(
        data,
        model,
        rival,
        relative(ours.params, theirs.params),
        relative(ours.bse, theirs.bse),
        relative(ours.llf, theirs.llf) if likelihood else float("nan"),
    )


def binary(data: str, formula: str, frame) -> list[Difference]:
    """Linear probability, logit and probit of one response against each rival."""
    lpm = asx.lpm(formula, frame)
    logit, probit = asx.logit(formula, frame), asx.probit(formula, frame)
    y, x = design(logit, frame)
    link = sm.families.links
    return [
        difference(data, "linear, HC1", "OLS", lpm, sm.OLS(y, x).fit(cov_type="HC1")),
        difference(data, "linear, classical", "OLS", lpm.with_cov("observed"), sm.OLS(y, x).fit()),
        difference(data, "logit", "Logit", logit, sm.Logit(y, x).fit(**TIGHT, disp=False)),
        difference(data, "logit", "GLM", logit.with_cov("expected"), glm(y, x, link.Logit())),
        difference(data, "probit", "Probit", probit, sm.Probit(y, x).fit(**TIGHT, disp=False)),
        difference(data, "probit", "GLM", probit.with_cov("expected"), glm(y, x, link.Probit())),
    ]


def counts(data: str, formula: str, frame) -> list[Difference]:
    """Poisson regression against both rivals."""
    ours = asx.poisson(formula, frame)
    y, x = design(ours, frame)
    theirs = sm.Poisson(y, x).fit(**TIGHT, disp=False, method="newton")
    general = sm.GLM(y, x, sm.families.Poisson()).fit(tol=1e-14, tol_criterion="params")
    return [
        difference(data, "Poisson", "Poisson", ours, theirs),
        difference(data, "Poisson", "GLM", ours.with_cov("expected"), general),
    ]


def glm(y, x, link):
    family = sm.families.Binomial(link)
    return sm.GLM(y, x, family).fit(tol=1e-14, tol_criterion="params", maxiter=200)


def design(res, frame):
    x, kept = res.spec.design(frame)
    return np.asarray(frame[res.spec.response_name], float)[kept], np.asarray(x)


def against_statsmodels() -> dict[str, list[Difference]]:
    mroz = asx.load_example("mroz")
    spector = sm.datasets.spector.load_pandas().data
    fair = sm.datasets.fair.load_pandas().data
    fair["affair"] = (fair["affairs"] > 0).astype(float)
    return {
        "Mroz, n = 753, k = 8": [
            *binary("Mroz", MROZ, mroz),
            *counts("Mroz", MROZ.replace("inlf", "hours"), mroz),
        ],
        "Spector, n = 32, k = 4": binary("Spector", SPECTOR, spector),
        "Fair, n = 6,366, k = 7": binary("Fair", FAIR, fair),
        "simulated, n = 100,000, k = 2": [
            d
            for formula, frame in [simulated_small()]
            for d in (
                *binary("100,000 × 2", formula, frame),
                *counts("100,000 × 2", formula.replace("y ~", "c ~"), frame),
            )
        ],
        "simulated, n = 10,000, k = 100": [
            d
            for formula, frame in [simulated_wide()]
            for d in (
                *binary("10,000 × 100", formula, frame),
                *counts("10,000 × 100", formula.replace("y ~", "c ~"), frame),
            )
        ],
    }


def simulated_small():
    rng = np.random.default_rng(42)
    x = rng.standard_normal((100_000, 2))
    y = rng.binomial(1, 1 / (1 + np.exp(-(0.3 + x @ [1.5, -0.8]))))
    c = rng.poisson(np.exp(0.2 + x @ [0.3, -0.4]))
    return "y ~ x1 + x2", pd.DataFrame({"y": y, "c": c, "x1": x[:, 0], "x2": x[:, 1]})


def simulated_wide():
    rng = np.random.default_rng(42)
    x = rng.standard_normal((10_000, 99))
    slopes = rng.standard_normal(99) / 20
    y = rng.binomial(1, 1 / (1 + np.exp(-(0.3 + x @ slopes))))
    c = rng.poisson(np.exp(0.2 + x @ slopes))
    names = [f"x{j}" for j in range(1, 100)]
    frame = pd.DataFrame(x, columns=names).assign(y=y, c=c)
    return "y ~ " + " + ".join(names), frame


# --- published tables -------------------------------------------------------------------

# Wooldridge (2019), Introductory Econometrics, 7th edition, table 17.1: the standard errors of the
# linear model are robust. In the order of the formula.
WOOLDRIDGE = {
    "lpm": (
        ".586 -.0034 .038 .039 -.00060 -.016 -.262 .013",
        ".152 .0015 .007 .006 .00019 .002 .032 .014",
        None,
    ),
    "logit": (
        ".425 -.021 .221 .206 -.0032 -.088 -1.443 .060",
        ".860 .008 .043 .032 .0010 .015 .204 .075",
        "-401.77",
    ),
    "probit": (
        ".270 -.012 .131 .123 -.0019 -.053 -.868 .036",
        ".509 .005 .025 .019 .0006 .008 .119 .043",
        "-401.30",
    ),
}

# Greene, Econometric Analysis, the example of Spector and Mazzeo (1980); classical errors in the
# linear model.
GREENE = {
    "lpm": ("-1.498 .464 .010 .379", ".524 .162 .019 .139", None),
    "logit": ("-13.021 2.826 .095 2.379", "4.931 1.263 .142 1.065", "-12.890"),
    "probit": ("-7.452 1.626 .052 1.426", "2.542 .694 .084 .595", "-12.819"),
}


def digits_missed(value: float, printed: str) -> bool:
    """Whether a number, rounded as the table has it, reads otherwise."""
    places = len(printed.partition(".")[2])
    return f"{value:.{places}f}" != f"{float(printed):.{places}f}"


def against_tables() -> dict[str, tuple[int, int]]:
    """(numbers compared, numbers that read otherwise) of each table."""
    spector = sm.datasets.spector.load_pandas().data
    mroz = asx.load_example("mroz")
    sources = {
        "Wooldridge, table 17.1 (Mroz)": (WOOLDRIDGE, MROZ, mroz, "HC1"),
        "Greene, Spector and Mazzeo": (GREENE, SPECTOR, spector, "observed"),
    }
    found = {}
    for name, (table, formula, frame, linear_cov) in sources.items():
        missed = compared = 0
        for model, (coefficients, errors, likelihood) in table.items():
            cov = {"cov": linear_cov} if model == "lpm" else {}
            res = getattr(asx, model)(formula, frame, **cov)
            pairs = [*zip(res.params, coefficients.split(), strict=True)]
            pairs += [*zip(res.bse, errors.split(), strict=True)]
            pairs += [(res.llf, likelihood)] if likelihood else []
            compared += len(pairs)
            missed += sum(digits_missed(value, printed) for value, printed in pairs)
        found[name] = compared, missed
    return found


# --- the page ---------------------------------------------------------------------------


def markdown(groups, tables) -> str:
    lines = [
        "| data | against | coefficients | standard errors | log-likelihood |",
        "|---|---|---|---|---|",
    ]
    for data, members in groups.items():
        rivals = ", ".join(dict.fromkeys(d.rival for d in members))
        worst = [
            f"{np.nanmax([getattr(d, field) for d in members]):.0e}"
            for field in ("coefficients", "errors", "likelihood")
        ]
        lines.append(f"| {data} | statsmodels {rivals} | {' | '.join(worst)} |")
    for name, (compared, missed) in tables.items():
        verdict = "as printed"
        if missed:
            verdict = f"{missed} numbers differ from print"
        lines.append(f"| {name} | the table, {compared} numbers | {' | '.join([verdict] * 3)} |")
    return "\n".join(lines)


def check(groups, tables) -> None:
    """Raise `Wrong` where a claim fails, so that a wrong table is never written in silence."""
    for d in (d for members in groups.values() for d in members):
        if not (d.coefficients < 1e-9 and d.errors < 1e-8 and not d.likelihood > 1e-12):
            raise Wrong(f"larger than claimed: {d}")
    if any(missed for _, missed in tables.values()):
        raise Wrong(f"a published number reads otherwise: {tables}")


def write(table: str) -> None:
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    README.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def main() -> None:
    warnings.simplefilter("ignore")  # statsmodels reports steps below its own tolerance
    groups, tables = against_statsmodels(), against_tables()
    for d in (d for members in groups.values() for d in members):
        print(
            f"{d.data:<13} {d.model:<18} {d.rival:<8} coefficients {d.coefficients:.0e}  "
            f"standard errors {d.errors:.0e}  log-likelihood {d.likelihood:.0e}"
        )
    table = markdown(groups, tables)
    print(f"\n{table}")
    check(groups, tables)
    if "--write" in sys.argv:
        write(table)
        print(f"\nwritten to {README.name}")


if __name__ == "__main__":
    main()
