"""The wild (score, multiplier) bootstrap: tests that hold with few clusters."""

import dataclasses
import math
from typing import Any

import equinox as eqx
import numpy as np

from asymptotix.core.errors import InputError, close_matches, whole_number
from asymptotix.core.linalg import inverse_from_factor, triangular_factor
from asymptotix.core.precision import double
from asymptotix.covariances.draws import entropy
from asymptotix.covariances.fingerprint import check_fingerprint, with_working_dispersion
from asymptotix.covariances.passes import Passes, information_sums
from asymptotix.data.groups import Grouping, grouping, held, refuse_missing, select_groups
from asymptotix.data.rows import Rows
from asymptotix.fitting import Fit
from asymptotix.inference.hypotheses import LinearHypothesis, linear_hypothesis
from asymptotix.inference.joint import refuse_omitted
from asymptotix.inference.record import shown_p
from asymptotix.inference.restricted import restricted_maximum, working_restrictions
from asymptotix.inference.wild_draws import LAWS, drawn, enumerated
from asymptotix.inference.wild_sums import Replicated, units_of
from asymptotix.likelihood import declares_expected
from asymptotix.model import layout

TIE = 1e-9
"""Statistics that differ by less, relatively, are equal: of some draws they are so exactly."""
COARSE = 100
"""With fewer distinct statistics than this, a p-value has few values to take."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class BootstrapTest:
    """A test whose p-value comes from replicates of its statistic under the hypothesis.

    Attributes:
        name: which test.
        hypothesis: what holds under the null.
        statistic: its value; NaN where it is withheld, for the reason in `note`.
        df: the number of restrictions.
        p: share of replicates that are as large, the data's own among them.
        p_error: Monte-Carlo standard error of `p`; 0 where all draws there are were made.
        replicates: the statistic of each draw.
        note: how they were drawn, and what a reader must know besides.
    """

    name: str
    hypothesis: str
    statistic: float
    df: int
    p: float
    p_error: float
    replicates: np.ndarray
    note: str = ""

    @property
    def log_p(self) -> float:
        """Logarithm of the p-value."""
        return math.log(self.p) if self.p > 0 else self.p

    def __str__(self) -> str:
        error = f" (Monte-Carlo error {self.p_error:.1g})" if self.p_error > 0 else ""
        return (
            f"{self.name} of {self.hypothesis}\n"
            f"Wald = {self.statistic:.4f}, {shown_p(self.log_p)}{error}\n{self.note}"
        )

    __repr__ = __str__


def wild_bootstrap_test(
    fit: Fit,
    rows: Rows,
    hypothesis: Any,
    n_replications: int = 999,
    *,
    key: Any = None,
    cluster: Any = None,
    weights: str = "rademacher",
) -> BootstrapTest:
    r"""The wild bootstrap of a linear hypothesis, by its scores (Kline and Santos 2012).

    Scores $s_g$ at the maximum under $R\theta = r$ are multiplied by random $w_g$ of mean 0 and
    variance 1. With $I$ the information there, each draw has a Wald statistic of its own: of the
    step $R I^{-1} \sum_g w_g s_g$, with the robust covariance of the scores after that step,
    $w_g s_g - I_g I^{-1} \sum_h w_h s_h$. All $w_g = 1$ give the statistic of the data: in a
    linear regression the robust Wald statistic itself, so that the test is the wild cluster
    bootstrap-t with the null imposed (Cameron, Gelbach and Miller 2008); otherwise that of one
    Newton step from the restricted maximum (MacKinnon, Nielsen and Webb 2025). Nothing is fitted
    again but the restricted model, once.

    Arguments:
        fit: the unrestricted maximum.
        rows: its rows.
        hypothesis: as in `Results.wald_test`, with the names of the model's layout; not a function.
        n_replications: draws. $p = (1 + \#\{W_b \ge W\})/(1 + B)$.
        key: of `jax.random`; the same key gives the same numbers.
        cluster: rows of one cluster share a draw: a name among the rows' groups, or identifiers.
            Rows are independent if not given.
        weights: `"rademacher"` (signs; where there are no more than `n_replications` combinations
            all are taken, once each), `"webb"` (six values, for fewer than about ten clusters) or
            `"mammen"` (skewed).

    Raises:
        InputError: no key, unknown names or options, a penalised fit or one without a maximum,
            rows that are not the fit's.
    """
    _check(fit, rows, n_replications, weights, cluster)
    seed = entropy(key)
    names = layout(fit.model).names
    parsed = linear_hypothesis(hypothesis, names)
    refuse_omitted(parsed, np.asarray(fit.active), names)
    one = None if cluster is None else _clusters(rows, cluster)
    count = int(rows.present.sum()) if one is None else one.size
    _refuse_few(parsed, count, cluster)
    label = "" if cluster is None else (cluster if isinstance(cluster, str) else "groups")
    with double():
        check_fingerprint(fit, rows)
        unit = with_working_dispersion(fit)
        at = restricted_maximum(unit, rows, parsed)
        if at is None:
            return _withheld(parsed, "The restricted model has no maximum that was found.")
        there = eqx.tree_at(lambda f: f.params, unit, at)
        few = one is not None and count < 31
        every = few and weights == "rademacher" and 2**count <= n_replications
        total = 2**count if every else int(n_replications)

        def draws(part: int, size: int):
            return enumerated(total, size) if every else drawn(weights, seed, part, total, size)

        found = _statistics(there, rows, parsed, one, total, draws)
    if found is None:
        return _withheld(parsed, "The information under the hypothesis is not positive definite.")
    if not np.isfinite(found[0]):
        return _withheld(parsed, "The robust covariance of these restrictions is singular.")
    factor = _small_sample(fit, None if one is None else count)
    return _record(parsed, found / factor, every, weights, (count, label))


def _statistics(there: Fit, rows: Rows, parsed, one, total: int, draws) -> np.ndarray | None:
    """The statistic of the data, then those of all draws; `draws(part, size)` has their signs."""
    active = np.asarray(there.active)
    known = declares_expected(there.model)
    for curvature in ("expected", "observed") if known else ("observed",):
        matrix = np.asarray(information_sums(there, rows, curvature))
        factor = np.asarray(triangular_factor(matrix, active))
        if np.isfinite(factor).all():
            break
    else:
        return None
    inverse = np.where(active[:, None] & active, inverse_from_factor(factor), 0.0)
    lever = working_restrictions(there, parsed) @ inverse
    sums = Replicated(total + 1, len(lever), len(active))
    for part, units in enumerate(units_of(Passes(there, rows), curvature, lever, one)):
        size = len(units.scores)
        sums.add(units, lever, _after_the_data(draws(part, size), size))
    return sums.statistics(lever, inverse)


def _after_the_data(draws, size: int):
    """The same replicates one place further, behind multipliers of 1."""
    yield slice(0, 1), np.ones((1, size))
    for where, w in draws:
        yield slice(where.start + 1, where.stop + 1), w


def _record(parsed, statistics, every: bool, weights: str, drawn_over) -> BootstrapTest:
    value, replicates = float(statistics[0]), statistics[1:]
    above, total = int(np.sum(replicates >= value * (1 - TIE))), len(replicates)
    p = above / total if every else (1 + above) / (1 + total)
    error = 0.0 if every else math.sqrt(p * (1 - p) / total)
    note = _note(replicates, every, weights, *drawn_over)
    return BootstrapTest(
        _NAME, parsed.text, value, len(parsed.matrix), p, error, replicates, note
    )  # fmt: skip


_NAME = "Wild bootstrap test"


def _note(replicates, every: bool, weights: str, count: int, label: str) -> str:
    total = len(replicates)
    units = f"{count} clusters of {label}" if label else f"{count} rows"
    how = f"All {total} draws" if every else f"{total} draws"
    note = f"{how} of {weights.capitalize()} weights over {units}, the hypothesis imposed."
    if weights == "rademacher" and label and count < 31 and 2 ** (count - 1) < COARSE:
        note += (
            f" So few clusters have {2 ** (count - 1)} distinct draws, and p is no smaller than "
            f"{2.0 ** (1 - count):.3g}; weights='webb' have more."
        )
    singular = int(np.isinf(replicates).sum())
    if singular:
        note += f" {singular} draws have no variance and count as large."
    return note


def _withheld(parsed: LinearHypothesis, why: str) -> BootstrapTest:
    nothing = np.empty(0)
    return BootstrapTest(
        _NAME, parsed.text, np.nan, len(parsed.matrix), np.nan, np.nan, nothing, why
    )  # fmt: skip


def _small_sample(fit: Fit, clusters: int | None) -> float:
    """CR1's factor, or HC1's for single rows: no p-value depends on it."""
    n, k = float(fit.n), int(np.asarray(fit.active).sum())
    if clusters is None:
        return n / (n - k)
    return clusters / (clusters - 1) * (n - 1) / (n - k)


def _check(fit: Fit, rows: Any, n_replications: int, weights: str, cluster) -> None:
    if not isinstance(rows, Rows):
        raise InputError(
            "A wild bootstrap test needs all rows at once, and a stream does not hold them; read "
            "the columns into memory.",
            code="stream",
        )
    if weights not in LAWS:
        raise InputError(
            f"weights={weights!r} is not known; use one of {', '.join(LAWS)}."
            f"{close_matches(str(weights), LAWS)}",
            code="option",
        )
    whole_number(n_replications, "n_replications", 1)
    if fit.penalty is not None or not bool(fit.converged):
        problem = "is penalised" if fit.penalty is not None else f"is {fit.status_name}"
        raise InputError(
            f"A wild bootstrap test needs a maximum of the likelihood, and the fit {problem}; "
            "fit by maximum likelihood.",
            code="not_converged" if fit.penalty is None else "penalised",
        )
    if fit.weight_kind == "frequency" and cluster is None:
        raise InputError(
            "Under frequency weights each observation would have its own draw, and a row stands "
            "for several; repeat the rows, or pass cluster=.",
            code="weight_kind",
            column="weights",
        )


def _clusters(rows: Rows, cluster: Any) -> Grouping:
    ((label, codes),) = select_groups(rows.groups, (held(cluster),), rows.n).items()
    refuse_missing(codes, rows.present, label)
    return grouping(codes, rows.present, apart=False)


def _refuse_few(parsed: LinearHypothesis, count: int, cluster) -> None:
    q = len(parsed.matrix)
    if count == 1:
        raise InputError(
            "There is one cluster only, from which no variance can be learnt; use a finer "
            "grouping.",
            code="clusters",
        )
    if count <= q:
        what = "clusters" if cluster is not None else "rows"
        raise InputError(
            f"{count} {what} cannot show the variance of {q} restrictions at once; use a finer "
            "grouping, or fewer restrictions.",
            code="clusters",
        )
