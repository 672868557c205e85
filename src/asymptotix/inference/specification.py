"""Specification tests: is the link right, are terms missing, is the variance that of the model?

Each is a function of a `Results`; `Results` offers them as methods of the same names.
"""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from asymptotix.core.errors import CollinearWarning, InputError, whole_number
from asymptotix.core.precision import double
from asymptotix.core.reference import Chi2, Normal
from asymptotix.covariances import covariance, reference_of
from asymptotix.data.rows import Rows
from asymptotix.fitting import Newton
from asymptotix.fitting.host import fit as fit_rows
from asymptotix.inference.hypotheses import linear_hypothesis
from asymptotix.inference.information_matrix import information_matrix_statistic
from asymptotix.inference.joint import WITHHELD, joint_reference, wald_restrictions
from asymptotix.inference.record import HypothesisTest, upper_tail
from asymptotix.inference.refusals import require_converged, require_likelihood, require_unpenalised
from asymptotix.model import Regression, layout
from asymptotix.predictors import Linear


def link_test(res: Any, data: Any = None) -> HypothesisTest:
    r"""Pregibon's link test: does $\hat\eta^2$ explain what $\hat\eta$ leaves (Pregibon 1980)?

    The response is fitted again on a constant, $\hat\eta$ (offset included) and $\hat\eta^2$; the
    test is Wald's of the last coefficient, with this result's kind of covariance.

    Arguments:
        res: a `Results`.
        data: the data again, where the fit was made with `keep_data=False`.
    """
    require_unpenalised(res, "The link test")
    rows = res.rows(data)
    eta = predictor(res, rows)
    design = np.column_stack([np.ones(rows.n), eta, eta**2])
    alone = eqx.tree_at(lambda r: r.offset, rows, None, is_leaf=lambda v: v is None)
    text = "no effect of the squared predictor (link test)"
    return _refitted(res, alone, design, 1, text)


def reset_test(res: Any, powers: int | Sequence[int] = (2, 3), data: Any = None) -> HypothesisTest:
    r"""RESET: do powers of $\hat\eta$ belong in the model (Ramsey 1969)?

    The model is fitted again with the powers added; the test is Wald's of their coefficients,
    with this result's kind of covariance (F with classical errors of a linear model).

    Arguments:
        res: a `Results`.
        powers: of the predictor, offset included; whole numbers from 2.
        data: the data again, where the fit was made with `keep_data=False`.
    """
    require_unpenalised(res, "RESET")
    _refuse_nonlinear(res)
    wanted = [powers] if isinstance(powers, int) else list(powers)
    if not wanted or len(set(wanted)) < len(wanted):
        raise InputError(
            f"powers={powers!r} must be different powers, such as (2, 3).", code="option"
        )
    wanted = [whole_number(p, "powers", 2) for p in wanted]
    rows = res.rows(data)
    eta = predictor(res, rows)
    largest = np.max(np.abs(eta))
    unit = eta / (largest if largest > 0 else 1.0)
    x = np.asarray(rows.x, float)[:, np.asarray(res.fit.active)[: rows.x.shape[1]]]
    design = np.column_stack([x, *(unit**p for p in wanted)])
    shown = ", ".join(map(str, wanted))
    text = f"no effect of the powers {shown} of the predictor (RESET)"
    return _refitted(res, rows, design, len(wanted), text)


def _refuse_nonlinear(res: Any) -> None:
    _refuse_vector(res)
    if not isinstance(res.model.predictor, Linear):
        raise InputError(
            f"RESET adds columns to a linear predictor, and '{res.title}' has another; use "
            "link_test().",
            code="predictor",
        )


def _refitted(res: Any, rows: Rows, design, q: int, text: str) -> HypothesisTest:
    """The joint Wald test of the last `q` columns of another design."""
    rows = eqx.tree_at(lambda r: r.x, rows, design)
    model = Regression(Linear(design.shape[1]), res.model.family)
    names = [f"x{j}" for j in range(layout(model).size)]
    last = range(design.shape[1] - q, design.shape[1])
    with double(), warnings.catch_warnings():
        warnings.simplefilter("ignore", CollinearWarning)  # said below, of columns with names
        found = fit_rows(model, rows, Newton(), checked=True)
        if not bool(found.converged):
            law = joint_reference(res.reference, q)
            return upper_tail(
                "Wald test", text, np.nan, law, note=f"The refit is {found.status_name}."
            )
        spread = covariance(found, rows, res.covariance.kind)
        estimates = np.asarray(layout(model).flatten(found.model))
    reference = reference_of(found, spread, res.reference_asked)
    kept = [j for j in last if np.asarray(found.active)[j]]
    if not kept:
        raise InputError(
            f"The columns of '{res.spec.formula}' explain every power of its predictor, so that "
            "nothing is left to be tested; a model with a parameter for each of few cells is so.",
            code="nothing_added",
        )
    zero = linear_hypothesis(np.eye(len(names))[kept], names)
    zero = type(zero)(zero.matrix, zero.value, text)
    test = wald_restrictions(estimates, spread, zero, reference, names)
    if len(kept) == q or test.note:
        return test
    return dataclasses.replace(
        test, note=f"Other columns explain {q - len(kept)} of the {q} powers, left out here."
    )


