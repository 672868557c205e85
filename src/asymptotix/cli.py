"""The command line: `asymptotix fit`, `asymptotix demo`."""

import argparse
import json
import sys
import warnings

MODELS = ("logit", "probit", "lpm", "linear", "poisson")


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 1 where a fit failed, 2 for bad input."""
    options = _parser().parse_args(arguments)
    return options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="asymptotix", description="Estimates and their uncertainty, from a formula."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    fit = commands.add_parser("fit", help="fit a model to a CSV or Parquet file")
    fit.add_argument("data", help="path of a .csv or .parquet file")
    fit.add_argument("formula", help='such as "y ~ x1 + C(g)"')
    fit.add_argument("--model", choices=MODELS, default="logit")
    fit.add_argument("--cov", help="observed, expected, opg, HC0 or HC1")
    fit.add_argument("--confidence", type=float, default=0.95)
    fit.add_argument("--json", metavar="FILE", help="write estimates and statistics there too")
    fit.set_defaults(run=_fit)
    demo = commands.add_parser("demo", help="three models on real data, beside statsmodels")
    demo.set_defaults(run=_demo)
    return parser


def _fit(options) -> int:
    import asymptotix as asx

    model = getattr(asx, options.model)
    cov = {} if options.cov is None else {"cov": options.cov}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            res = model(options.formula, options.data, confidence=options.confidence, **cov)
        except asx.InputError as error:
            print(f"asymptotix: {error}", file=sys.stderr)
            return 2
    for warning in said:
        print(f"asymptotix: {warning.message}", file=sys.stderr)
    print(res.summary())
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(_as_json(res), file, indent=1)
    return 0 if res.converged else 1


def _as_json(res) -> dict:
    """Estimates and statistics with broom's names; what does not exist is null."""

    def records(frame):
        return json.loads(frame.to_json(orient="records", double_precision=15))

    return {
        "formula": res.inputs.formula,
        "status": res.status,
        "conventions": res.conventions,
        "coefficients": records(res.tidy()),
        "model": records(res.glance())[0],
    }


def _demo(options) -> int:
    del options
    from asymptotix import demo

    demo.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
