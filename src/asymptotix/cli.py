"""The command line: `asymptotix fit`, `demo`, `validate` and `bench`."""

import argparse
import contextlib
import gc
import json
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asymptotix as asx

MODELS = ("logit", "probit", "lpm", "linear", "poisson", "glm")
BENCHMARKS = Path(asx.__file__).parents[2] / "benchmarks"


def main(arguments: list[str] | None = None, cases: Iterable[Any] | None = None) -> int:
    """Run a command and return its exit status.

    Arguments:
        arguments: the words after `asymptotix`; those of the process by default.
        cases: what `validate` runs over; everything that ships by default.

    Returns:
        0, 1 where a fit or a comparison failed, 2 for bad input.
    """
    options = _parser().parse_args(arguments)
    options.cases = cases
    if arguments is None and not options.no_cache:  # the process is ours
        _cache()
    try:
        return options.run(options)
    except (asx.InputError, OSError) as error:
        print(f"asymptotix: {error}", file=sys.stderr)
        return 2
    finally:
        if arguments is None:  # Python looks through all there is for garbage before it ends
            gc.freeze()


def _cache() -> None:
    """Keep compiled programs, unless JAX was told where or there is no folder for them."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        with contextlib.suppress(asx.InputError):
            asx.cache()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="asymptotix", description="Estimates and their uncertainty, from a formula."
    )
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="compile anew; otherwise compiled programs are kept among your cached files",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    fit = commands.add_parser("fit", help="fit a model to a CSV or Parquet file")
    _add_fit_options(fit)
    fit.set_defaults(run=_fit)
    demo = commands.add_parser("demo", help="three models on real data, beside statsmodels")
    demo.set_defaults(run=_demo)
    validate = commands.add_parser("validate", help="every model against statsmodels")
    validate.add_argument("--only", metavar="PATTERN", help='such as probit or "mroz*logit"')
    validate.add_argument("--html", metavar="FILE", help="write a self-contained page there too")
    validate.add_argument("--json", metavar="FILE", help="write every comparison there too")
    validate.set_defaults(run=_validate)
    bench = commands.add_parser("bench", help="run the benchmarks of a source checkout")
    bench.add_argument("names", nargs="*", metavar="NAME", help="scripts; all of them by default")
    bench.set_defaults(run=_bench)
    return parser


def _add_fit_options(fit: argparse.ArgumentParser) -> None:
    fit.add_argument("data", help="path of a .csv or .parquet file")
    fit.add_argument("formula", help='such as "y ~ x1 + C(g)"')
    fit.add_argument("--model", choices=MODELS, help="logit where no --family is given")
    fit.add_argument("--family", help="such as negative-binomial; a wrong name lists all")
    fit.add_argument("--link", help="of the family, such as cloglog; its default otherwise")
    fit.add_argument("--trials", metavar="COL", help="trials of a grouped binomial response")
    fit.add_argument(
        "--cov", help="observed, expected, opg or HC0 to HC5; CR0 to CR3 with --cluster"
    )
    fit.add_argument(
        "--cluster",
        metavar="COL",
        action="append",
        help="cluster-robust errors by this column; give it again for several",
    )
    fit.add_argument("--weights", metavar="COL")
    fit.add_argument("--weight-kind", help="frequency, precision or sampling; with --weights")
    fit.add_argument("--offset", metavar="COL")
    fit.add_argument("--confidence", type=float, default=0.95)
    fit.add_argument(
        "--trust-formula",
        action="store_true",
        help="let the formula be any Python expression; otherwise the formula language only",
    )
    fit.add_argument(
        "--report", metavar="FILE", help="write a page with tables and pictures there (.html)"
    )
    fit.add_argument("--json", metavar="FILE", help="write estimates and statistics there too")


# --- fit --------------------------------------------------------------------------------


def _fit(options) -> int:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        verb, keywords = _model(options)
        for name in ("trials", "weights", "weight_kind", "offset", "confidence"):
            if getattr(options, name) is not None:
                keywords[name] = getattr(options, name)
        keywords["safe"] = not options.trust_formula
        res = verb(
            options.formula,
            _source(options.data, options.formula),
            **keywords,
            **_covariance(options),
        )
    for warning in said:
        print(f"asymptotix: {warning.message}", file=sys.stderr)
    print(res.summary())
    _write_json(options.json, lambda: _as_json(res))
    if options.report:
        res.report(options.report)
    return 0 if res.converged else 1


def _model(options) -> tuple[Any, dict[str, Any]]:
    """The verb of the package, with the family where one is named."""
    if options.family is None:
        if options.link is not None:
            raise asx.InputError("--link needs --family, such as --family bernoulli.", code="link")
        if options.model == "glm":
            raise asx.InputError("--model glm needs --family, such as poisson.", code="family")
        return getattr(asx, options.model or "logit"), {}
    if options.model not in (None, "glm"):
        raise asx.InputError(
            f"--model {options.model} has a family already; leave out --model or --family.",
            code="family",
        )
    return asx.glm, {"family": _family(options.family, options.link)}


def _family(name: str, link: str | None):
    from asymptotix import families, links

    known = _by_name(families, families.AbstractFamily)
    # several predictors need several formulas, and those do not fit one argument
    known = {name: family for name, family in known.items() if not family.eta_names}
    family = _looked_up(known, name, "family")
    if link is None:
        return family()
    if "link" not in family.__dataclass_fields__:
        raise asx.InputError(f"Family {name} has no link to choose; leave out --link.", code="link")
    chosen = _by_name(links, links.AbstractLink)
    chosen.pop("power", None)  # which power?
    return family(link=_looked_up(chosen, link, "link")())


def _by_name(package, base: type) -> dict[str, Any]:
    """The concrete classes that a package hands on, by their names with hyphens."""
    classes = (getattr(package, name) for name in package.__all__)
    return {
        c.name.replace(" ", "-").replace("_", "-"): c
        for c in classes
        if issubclass(c, base) and isinstance(getattr(c, "name", None), str)
    }


def _looked_up(known: dict[str, Any], name: str, what: str):
    found = known.get(name.lower().replace("_", "-"))
    if found is None:
        raise asx.InputError(
            f"There is no {what} {name!r}; use one of {', '.join(sorted(known))}.", code=what
        )
    return found


def _source(path: str, formula: str):
    """The file, which says in one sentence when it is not what its name says."""
    from asymptotix.data.frames import Source, open_source
    from asymptotix.data.plain import is_bare_sum

    if is_bare_sum(formula, path):  # nothing of it can fail to be read
        return path
    with _readable(path):
        source = open_source(path)

    def load(wanted):
        with _readable(path):
            return source.load(wanted)

    return Source(source.names, load)


@contextlib.contextmanager
def _readable(path: str):
    """Parsers raise `ValueError`s of many kinds."""
    try:
        yield
    except asx.InputError:
        raise
    except ValueError as error:
        raise asx.InputError(f"'{path}' cannot be read: {error}", code="file") from error


def _covariance(options) -> dict[str, Any]:
    if options.cluster:
        correction = {} if options.cov is None else {"correction": options.cov}
        return {"cov": asx.Cluster(*options.cluster, **correction)}
    return {} if options.cov is None else {"cov": options.cov}


def _as_json(res) -> dict[str, Any]:
    """Estimates and statistics with broom's names; what does not exist is null."""
    return {
        "formula": res.inputs.formula,
        "status": res.status,
        "conventions": res.conventions,
        "coefficients": _records(res.tidy()),
        "model": _records(res.glance())[0],
    }


