"""Agreement with statsmodels and with published tables: the numbers of the README.

Claim: coefficients agree to 1e-9, standard errors to 1e-8 and log-likelihoods to 1e-12 (relative)
with statsmodels solved to the last digit, and with textbooks to every digit they print.

    python benchmarks/agreement.py            # every comparison, then the table of the README
    python benchmarks/agreement.py --write    # and puts that table into README.md
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

import asymptotix as asx
from asymptotix.validation import Comparison, Sample, all_cases, binary, counts, samples, validate
from asymptotix.validation import table as validation_table

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- agreement:begin -->", "<!-- agreement:end -->"


class Wrong(Exception):
    """A difference is larger than claimed."""


# --- statsmodels ------------------------------------------------------------------------


def against_statsmodels() -> dict[str, list[Comparison]]:
    """Comparisons by data: those of `asymptotix validate` on real data, and two larger sets."""
    return {
        "Mroz, n = 753, k = 8": real("Mroz"),
        "Spector, n = 32, k = 4": real("Spector"),
        "Fair, n = 6,366, k = 7": real("Fair"),
        "simulated, n = 100,000, k = 2": simulated("100,000 × 2", *simulated_small()),
        "simulated, n = 10,000, k = 100": simulated("10,000 × 100", *simulated_wide()),
    }


def real(data: str) -> list[Comparison]:
    return validate([case for case in all_cases() if case.data == data])


def simulated(data: str, formula: str, frame) -> list[Comparison]:
    """Binary models of `y` and a Poisson regression of `c`."""
    zero_one = Sample(frame, formula, cluster=None)
    number = Sample(frame, formula.replace("y ~", "c ~"), cluster=None)
    return validate([*binary(data, lambda: zero_one), counts(data, lambda: number)])


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
    sources = {
        "Wooldridge, table 17.1 (Mroz)": (WOOLDRIDGE, samples.mroz(), "HC1"),
        "Greene, Spector and Mazzeo": (GREENE, samples.spector(), "observed"),
    }
    found = {}
    for name, (table, sample, linear_cov) in sources.items():
        missed = compared = 0
        for model, (coefficients, errors, likelihood) in table.items():
            cov = {"cov": linear_cov} if model == "lpm" else {}
            res = getattr(asx, model)(sample.formula, sample.frame, **cov)
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
        rivals = ", ".join(dict.fromkeys(c.oracle for c in members))
        worst = [f"{largest(members, q):.0e}" for q in QUANTITIES]
        lines.append(f"| {data} | statsmodels {rivals} | {' | '.join(worst)} |")
    for name, (compared, missed) in tables.items():
        verdict = "as printed"
        if missed:
            verdict = f"{missed} numbers differ from print"
        lines.append(f"| {name} | the table, {compared} numbers | {' | '.join([verdict] * 3)} |")
    return "\n".join(lines)


QUANTITIES = ("estimates", "standard errors", "log-likelihood")


def largest(members: list[Comparison], quantity: str) -> float:
    """The largest difference in a quantity, whatever the covariance."""
    return max(c.difference for c in members if c.quantity.split(",")[0] == quantity)


def check(groups, tables) -> None:
    """Raise `Wrong` where a claim fails, so that a wrong table is never written in silence."""
    for c in (c for members in groups.values() for c in members):
        if not c.passed:
            raise Wrong(f"larger than claimed: {c}")
    if any(missed for _, missed in tables.values()):
        raise Wrong(f"a published number reads otherwise: {tables}")


def write(table: str) -> None:
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    README.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def main() -> None:
    groups, tables = against_statsmodels(), against_tables()
    print(validation_table([c for members in groups.values() for c in members]))
    table = markdown(groups, tables)
    print(f"\n{table}")
    check(groups, tables)
    if "--write" in sys.argv:
        write(table)
        print(f"\nwritten to {README.name}")


if __name__ == "__main__":
    main()
