"""A session of twenty different formulas, k from 3 to 12, n = 2,000, in one process.

Aim: after the first three fits, no more in all than the same through `statsmodels.formula.api`,
and nothing compiled whose columns fall into a size seen before.

    python benchmarks/session.py
"""

import jax
import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

import asymptotix as asx
from _timing import seconds, short

N, WIDEST = 2_000, 12
COMPILED = "/jax/core/compile/backend_compile_duration"


def data() -> pd.DataFrame:
    rng = np.random.default_rng(42)
    frame = pd.DataFrame(rng.standard_normal((N, WIDEST)), columns=[f"x{j}" for j in range(WIDEST)])
    frame["y"] = (rng.random(N) < 1 / (1 + np.exp(-frame["x0"] + 0.5 * frame["x1"]))) * 1
    return frame


def formulas(count: int = 20) -> list[str]:
    """Different columns each, the number of coefficients going up and down between 3 and 12."""
    rng = np.random.default_rng(0)
    sizes = [3 + (7 * i) % 10 for i in range(count)]
    chosen = [rng.choice(WIDEST, k - 1, replace=False) for k in sizes]
    return ["y ~ " + " + ".join(f"x{j}" for j in sorted(columns)) for columns in chosen]


def main() -> None:
    frame, compiled = data(), []

    def listen(event, *_, **__):
        if event == COMPILED:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    ours, theirs, counts = [], [], []
    for formula in formulas():
        before = len(compiled)
        ours.append(seconds(lambda f=formula: str(asx.logit(f, frame).summary())))
        theirs.append(seconds(lambda f=formula: str(smf.logit(f, frame).fit(disp=False).summary())))
        counts.append(len(compiled) - before)
    print(f"{len(ours)} formulas with summary, k from 3 to 12, n = {N:,}, one process")
    print(f"all: {short(sum(ours))}, statsmodels {short(sum(theirs))}")
    print(
        f"after the first three: {short(sum(ours[3:]))}, statsmodels {short(sum(theirs[3:]))}: "
        f"ratio {sum(ours[3:]) / sum(theirs[3:]):.2f}"
    )
    print(f"programs compiled by each: {' '.join(map(str, counts))}")


if __name__ == "__main__":
    main()
