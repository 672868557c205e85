r"""CR2 and CR3: cluster scores adjusted for leverage, by `k x k` identities.

With $I = R^\top R$ the information of all rows and $I_g$ that of cluster $g$, both with working
weights, $Z_g = W_g^{1/2} X_g R^{-1}$ has $Z_g Z_g^\top = H_{gg}$ (the cluster's block of the hat
matrix, $n_g \times n_g$) and $Z_g^\top Z_g = R^{-\top} I_g R^{-1} = T_g$ ($k \times k$). Since
$Z^\top f(Z Z^\top) = f(Z^\top Z) Z^\top$, everything is a function of $T_g = V \Lambda V^\top$.
"""

from typing import Any

import numpy as np

from asymptotix.covariances.passes import outward_matrix
from asymptotix.data.groups import Grouping

LEVERAGE_ONE = 1e-10
"""Within this of one, a direction is fitted exactly: its residuals are zero whatever the factor,
and it is left out, which is the Moore-Penrose inverse of Bell and McCaffrey's definition."""
POWERS = {"CR2": -0.5, "CR3": -1.0}
BATCH = 4_000_000
"""Numbers in one batch of `k x k` matrices."""


def adjusted_meat(passes: Any, one: Grouping, correction: str):
    r"""$\sum_g \tilde s_g \tilde s_g^\top$, and Satterthwaite's degrees of freedom for CR2.

    Arguments:
        passes: the sums over rows.
        one: the clusters, none apart.
        correction: `"CR2"` or `"CR3"`.

    Returns:
        The matrix in working coordinates, and one number a coefficient (`None` for CR3).
    """
    factor = np.asarray(passes.factor(passes.working_curvature))
    root = passes.on_active(np.linalg.inv(factor))
    scores = np.asarray(passes.group_totals(one)) @ root
    shares = np.asarray(passes.group_informations(one))
    contrasts = root.T @ np.asarray(outward_matrix(passes.fit)).T
    satterthwaite = Satterthwaite(contrasts) if correction == "CR2" else None
    adjusted = np.empty_like(scores)
    step = max(1, BATCH // root.size)
    for first in range(0, one.size, step):
        part = slice(first, first + step)
        share = root.T @ shares[part] @ root
        values, vectors = np.linalg.eigh((share + share.transpose(0, 2, 1)) / 2)
        inner = np.einsum("gab,ga->gb", vectors, scores[part]) * powered(values, POWERS[correction])
        adjusted[part] = np.einsum("gab,gb->ga", vectors, inner)
        if satterthwaite is not None:
            satterthwaite.add(values, vectors)
    back = adjusted @ factor
    return back.T @ back, None if satterthwaite is None else satterthwaite.df()


def powered(values, power: float):
    r"""$(1 - \lambda)^{power}$; 0 in directions of leverage one, NaN beyond."""
    room = 1 - values
    safe = np.where(room > LEVERAGE_ONE, room, 1.0)
    found = np.where(room > LEVERAGE_ONE, safe**power, 0.0)
    return np.where(room < -LEVERAGE_ONE, np.nan, found)


class Satterthwaite:
    r"""$\nu = (\mathrm{tr} P)^2 / \mathrm{tr} P^2$ for each coefficient.

    Under the working model its variance estimate is a quadratic form with the matrix
    $P_{gh} = \delta_{gh} d_g - q_g^\top q_h$ (Bell and McCaffrey 2002).

    For a coefficient with $c = R^{-\top} e_j$, $d_g = c^\top T_g f(T_g)^2 c$ and
    $q_g = T_g f(T_g) c$.

    Arguments:
        contrasts: the vectors $c$ as columns.
    """

    def __init__(self, contrasts):
        self.contrasts = contrasts
        k, p = contrasts.shape
        self.trace, self.squares = np.zeros(p), np.zeros(p)
        self.products = np.zeros((p, k, k))

    def add(self, values, vectors) -> None:
        """Clusters by the eigenvalues and eigenvectors of their shares."""
        factor = powered(values, POWERS["CR2"])
        along = np.einsum("gab,aj->gbj", vectors, self.contrasts)
        own = np.einsum("gb,gbj->gj", values * factor**2, along**2)
        moved = np.einsum("gab,gbj->gaj", vectors, (values * factor)[:, :, None] * along)
        shared = np.einsum("gaj,gaj->gj", moved, moved)
        self.trace += (own - shared).sum(axis=0)
        self.squares += (own**2 - 2 * own * shared).sum(axis=0)
        self.products += np.einsum("gaj,gbj->jab", moved, moved, optimize=True)

    def df(self):
        """Degrees of freedom, one a coefficient."""
        total = self.squares + np.einsum("jab,jab->j", self.products, self.products)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(total == 0, np.inf, self.trace**2 / total)  # omitted: no part in it
