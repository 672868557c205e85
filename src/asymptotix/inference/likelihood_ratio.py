"""Likelihood-ratio tests of nested fits, and the table that sets three tests side by side."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError, close_matches
from asymptotix.core.reference import Chi2, F
from asymptotix.data.rows import Rows
from asymptotix.inference.hypotheses import LinearHypothesis, linear_hypothesis
from asymptotix.inference.joint import joint_reference, wald_restrictions
from asymptotix.inference.nesting import Nested, nested
from asymptotix.inference.record import HypothesisTest, upper_tail
from asymptotix.inference.refusals import require_likelihood, require_results
from asymptotix.inference.restricted import penalised_drop
from asymptotix.inference.score import score_test

TESTS = ("LR", "score", "Wald")


def lr_test(small: Any, large: Any, data: Any = None) -> HypothesisTest:
    r"""$2(\ell_{large} - \ell_{small})$ of nested fits, referred to chi2 (Wilks 1938).

    Where the dispersion is a moment estimate: $(D_{small} - D_{large})/(q\hat\phi_{large})$,
    referred to $F(q, n - k)$ of the large model. Of fits with one and the same penalty that has
    an objective (`asx.Jeffreys()` and priors): the fall of the large model's penalised
    log-likelihood from its maximum to that under the hypothesis (Heinze and Schemper 2002).

    Arguments:
        small, large: results of the same rows, the first nested in the second.
        data: the data again, where the fits were made with `keep_data=False`.

    Raises:
        InputError: the models are not nested, other rows, or no likelihood to be compared
            (robust covariance, sampling weights, quasi-likelihood, different penalties).
    """
    for res in (small, large):
        require_results(res)
        require_likelihood(res, "A likelihood-ratio test", penalised=True)
    return _likelihood_ratio(small, large, nested(small, large, _rows_from(data)))


def _likelihood_ratio(small: Any, large: Any, pair: Nested) -> HypothesisTest:
    text = f"{small.spec.formula} within {large.spec.formula}"
    _same_penalty(small, large)
    if large.fit.penalty is not None:
        return _penalised_ratio(large, pair, text)
    if large.model.family.dispersion_rule != "moment":
        return upper_tail("Likelihood-ratio test", text, _gain(small, large), Chi2(pair.q), note="")
    law = joint_reference(large.reference, pair.q)
    scaled = max(small.deviance - large.deviance, 0.0) / large.scale
    statistic = scaled / pair.q if isinstance(law, F) else scaled
    return upper_tail("Likelihood-ratio test", text, statistic, law, note="")


def _penalised_ratio(large: Any, pair: Nested, text: str) -> HypothesisTest:
    drop = penalised_drop(large.fit, pair.large, _restrictions(large, pair)) / large.scale
    law = joint_reference(large.reference, pair.q)
    label = large.fit.penalty.penalty.label
    note = f"Of the larger model's penalised likelihood ({label})."
    statistic = drop / pair.q if isinstance(law, F) else drop
    return upper_tail("Penalised likelihood-ratio test", text, statistic, law, note=note)


def _same_penalty(small: Any, large: Any) -> None:
    ours, theirs = (res.fit.penalty and res.fit.penalty.penalty for res in (small, large))
    if not eqx.tree_equal(ours, theirs):
        told = [p.label if p is not None else "no penalty" for p in (ours, theirs)]
        raise InputError(
            f"The fits have different penalties ({told[0]}; {told[1]}), so that they do not "
            "maximise the same thing; fit both with the same penalty=.",
            code="penalised",
        )


def _restrictions(large: Any, pair: Nested) -> LinearHypothesis:
    """What the small model says of the large one's parameters."""
    active = np.flatnonzero(np.asarray(large.fit.active))[: pair.restrictions.shape[1]]
    matrix = np.zeros((pair.q, len(large.names)))
    matrix[:, active] = pair.restrictions
    return linear_hypothesis(matrix, large.names)


def _gain(small: Any, large: Any) -> float:
    # Of two equal maxima, rounding may put the smaller model's first.
    return max(2 * (large.llf - small.llf), 0.0)


def _rows_from(data: Any) -> Callable[[Any], Rows]:
    return lambda res: res.rows(data)


