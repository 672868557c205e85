"""What the search for separation costs: nothing on clean data; its own time where it is asked for.

Aims: a fit of clean data takes at most 2 % longer with the diagnosis than without it;
`asx.detect_separation` takes no longer than ten fits at n = 100,000 and k = 10.

    python benchmarks/separation.py
"""

import warnings

import numpy as np
import pandas as pd

import asymptotix as asx
from _timing import alternate, short
from asymptotix.fitting import separated as separated_fits

SIZES = ((1_000, 5), (10_000, 10), (100_000, 10))
ROUNDS = 21


def data(n: int, k: int) -> pd.DataFrame:
    rng = np.random.default_rng(n + k)
    x = rng.standard_normal((n, k))
    y = (rng.random(n) < 1 / (1 + np.exp(-x @ np.full(k, 0.3)))).astype(float)
    return pd.DataFrame(x, columns=[f"x{j}" for j in range(k)]).assign(y=y)


def with_group(frame: pd.DataFrame) -> pd.DataFrame:
    """A group of a hundredth of the rows has the event always."""
    group = np.arange(len(frame)) % 100 == 0
    return frame.assign(g=group * 1.0, y=np.where(group, 1.0, frame["y"]))


def undiagnosed(fit, model, rows):
    return fit


def diagnosis(frame: pd.DataFrame):
    """Fits of arrays with and without the diagnosis at their end."""
    x = np.column_stack([np.ones(len(frame)), frame.drop(columns="y")])
    y, model, asked = frame["y"].to_numpy(), asx.Logit(x.shape[1]), separated_fits.diagnosed

    def without():
        separated_fits.diagnosed = undiagnosed
        try:
            asx.fit(model, x, y)
        finally:
            separated_fits.diagnosed = asked

    return alternate(lambda: asx.fit(model, x, y), without, ROUNDS, warm=3)


def main() -> None:
    for n, k in SIZES:
        frame = data(n, k)
        formula = "y ~ " + " + ".join(c for c in frame if c != "y")
        found = diagnosis(frame)
        print(f"n = {n:,}, k = {k}")
        print(f"  clean fit {short(found.ours)}, {100 * (found.ratio - 1):+.1f} % by the diagnosis")
        rounds = 5 if n < 100_000 else 3
        for what, given, terms in (
            ("clean", frame, formula),
            ("separated", with_group(frame), f"{formula} + g"),
        ):
            search = alternate(
                lambda d=given, f=terms: asx.detect_separation(f, d),
                lambda d=given, f=terms: asx.logit(f, d),
                rounds,
            )
            print(
                f"  {what}: detect_separation {short(search.ours)}, formula fit "
                f"{short(search.theirs)}, ratio {search.ratio:.2f}"
            )


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", asx.FitWarning)
        main()
