r"""Every number and table of the text, made from `results/`: `generated/numbers.tex` and tables.

A number is a LaTeX macro, such as `\LpmReplications`; the text types none by hand.
"""

import importlib.util
import json
import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import asymptotix as asx
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.fitting import newton

PAPER = Path(__file__).resolve().parent
STUDIES = ("agreement", "lpm", "coverage", "separation", "speed")


def loaded(name: str, script: str) -> Any:
    """A script of `studies/` as a module, by its path: other packages have such names too."""
    if name not in sys.modules:
        path = PAPER / "studies" / f"{script}.py"
        spec: Any = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def study(name: str) -> Any:
    """A study as a module."""
    return loaded(f"paper_{name}", name)


common = loaded("common", "common")  # by the name under which the studies import it
agreement, lpm, coverage, separation = map(study, STUDIES[:4])
GENERATED = PAPER / "generated"


# --- how numbers are printed ----------------------------------------------------------------------


def whole(value: float) -> str:
    return f"{int(value):,}".replace(",", "{,}")


def fixed(value: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return f"$-${text[1:]}" if text.startswith("-") and float(text) else text.lstrip("-")


def percent(share: float, places: int = 1) -> str:
    return fixed(100 * share, places) + r"\,\%"


def power_of_ten(exponent: int) -> str:
    return f"10^{{{exponent}}}"


def with_error(value: float, error: float, places: int) -> str:
    """A value and its Monte-Carlo standard error in units of the last place."""
    units = math.ceil(round(error * 10**places, 6))
    return f"{fixed(value, places)} ({units})"


def above(value: float) -> str:
    """The power of ten that a difference of rounding stays below by a factor of ten."""
    return power_of_ten(math.ceil(math.log10(max(value, 1e-16))) + 1)


def tabular(columns: str, head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    """A table of booktabs; a row of one cell is a rule."""
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", *head, r"\midrule"]
    lines += [r"\midrule" if row == ("",) else " & ".join(row) + r" \\" for row in body]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


# --- the sections ---------------------------------------------------------------------------------

Found = tuple[dict[str, str], dict[str, str]]
"""Macros, and tables by file name."""


def settings() -> Found:
    """What the package does by default."""
    tolerance = newton.Newton().tolerance
    steps = math.ceil(2 * math.log(1 / tolerance))
    return {
        "Version": asx.__version__,
        "Tolerance": power_of_ten(round(math.log10(tolerance))),
        "QrCondition": power_of_ten(round(-2 * math.log10(newton.ILL_CONDITIONED))),
        "Settled": percent(newton.SETTLED, 0),
        "SeparationSteps": whole(steps),
        "SlabRows": whole(SLAB_ROWS),
        "MrozRows": whole(len(asx.load_example("mroz"))),
        "Confidence": percent(0.95, 0),
    }, {}


def digits_of_agreement() -> Found:
    table, certified = common.read("agreement"), common.read("nist")
    books = common.read("textbooks")
    labels = {"statsmodels": r"\textsf{statsmodels}", "complex steps": "complex-step maximum"}
    macros: dict[str, str] = {}
    body = []
    for oracle in dict.fromkeys(table["oracle"]):
        own = np.floor(table.loc[table["oracle"] == oracle, "digits"])
        counts = (whole(len(own)), whole(own.min()), whole(np.floor(own.median())))
        body.append((labels.get(oracle, oracle), *counts))
    last = table.loc[table["digits"].idxmin()]
    macros["AgreeFewestCase"] = f"{last['quantity']} of {last['case']} ({last['oracle']})"
    macros["AgreeCount"] = whole(len(table))
    macros["AgreeFewest"] = whole(np.floor(table["digits"].min()))
    macros["AgreeMost"] = whole(agreement.MOST)
    macros["BookNumbers"] = whole(books["numbers"].sum())
    macros["BookOtherwise"] = whole(books["otherwise"].sum())
    macros |= _of_nist(certified)
    head = [r"oracle & comparisons & fewest & median \\"]
    rows = []
    for row in certified.to_dict("records"):
        fields = ("estimates", "errors", "estimates, statsmodels", "errors, statsmodels")
        shown = ("--" if np.isnan(row[f]) else whole(np.floor(row[f])) for f in fields)
        rows.append((row["data"].capitalize(), whole(row["n"]), whole(row["k"]), *shown))
    over = [
        r"& & & \multicolumn{2}{c}{here} & \multicolumn{2}{c}{\textsf{statsmodels}} \\",
        r"\cmidrule(lr){4-5}\cmidrule(lr){6-7}",
        r"data & $n$ & $k$ & $\hat\beta$ & s.e. & $\hat\beta$ & s.e. \\",
    ]
    return macros, {
        "table_agreement": tabular("lrrr", head, body),
        "table_nist": tabular("lrrrrrr", over, rows),
    }


def _of_nist(certified: pd.DataFrame) -> dict[str, str]:
    by_name = certified.set_index("data")
    return {
        "NistSets": whole(len(certified)),
        "FilipOurs": whole(np.floor(by_name["estimates"]["filip"])),
        "FilipTheirs": whole(np.floor(by_name["estimates, statsmodels"]["filip"])),
        "WamplerFiveOurs": whole(np.floor(by_name["estimates"]["wampler5"])),
        "WamplerFiveTheirs": whole(np.floor(by_name["estimates, statsmodels"]["wampler5"])),
    }


KEPT = 1e-10
"""A relative difference that two numbers of the tables may have and be printed alike."""
FEW, MOST = 0.1, 0.9
"""Shares of the probabilities that are called few and most."""
NULL_SHOWN = 10
SHOWN_RATES = (0.05, 0.2, 0.5, 0.8, 0.95)


def linear_probability() -> Found:
    table, drawn = common.read("lpm_population"), common.read("lpm_simulated")
    known = common.read("lpm_published").set_index("name")["value"]
    inside, outside = table[table["inside"] >= MOST], table[table["inside"] <= FEW]
    size = table["error"].abs()
    exact = drawn.set_index(["covariate", "n", "method"])

    def worst(frame) -> float:
        return float(frame.loc[frame["error"].abs().idxmax(), "error"])

    def of(name: str, rate: float) -> float:
        own = table[table["effect"] == lpm.SIMULATED_EFFECT]
        return float(own.loc[(own["covariate"] == name) & (own["rate"] == rate), "error"].iloc[0])

    macros = {
        "LpmCells": whole(len(table)),
        "LpmShapes": whole(table["covariate"].nunique()),
        "LpmLow": fixed(lpm.INSIDE[0], 1),
        "LpmHigh": fixed(lpm.INSIDE[1], 1),
        "LpmNormalBound": above(size[table["covariate"] == "normal"].max()),
        "LpmNormalOutside": whole((outside["covariate"] == "normal").sum()),
        "LpmInsideCells": whole(len(inside)),
        "LpmInsideWorst": percent(worst(inside), 0),
        "LpmInsideExponential": percent(worst(inside[inside["covariate"] == "exponential"]), 0),
        "LpmInsideUniform": percent(worst(inside[inside["covariate"] == "uniform"])),
        "LpmFew": percent(FEW, 0),
        "LpmMost": percent(MOST, 0),
        "LpmRateLow": fixed(SHOWN_RATES[0], 2),
        "LpmRateHigh": fixed(SHOWN_RATES[-1], 2),
        "LpmExpLow": percent(of("exponential", SHOWN_RATES[0]), 0),
        "LpmExpHigh": percent(of("exponential", SHOWN_RATES[-1]), 0),
        "LpmReplications": whole(lpm.REPLICATIONS),
        "LpmRate": fixed(lpm.SIMULATED_RATE, 1),
        "LpmEffect": fixed(lpm.SIMULATED_EFFECT, 0),
        "LpmExpSmall": percent(exact.loc[("exponential", lpm.SIZES[0], "linear"), "coverage"], 0),
        "LpmExpMiddle": percent(exact.loc[("exponential", lpm.SIZES[1], "linear"), "coverage"], 0),
        "LpmExpLarge": percent(exact.loc[("exponential", lpm.SIZES[2], "linear"), "coverage"], 0),
        "LpmSmallest": whole(lpm.SIZES[0]),
        "LpmMiddle": whole(lpm.SIZES[1]),
        "LpmLargest": whole(lpm.SIZES[2]),
        "LpmLogitLowest": percent(drawn.loc[drawn["method"] == "logit", "coverage"].min()),
        "LpmLogitHighest": percent(drawn.loc[drawn["method"] == "logit", "coverage"].max()),
        "LpmPublishedInside": percent(known["sample inside"], 0),
    }
    macros |= _published(known)
    return macros, {"table_lpm": _lpm_table(drawn), "table_lpm_errors": _error_table(table)}


def _published(known) -> dict[str, str]:
    macros, gaps = {}, []
    for j, name in ((1, "One"), (2, "Two")):
        slope, marginal = known[f"population slope {j}"], known[f"population marginal {j}"]
        gaps.append(abs(slope / marginal - 1))
        macros |= {
            f"PublishedEffect{name}": fixed(marginal, 4),
            f"PublishedSlope{name}": fixed(known[f"sample slope {j}"], 4),
            f"PublishedSlope{name}Error": fixed(known[f"sample slope {j} error"], 4),
            f"PublishedMarginal{name}": fixed(known[f"sample marginal {j}"], 4),
            f"PublishedMarginal{name}Error": fixed(known[f"sample marginal {j} error"], 4),
        }
    return macros | {"PublishedBound": above(max(*gaps, KEPT))}


def _error_table(table: pd.DataFrame) -> str:
    head = [
        r"& \multicolumn{" + str(len(SHOWN_RATES)) + r"}{c}{base rate} \\",
        rf"\cmidrule(lr){{2-{1 + len(SHOWN_RATES)}}}",
        "covariate & " + " & ".join(f"{rate:g}" for rate in SHOWN_RATES) + r" \\",
    ]
    own = table[table["effect"] == lpm.SIMULATED_EFFECT].set_index(["covariate", "rate"])["error"]
    body = [
        (name.replace("t(5)", "$t(5)$"), *(fixed(100 * own[name, rate], 1) for rate in SHOWN_RATES))
        for name in lpm.COVARIATES
    ]
    return tabular("l" + "r" * len(SHOWN_RATES), head, body)


def _lpm_table(drawn: pd.DataFrame) -> str:
    head = [
        r"& & & \multicolumn{2}{c}{linear} & \multicolumn{2}{c}{logit} \\",
        r"\cmidrule(lr){4-5}\cmidrule(lr){6-7}",
        r"covariate & $n$ & limit & bias & coverage & bias & coverage \\",
    ]
    body: list[tuple[str, ...]] = []
    for (name, n), rows in drawn.groupby(["covariate", "n"], sort=False):
        by = rows.set_index("method")
        cells = [fixed(100 * by.loc["linear", "limit"], 1)]
        for method in ("linear", "logit"):
            row, scale = by.loc[method], 100 / by.loc[method, "truth"]
            cells.append(with_error(scale * row["bias"], scale * row["bias mcse"], 1))
            cells.append(with_error(100 * row["coverage"], 100 * row["coverage mcse"], 1))
        first = n == lpm.SIZES[0]
        label = name.replace("t(5)", "$t(5)$") if first else ""
        if first and body:
            body.append(("",))
        body.append((label, whole(n), *cells))
    return tabular("lrrrrrr", head, body)


def interval_coverage() -> Found:
    table = common.read("coverage")
    by = table.set_index(["design", "size", "method"])["coverage"]
    n, groups = coverage.SIZES["heteroskedastic"], coverage.GROUPS
    logits = table[table["design"] == "logit"]
    macros = {
        "CoverFast": whole(coverage.FAST),
        "CoverSlow": whole(coverage.SLOW),
        "CoverDraws": whole(coverage.DRAWS),
        "CoverMembers": whole(coverage.MEMBERS),
        "CoverLogitWorst": fixed(100 * (logits["coverage"] - 0.95).abs().max(), 1),
        "CoverSmallN": whole(n[0]),
        "CoverLargeN": whole(n[-1]),
        "CoverFewG": whole(groups[0]),
        "CoverManyG": whole(groups[-1]),
        "CoverSeGap": percent(
            -table.loc[
                (table["design"] == "clustered") & (table["method"] == "HC1"), "error of SE"
            ].min(),
            0,
        ),
    }
    for label, design, size, method in (
        ("ModelSmall", "heteroskedastic", n[0], "observed"),
        ("ModelLarge", "heteroskedastic", n[-1], "observed"),
        ("HczeroSmall", "heteroskedastic", n[0], "HC0"),
        ("HconeSmall", "heteroskedastic", n[0], "HC1"),
        ("HcthreeSmall", "heteroskedastic", n[0], "HC3"),
        ("PercentileSmall", "heteroskedastic", n[0], "pairs percentile"),
        ("BootSmall", "heteroskedastic", n[0], "pairs bootstrap"),
        ("ClusterHconeMany", "clustered", groups[-1], "HC1"),
        ("CroneFew", "clustered", groups[0], "CR1"),
        ("CrtwoFew", "clustered", groups[0], "CR2"),
        ("ClusterBootFew", "clustered", groups[0], "cluster bootstrap"),
        ("WildFew", "clustered", groups[0], "wild bootstrap"),
        ("WildMany", "clustered", groups[-1], "wild bootstrap"),
    ):
        macros[f"Cover{label}"] = percent(by[design, size, method])
    return macros, {"table_coverage": _coverage_table(table)}


def _coverage_table(table: pd.DataFrame) -> str:
    body: list[tuple[str, ...]] = []
    wide = max(len(v) for v in (*coverage.SIZES.values(), coverage.GROUPS))
    for design in coverage.TITLES:
        own = table[table["design"] == design]
        sizes = sorted(own["size"].unique())
        if body:
            body.append(("",))
        sign = "G" if design == "clustered" else "n"
        body.append((coverage.TITLES[design], *(f"${sign}={s}$" for s in sizes)))
        for method in (m for m in coverage.LOOKS if m in set(own["method"])):
            one = own[own["method"] == method].set_index("size")
            cells = (
                with_error(100 * one.loc[s, "coverage"], 100 * one.loc[s, "mcse"], 1) for s in sizes
            )
            body.append((r"\quad " + coverage.LOOKS[method][2], *cells))
    return "\n".join(
        [r"\begin{tabular}{l" + "r" * wide + "}", r"\toprule"]
        + [r"\midrule" if row == ("",) else " & ".join(row) + r" \\" for row in body]
        + [r"\bottomrule", r"\end{tabular}", ""]
    )


def separated() -> Found:
    table, null = common.read("separation"), common.read("separation_null")
    profiles, program = common.read("separation_profile"), common.read("separation_program")
    by = table.set_index(["n", "method"])
    smallest, middle = separation.SIZES[0], separation.SIZES[2]
    score = ((null["share"] - null["exact"]) / null["mcse"]).abs().max()
    macros = {
        "SepFast": whole(separation.FAST),
        "SepSlow": whole(separation.SLOW),
        "SepSlopes": whole(len(separation.COEF) - 1),
        "SepSlope": fixed(separation.COEF[1], 0),
        "SepSmallN": whole(smallest),
        "SepMiddleN": whole(middle),
        "SepSmallShare": percent(by.loc[(smallest, "ML"), "failed"]),
        "SepMiddleShare": percent(by.loc[(middle, "ML"), "failed"], 2),
        "SepNullWorst": fixed(score, 1),
        "SepNullSizes": whole(len(null)),
        "SepNullN": whole(NULL_SHOWN),
        "SepNullTen": percent(null.set_index("n")["share"][NULL_SHOWN]),
        "SepNullTenExact": percent(null.set_index("n")["exact"][NULL_SHOWN]),
        "SepBias": fixed(by.loc[(middle, "ML"), "bias"], 2),
        "SepBiasFirth": fixed(by["bias"].xs("Firth", level="method").abs().max(), 2),
        "SepRmse": fixed(by.loc[(middle, "ML"), "RMSE"], 2),
        "SepRmseFirth": fixed(by.loc[(middle, "Firth"), "RMSE"], 2),
        "SepFirthFailed": whole(
            (by["failed"] * by["replications"]).xs("Firth", level="method").sum()
        ),
        "SepWaldSmall": percent(by.loc[(smallest, "Firth"), "coverage"]),
        "SepMlSmall": percent(by.loc[(smallest, "ML"), "coverage"]),
        "SepProfiled": whole(separation.PROFILED),
        "SepProfileLow": percent(profiles["coverage"].min()),
        "SepProfileHigh": percent(profiles["coverage"].max()),
        "SepProfileError": percent(profiles["mcse"].max()),
        "SepChecked": whole(program["replications"].iloc[0]),
        "SepCheckedN": whole(program["n"].iloc[0]),
        "SepCheckedFound": whole(program["separated"].iloc[0]),
        "SepCheckedAgree": whole(program["agree"].iloc[0]),
    }
    head = [
        r"& & \multicolumn{3}{c}{maximum likelihood, where it exists}"
        r" & \multicolumn{3}{c}{Firth} \\",
        r"\cmidrule(lr){3-5}\cmidrule(lr){6-8}",
        r"$n$ & separated & bias & RMSE & coverage & bias & RMSE & coverage \\",
    ]
    body = []
    for n in separation.SIZES:
        lost = by.loc[(n, "ML"), "failed"]
        error = math.sqrt(lost * (1 - lost) / separation.FAST)
        cells = [with_error(100 * lost, 100 * error, 2)]
        for method in ("ML", "Firth"):
            row = by.loc[(n, method)]
            cells += [with_error(row[m], row[f"{m} mcse"], 3) for m in ("bias", "RMSE")]
            cells.append(with_error(100 * row["coverage"], 100 * row["coverage mcse"], 1))
        body.append((whole(n), *cells))
    return macros, {"table_separation": tabular("rrrrrrrr", head, body)}


def times() -> Found:
    """Quoted from the kept file, and never compared."""
    path = common.RESULTS / "speed_times.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    names = list(found["single"][0]["peers"])
    many, memory = found["many"], found["memory"]
    macros = {
        "SpeedCores": whole(found["machine"]["cores"]),
        "SpeedRounds": whole(found["rounds"]),
        "SpeedLoad": fixed(found["load before"], 1),
        "SpeedManyFits": whole(many["fits"]),
        "SpeedManyN": whole(many["n"]),
        "SpeedManyK": whole(many["k"]),
        "SpeedManyMicro": whole(1e6 * many["peers"]["asymptotix"]["seconds"]),
        "SpeedData": whole(memory["data"]),
        "SpeedMemoryOurs": whole(memory["MiB"]["asymptotix"]),
    }
    last = found["single"][-1]["peers"]
    for macro, name in (("Logit", "statsmodels Logit"), ("Glm", "statsmodels GLM")):
        macros[f"Speed{macro}"] = fixed(last[name]["ratio"], 1)
        macros[f"SpeedMany{macro}"] = whole(round(many["peers"][name]["ratio"]))
        macros[f"SpeedMemory{macro}"] = whole(memory["MiB"][name])
    rows = []
    for name in names:
        cells = [name]
        for one in found["single"]:
            peer = one["peers"][name]
            cells += [f"{peer['seconds']:.3g}", fixed(peer["ratio"], 1)]
        rows.append((*cells, whole(memory["MiB"][name])))
    sizes = [
        rf"\multicolumn{{2}}{{c}}{{${whole(o['n'])} \times {o['k']}$}}" for o in found["single"]
    ]
    rules = "".join(rf"\cmidrule(lr){{{2 * j}-{2 * j + 1}}}" for j in range(1, len(sizes) + 1))
    head = [
        "& " + " & ".join(sizes) + r" & memory \\",
        rules,
        "& " + " & ".join(["s & ratio"] * len(sizes)) + r" & MiB \\",
    ]
    return macros, {"table_speed": tabular("l" + "rr" * len(sizes) + "r", head, rows)}


def costs() -> Found:
    """What each study took, from the stamps beside the results."""
    rows, total = [], 0
    for name in STUDIES:
        stamp = json.loads(common.stamp_of(name).read_text(encoding="utf-8"))
        total += stamp["processor seconds"]
        rows.append(
            (rf"\texttt{{{name}.py}}", whole(stamp["processor seconds"]), whole(stamp["peak MiB"]))
        )
    table = tabular("lrr", [r"study & processor seconds & peak MiB \\"], rows)
    return {"CostMinutes": whole(math.ceil(total / 60))}, {"table_costs": table}


SECTIONS: tuple[Callable[[], Found], ...] = (
    settings,
    digits_of_agreement,
    linear_probability,
    interval_coverage,
    separated,
    times,
    costs,
)


def everything() -> dict[str, str]:
    """Every generated file by its name, with its text."""
    macros: dict[str, Any] = {}
    files: dict[str, str] = {}
    for section in SECTIONS:
        own, tables = section()
        macros |= own
        files |= {f"{name}.tex": text for name, text in tables.items()}
    lines = [rf"\newcommand{{\{name}}}{{{value}}}" for name, value in macros.items()]
    files["numbers.tex"] = "% made by paper/quote.py\n" + "\n".join(lines) + "\n"
    return files


def main() -> None:
    GENERATED.mkdir(exist_ok=True)
    for name, text in everything().items():
        (GENERATED / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