@dataclasses.dataclass(frozen=True, repr=False)
class Anova:
    """Nested models compared one with the next, by several tests.

    Attributes:
        formulas: of the models, from the smallest.
        df_resid, log_likelihood, deviance: one number a model.
        tests: for each step from one model to the next, the tests by name.
    """

    formulas: tuple[str, ...]
    df_resid: tuple[float, ...]
    log_likelihood: tuple[float, ...]
    deviance: tuple[float, ...]
    tests: tuple[dict[str, HypothesisTest], ...]

    def frame(self) -> pd.DataFrame:
        """One row a model: its fit, and for each test statistic, p-value and its logarithm."""
        columns: dict[str, Sequence[float]] = {
            "df_resid": self.df_resid,
            "log_likelihood": self.log_likelihood,
            "deviance": self.deviance,
            "df": [np.nan, *(next(iter(step.values())).df for step in self.tests)],
        }
        for name in self.tests[0]:
            found = [step[name] for step in self.tests]
            columns[name] = [np.nan, *(t.statistic for t in found)]
            columns[f"{name} p"] = [np.nan, *(t.p for t in found)]
            columns[f"{name} log_p"] = [np.nan, *(t.log_p for t in found)]
        return pd.DataFrame(columns, index=pd.Index(self.formulas, name="model"))

    def __str__(self) -> str:
        shown = self.frame().drop(columns=[f"{name} log_p" for name in self.tests[0]])
        formulas = [f"Model {i}: {text}" for i, text in enumerate(self.formulas, start=1)]
        shown.index = pd.Index(range(1, len(formulas) + 1), name="model")
        laws = ", ".join(f"{n} {t.reference.label}" for n, t in self.tests[-1].items())
        table = shown.to_string(float_format=lambda v: f"{v:.4g}", na_rep="")
        notes = dict.fromkeys(f"{n}: {t.note}" for s in self.tests for n, t in s.items() if t.note)
        return "\n".join([*formulas, table, f"References of the last step: {laws}", *notes])

    __repr__ = __str__


def anova(*models: Any, test: str | Sequence[str] = TESTS, data: Any = None) -> Anova:
    """Nested models, each compared with the one before it.

    LR as in `lr_test`; score (Rao) at the smaller fit with expected information and that fit's
    dispersion; Wald in the larger fit with its own covariance.

    Arguments:
        models: results, from the smallest to the largest.
        test: some of `"LR"`, `"score"`, `"Wald"`.
        data: the data again, where the fits were made with `keep_data=False`.

    Raises:
        InputError: as in `lr_test`; fewer than two models; an unknown test.
    """
    wanted = (test,) if isinstance(test, str) else tuple(test)
    _check(models, wanted)
    rows = _rows_from(data)
    steps = []
    for small, large in itertools.pairwise(models):
        pair = nested(small, large, rows)
        compute = {"LR": _likelihood_ratio, "score": _score, "Wald": _wald}
        steps.append({name: compute[name](small, large, pair) for name in wanted})
    return Anova(
        tuple(m.spec.formula for m in models),
        tuple(m.df_resid for m in models),
        tuple(m.llf for m in models),
        tuple(m.deviance for m in models),
        tuple(steps),
    )


def _check(models, wanted) -> None:
    for res in models:
        require_results(res)
    if len(models) < 2:
        raise InputError("anova compares at least two models.", code="arguments")
    for name in wanted:
        if name not in TESTS:
            raise InputError(
                f"Test {name!r} is not known; use some of {', '.join(TESTS)}."
                f"{close_matches(name, TESTS)}",
                code="option",
            )
    if not wanted:
        raise InputError(f"Name at least one of {', '.join(TESTS)}.", code="option")
    for res in models:
        if {"LR", "score"} & set(wanted):
            lr_only = "score" not in wanted
            require_likelihood(res, "A likelihood-ratio or score test", penalised=lr_only)
        if "score" in wanted and res.model.predictor.has_vector_eta():
            raise InputError(
                "The score test is for a predictor of one component; say test=('LR', 'Wald').",
                code="vector_predictor",
            )


def _score(small: Any, large: Any, pair: Nested) -> HypothesisTest:
    return score_test(small.fit, pair.small, np.asarray(pair.large.x))


def _wald(small: Any, large: Any, pair: Nested) -> HypothesisTest:
    zero = _restrictions(large, pair)
    return wald_restrictions(large.params, large.covariance, zero, large.reference, large.names)