def _records(frame) -> list[dict[str, Any]]:
    def told(value):
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [{k: told(v) for k, v in row.items()} for row in frame.to_dict(orient="records")]


def _write_json(path: str | None, content) -> None:
    if path:
        text = json.dumps(content(), indent=1, allow_nan=False)
        Path(path).write_text(text + "\n", encoding="utf-8")


# --- the other commands -----------------------------------------------------------------


def _demo(options) -> int:
    del options
    from asymptotix import demo

    demo.main()
    return 0


def _validate(options) -> int:
    from asymptotix import validation

    found = validation.validate(options.cases, options.only, _progress)
    _progress("")
    print(validation.table(found))
    if options.html:
        Path(options.html).write_text(validation.page(found), encoding="utf-8")
    _write_json(options.json, lambda: validation.as_json(found))
    return 0 if validation.passed(found) else 1


def _progress(text: str) -> None:
    """One line on a terminal, written over."""
    if sys.stderr.isatty():
        print(f"\r{text:<78.78}", end="\r", file=sys.stderr, flush=True)


def _bench(options) -> int:
    """Run scripts of a source checkout; `agreement.py` is left to `make readme`."""
    scripts = {p.stem: p for p in sorted(BENCHMARKS.glob("[!_]*.py")) if p.stem != "agreement"}
    if not scripts:
        raise asx.InputError(
            "The benchmarks do not ship with the package; they are in the folder benchmarks/ of "
            "its source code, where 'make bench' runs them.",
            code="benchmarks",
        )
    chosen = [_looked_up(scripts, name, "benchmark") for name in options.names or scripts]
    return max(int(subprocess.call([sys.executable, path]) != 0) for path in chosen)


if __name__ == "__main__":
    sys.exit(main())