def hosmer_lemeshow(res: Any, groups: int = 10, data: Any = None) -> HypothesisTest:
    r"""$\sum_g (O_g - E_g)^2 / \{E_g (1 - E_g/n_g)\}$ over groups of fitted probability.

    Groups are cut at quantiles of the fitted probabilities, as R's ResourceSelection does; the
    reference is chi2 with two degrees of freedom fewer than groups (Hosmer and Lemeshow 1980).

    Arguments:
        res: the result of a binary or grouped binomial model.
        groups: how many.
        data: the data again, where the fit was made with `keep_data=False`.
    """
    require_converged(res, "The Hosmer-Lemeshow test")
    if res.model.family.response_kind not in ("binary", "grouped"):
        counts = res.model.family.dispersion_rule == "fixed"
        remedy = "goodness_of_fit()" if counts else "reset_test() or link_test()"
        raise InputError(
            f"The Hosmer-Lemeshow test compares counts of successes, and family "
            f"{res.model.family.name} has none; use {remedy}.",
            code="family",
        )
    groups = whole_number(groups, "groups", 3)
    rows = res.rows(data)
    _refuse_weights(rows, "The Hosmer-Lemeshow test")
    mu, observed, size = _shares(res, rows)
    number = _group_numbers(mu, groups)
    used = np.unique(number).size
    n, o, e = (np.bincount(number, v) for v in (size, size * observed, size * mu))
    n, o, e = n[n > 0], o[n > 0], e[n > 0]
    statistic = float(np.sum((o - e) ** 2 / (e * (1 - e / n))))
    note = f"{used} groups. The choice of groups moves the result."
    if size.sum() > 1000:
        note += " With many observations any departure, however small, is found."
    text = "fitted probabilities as observed (Hosmer-Lemeshow)"
    return upper_tail("Goodness-of-fit test", text, statistic, Chi2(used - 2), note=note)


def _shares(res: Any, rows: Rows):
    """Fitted probability, observed share and number of trials of each row."""
    family = res.model.family
    with double():
        mu = np.asarray(res.model(rows.x, _offset(rows)))
        share = np.asarray(jax.vmap(family.response_mean)(jax.tree.map(np.asarray, rows.y)))
    trials = rows.y[1] if family.response_kind == "grouped" else np.ones(rows.n)
    weights = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights)
    return mu, share, np.asarray(trials) * weights


def _group_numbers(mu, groups: int) -> np.ndarray:
    cuts = np.unique(np.quantile(mu, np.linspace(0, 1, groups + 1)))
    if len(cuts) < 4:
        raise InputError(
            "The fitted probabilities take too few values to be grouped; use goodness_of_fit().",
            code="groups",
        )
    return np.clip(np.searchsorted(cuts, mu, side="left") - 1, 0, len(cuts) - 2)


def goodness_of_fit(res: Any, statistic: str = "pearson") -> HypothesisTest:
    r"""Pearson's $X^2$ or the deviance against chi2 with $n - k$ degrees of freedom.

    Arguments:
        res: the result of a model whose dispersion is 1.
        statistic: `"pearson"` or `"deviance"`.
    """
    require_converged(res, "A goodness-of-fit test")
    if statistic not in ("pearson", "deviance"):
        raise InputError(f"statistic={statistic!r} must be 'pearson' or 'deviance'.", code="option")
    if res.model.family.dispersion_rule != "fixed":
        raise InputError(
            f"Family {res.model.family.name} estimates its dispersion, so that the size of "
            "residuals says nothing about the fit; use reset_test() or link_test().",
            code="family",
        )
    _refuse_vector(res)
    value = res.pearson_chi2 if statistic == "pearson" else res.deviance
    note = ""
    if res.model.family.response_kind == "binary":
        note = "For single 0/1 responses chi2 is no good reference; group rows with equal x."
    text = f"the model against a saturated one ({statistic})"
    return upper_tail("Goodness-of-fit test", text, value, Chi2(res.df_resid), note=note)


