"""How the training of a model went, as a frame."""

from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.likelihood import inward


class Trained:
    """What `Results` say of a training in epochs."""

    @property
    def history(self) -> pd.DataFrame:
        r"""One row an epoch: loss, accuracy, validation loss, and the distance to the optimum.

        The distance is $\sqrt{(\theta_t - \hat\theta)^\top I (\theta_t - \hat\theta) / \phi}$, in
        standard errors; NaN where no optimum was found.

        Raises:
            InputError: the fit was not trained in epochs.
        """
        res: Any = self
        history = res.fit.history
        if history is None or history.loss is None:
            raise InputError(
                "The fit was not trained in epochs, so it has no history; use "
                "solver=asx.Stochastic(optimiser).",
                code="no_history",
            )
        columns = {"loss": history.loss, "accuracy": history.accuracy}
        columns |= {"validation": history.validation, "distance": _distances(res.fit)}
        used = slice(int(history.steps) + 1)
        frame = pd.DataFrame({k: np.asarray(v)[used] for k, v in columns.items() if v is not None})
        return frame.rename_axis("epoch")


def _distances(fit):
    """Of each epoch's parameters from the estimate, in standard errors."""
    path = fit.history.params
    if path is None:
        return None
    if not bool(fit.converged):
        return np.full(len(path), np.nan)
    with double():
        away = np.stack([np.asarray(inward(fit.coordinates, theta)) for theta in path])
    away = away - np.asarray(fit.params)
    square = np.einsum("ei,ij,ej->e", away, np.asarray(fit.information), away)
    return np.sqrt(square / float(fit.dispersion))
