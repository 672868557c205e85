"""`asx.power`: how often a test rejects, by sample size."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from asymptotix.core.typing import Key
from asymptotix.simulation.study import monte_carlo


def power(
    generate: Callable[[int], Callable],
    estimate: Callable,
    sizes: Sequence[int],
    *,
    key: Key | None = None,
    n_replications: int = 1000,
    level: float = 0.05,
    null: Any = 0.0,
    names: tuple[str, ...] | None = None,
    traced: bool = True,
) -> pd.DataFrame:
    r"""The power of Wald tests, $P(|\hat\theta - \theta_0| > q\,\mathrm{se})$, by simulation.

    Arguments:
        generate: from a sample size to a generator, such as
            `lambda n: asx.LinearBoundary(n=n, coef=[0.0, 0.3])`.
        estimate: as in `asx.monte_carlo`.
        sizes: sample sizes.
        key: such as `jax.random.key(0)`.
        n_replications: data sets of each size.
        level: of the test.
        null: $\theta_0$, the values tested.
        names, traced: as in `asx.monte_carlo`.

    Returns:
        One row a size and term: `n`, `term`, `power` and its Monte-Carlo error `mcse`.
    """
    cells = {str(n): generate(int(n)) for n in sizes}
    study = monte_carlo(
        cells,
        estimate,
        n_replications,
        key=key,
        null=null,
        names=names,
        confidence=1 - level,
        traced=traced,
    )
    frame: Any = study.frame
    chosen = frame["measure"] == "rejection"
    columns = {"n": "cell", "term": "term", "power": "value", "mcse": "mcse"}
    found = {name: frame[column][chosen].to_numpy() for name, column in columns.items()}
    return pd.DataFrame({**found, "n": found["n"].astype(int)})
