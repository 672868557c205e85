"""What each row, and all rows together, say about the parameters: scores and information."""

from asymptotix.core.linalg import namespace
from asymptotix.core.typing import Array, Float
from asymptotix.covariances.estimate import with_rows
from asymptotix.covariances.fingerprint import with_working_dispersion
from asymptotix.covariances.passes import Passes, information_sums
from asymptotix.fitting.api import as_rows
from asymptotix.fitting.fit import Fit


def information(fit: Fit, rows, y=None, curvature: str = "observed", **row_fields):
    r"""The information matrix at the estimate, in the original coordinates.

    Arguments:
        fit: from `asx.fit`.
        rows, y: the rows of the fit (`asx.Rows`, or arrays).
        curvature: `"observed"` or `"expected"`.
        row_fields: as in `covariance`.

    Returns:
        $\sum_i w_i I_i / \phi$, shape `(p, p)`.
    """
    rows = as_rows(rows, y, **row_fields)

    def pulled(f, r):
        working = information_sums(with_working_dispersion(f), r, curvature)
        return pulled_score(f, pulled_score(f, working).T) / f.dispersion

    return with_rows(fit, rows, pulled)


def score_contributions(fit: Fit, rows, y=None, **row_fields) -> Float[Array, "n p"]:
    r"""The score of each row, $w_i\,\partial\log f(y_i \mid x_i)/\partial\theta$ at the estimate.

    Arguments:
        fit: from `asx.fit`.
        rows, y: the rows of the fit (`asx.Rows`, or arrays).
        row_fields: as in `covariance`.

    Returns:
        Shape `(n, p)`, in the original coordinates; columns sum to zero at an optimum.
    """
    rows = as_rows(rows, y, **row_fields)

    def contributions(f, r):
        unit = with_working_dispersion(f)
        return pulled_score(f, Passes(unit, r).scores().T).T / f.dispersion

    return with_rows(fit, rows, contributions)


def pulled_score(fit: Fit, score):
    """Scores (a vector, or columns of a matrix) from working to original coordinates."""
    parts, start = [], 0
    for c in fit.coordinates or ():
        k = c.center.shape[0]
        parts.append(c.pull_score(score[start : start + k]))
        start += k
    return namespace(score).concatenate([*parts, score[start:]])
