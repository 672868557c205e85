"""The rows of a fit, found again, and where they stand in the data."""

import dataclasses
import warnings
from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError, MissingRowsWarning
from asymptotix.data.rows import Rows
from asymptotix.results.unchanged import require_unchanged


@dataclasses.dataclass(frozen=True)
class Located:
    """The rows of a fit.

    Attributes:
        rows: themselves.
        kept: which rows of the data they are.
        index: of the data, where it is a pandas frame.
        source: the data.
    """

    rows: Rows
    kept: np.ndarray
    index: Any
    source: Any

    def spread(self, values: np.ndarray, name: str, columns=None) -> Any:
        """A Series, or a frame of several columns, over the data; NaN in rows left out."""
        whole = np.full((*self.kept.shape, *values.shape[1:]), np.nan)
        whole[self.kept] = values
        if values.ndim == 1:
            return pd.Series(whole, index=self.index, name=name)
        return pd.DataFrame(whole, index=self.index, columns=columns)


def located(res: Any, data: Any = None) -> Located:
    """The rows of a fit, checked to be the same.

    Arguments:
        res: a `Results`.
        data: the data again, where the fit was made with `keep_data=False`.

    Raises:
        InputError: there are no data, or they have changed since the fit.
    """
    source = res.inputs.data if data is None else data
    if source is None:
        raise InputError(
            "The fit does not hold its data (keep_data=False); pass data=.", code="no_data"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        rows, design, _ = dataclasses.replace(res.inputs, data=source).evaluate()
    require_unchanged(res.fit, rows)
    index = source.index if isinstance(source, pd.DataFrame) else None
    return Located(rows, design.kept, index, source)
