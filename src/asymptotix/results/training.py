"""How the training of a model went, as a frame."""

from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.fitting.measures import MEASURES, measures_along
from asymptotix.fitting.restarts import padded
from asymptotix.likelihood import inward
from asymptotix.model import layout
from asymptotix.results.located import located
from asymptotix.results.new_rows import new_rows


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

    def history_on(self, new_data: Any = None, *, epochs: Any = None) -> pd.DataFrame:
        """How each epoch's parameters did: loss, and what became of events, on any rows.

        Arguments:
            new_data: rows that were not trained on; those of the fit by default.
            epochs: which of them, whole numbers, 0 for the start; all by default.

        Returns:
            One row an epoch: the columns of `evaluate`.

        Raises:
            InputError: the fit was not trained in epochs, its path was too long to be kept, or
                data that cannot be read as the fit's.
        """
        res: Any = self
        own = res.history
        if res.fit.history.params is None:
            raise InputError(
                "The path of this training was too long to be kept; train for fewer epochs.",
                code="no_history",
            )
        chosen = own.index if epochs is None else own.index[np.asarray(epochs, int)]
        path = np.asarray(res.fit.history.params)[chosen]
        return _measured(res, new_data, path).set_index(chosen)

    def evaluate(self, new_data: Any = None) -> pd.Series:
        """How good predictions are: by default of the fit's own rows, else of new ones.

        Arguments:
            new_data: anything a fit takes, with the formula's variables and the response.

        Returns:
            `loss`, minus the mean log-likelihood (half the mean unit deviance where the dispersion
            is a moment estimate); of a response of 0 and 1 also `accuracy`, `false_positive` and
            `false_negative` (shares of all rows, classified at 1/2; the three sum to 1) and
            `mean_prediction`.

        Raises:
            InputError: data that cannot be read as the fit's.
        """
        res: Any = self
        return (
            _measured(res, new_data, layout(res.model).flatten(res.model)[None])
            .iloc[0]
            .rename(None)
        )


def _measured(res: Any, new_data: Any, path) -> pd.DataFrame:
    """The measures of some rows at each of some parameters."""
    rows = located(res).rows if new_data is None else new_rows(res, new_data)
    with double():
        block = padded(rows)
    found = measures_along(res.model, block, np.asarray(path))
    return pd.DataFrame({name: found[name] for name in MEASURES if name in found})


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