def overdispersion_test(res: Any, form: str = "NB2", data: Any = None) -> HypothesisTest:
    r"""Is the variance larger than the mean (Cameron and Trivedi 1990)?

    $\{(y - \hat\mu)^2 - y\}/\hat\mu$ regressed, without constant, on $\hat\mu$ (variance
    $\mu + \alpha\mu^2$, `"NB2"`) or on 1 (variance $(1 + \alpha)\mu$, `"NB1"`); one-sided.

    Arguments:
        res: the result of a Poisson model.
        form: of the alternative, `"NB2"` or `"NB1"`.
        data: the data again, where the fit was made with `keep_data=False`.
    """
    require_converged(res, "The overdispersion test")
    if form not in ("NB1", "NB2"):
        raise InputError(f"form={form!r} must be 'NB1' or 'NB2'.", code="option")
    rows = res.rows(data)
    _refuse_weights(rows, "The overdispersion test")
    mu = _poisson_mean(res, rows)
    y, weight = np.asarray(rows.y, float), _frequencies(rows)
    target, against = ((y - mu) ** 2 - y) / mu, mu if form == "NB2" else np.ones_like(mu)
    squares = np.sum(weight * against**2)
    slope = np.sum(weight * against * target) / squares
    residual = np.sum(weight * (target - slope * against) ** 2)
    error = np.sqrt(residual / (weight.sum() - 1) / squares)
    note = f"{form}: alpha = {slope:.4g}. One-sided."
    text = "a variance equal to the mean"
    return upper_tail("Overdispersion test", text, slope / error, Normal(), note=note)


def _poisson_mean(res: Any, rows: Rows) -> np.ndarray:
    family = res.model.family
    eta = predictor(res, rows)
    with double():
        mu = np.asarray(jax.vmap(family.mean)(eta))
        variance = np.asarray(jax.vmap(family.variance)(eta))
    if family.dispersion_rule != "fixed" or not np.allclose(mu, variance, rtol=1e-9):
        raise InputError(
            f"The overdispersion test is for a variance equal to the mean (Poisson); that of "
            f"family {family.name} is not.",
            code="family",
        )
    return mu


def information_matrix_test(res: Any, data: Any = None) -> HypothesisTest:
    r"""White's test that $E(s s^\top + \partial^2\ell) = 0$, all elements at once (White 1982).

    The distinct elements of $\sum_i w_i (s_i s_i^\top + H_i)$ against their variance with
    estimated parameters, derivatives by automatic differentiation; elements that repeat others
    (a dummy times itself) are left out. Where the dispersion is a moment estimate it takes part
    as a parameter. Its reference needs many observations: in small samples it rejects too often,
    and in a logit of small slopes, whose elements are nearly combinations of its scores, too
    seldom up to tens of thousands.

    Arguments:
        res: a `Results`.
        data: the data again, where the fit was made with `keep_data=False`.

    Raises:
        InputError: no likelihood, or weights that are not frequencies.
    """
    require_likelihood(res, "The information-matrix test", any_covariance=True)
    rows = res.rows(data)
    _refuse_weights(rows, "The information-matrix test")
    with double():
        form, q = information_matrix_statistic(res.fit, rows)
    text = "equality of the two information matrices"
    note = WITHHELD if np.isnan(form) else ""
    return upper_tail("Information-matrix test", text, form, Chi2(q), note=note)


def predictor(res: Any, rows: Rows) -> np.ndarray:
    r"""$\hat\eta$ of each row, offset included."""
    _refuse_vector(res)
    with double():
        return np.asarray(res.model.eta(rows.x, _offset(rows)))


def _refuse_vector(res: Any) -> None:
    if res.model.predictor.has_vector_eta():
        raise InputError(
            f"'{res.title}' has a predictor of several components, and this test is for one.",
            code="vector_predictor",
        )


def _offset(rows: Rows) -> Any:
    return 0.0 if rows.offset is None else np.asarray(rows.offset, float)


def _frequencies(rows: Rows) -> np.ndarray:
    return np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)


def _refuse_weights(rows: Rows, what: str) -> None:
    if rows.weight_kind not in (None, "frequency"):
        raise InputError(
            f"{what} counts observations, and {rows.weight_kind} weights are no counts; use "
            "reset_test() or link_test().",
            code="weight_kind",
        )
