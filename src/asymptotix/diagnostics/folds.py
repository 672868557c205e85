"""Cross-validation: predictors of rows by fits that have not seen them."""

from typing import Any

import numpy as np

from asymptotix.core.errors import FitError, InputError
from asymptotix.core.keys import check_key
from asymptotix.core.status import MESSAGES
from asymptotix.core.typing import Key
from asymptotix.data.rows import Rows
from asymptotix.diagnostics.rowwise import row_predictors, row_uniforms
from asymptotix.fitting import Fit, Newton
from asymptotix.fitting.host import fit as fit_rows


def out_of_fold(fit: Fit, rows: Rows, folds: int, key: Key, names=None) -> np.ndarray:
    r"""$\hat\eta_i$ from the fit to all folds but that of row $i$.

    The design is that of the whole data: levels, knots and scales are not estimated again.

    Arguments:
        fit: the fit; it is made again by Newton's method from its estimate, penalty included.
        rows: its own rows.
        folds: how many.
        key: a JAX random key, which decides the folds.
        names: of the coefficients, for messages.

    Raises:
        InputError: folds or key cannot be used.
        FitError: the fit without a fold has no maximum.
    """
    number = fold_numbers(rows, folds, key)
    penalty = None if fit.penalty is None else fit.penalty.penalty
    weights = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    kind = rows.weight_kind or "frequency"
    eta: Any = None
    for fold in range(folds):
        held = number == fold
        rest = Rows(rows.x, rows.y, np.where(held, 0.0, weights), kind, rows.offset)
        found = fit_rows(fit.model, rest, Newton(), names=names, checked=True, penalty=penalty)
        if not bool(found.converged):
            raise FitError(
                f"The fit without fold {fold + 1} of {folds} is {found.status_name}: "
                f"{MESSAGES[found.status_name]}; use fewer folds."
            )
        predicted = row_predictors(found, rows)
        eta = predicted if eta is None else np.where(_like(held, predicted), predicted, eta)
    return eta


def _like(held: np.ndarray, values: np.ndarray) -> np.ndarray:
    return held.reshape((-1,) + (1,) * (values.ndim - 1))


def fold_numbers(rows: Rows, folds: int, key: Key) -> np.ndarray:
    """Which fold each row is in: sizes differ by one row at most."""
    if not (isinstance(folds, int | np.integer) and 2 <= folds <= rows.n):
        raise InputError(
            f"cv={folds!r} must be a whole number of folds from 2 to {rows.n}.", code="option"
        )
    if key is None:
        raise InputError(
            "Folds are drawn at random; pass key=, such as jax.random.key(0).", code="key"
        )
    check_key(key)
    number = np.empty(rows.n, int)
    number[np.argsort(row_uniforms(key, rows.n))] = np.arange(rows.n) % folds
    return number
