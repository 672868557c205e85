"""Weighted products of scores with those of earlier periods."""

from typing import Any, NamedTuple

import numpy as np


class Series(NamedTuple):
    """Scores in the order in which they are to be paired.

    Attributes:
        chunks: a function that yields them, a chunk at a time, as often as asked.
        time, group: the period of each, and the group within which pairs are formed.
    """

    chunks: Any
    time: np.ndarray
    group: np.ndarray


def lagged(series: Series, weight, lags: int):
    r"""$\sum_t s_t s_t^\top + \sum_{t > u} w(t - u)(s_t s_u^\top + s_u s_t^\top)$, within groups.

    A row is paired with the `lags` rows before it; only those are kept from chunk to chunk.

    Arguments:
        series: sorted by group and time.
        weight: from gaps in time to weights.
        lags: rows back.
    """
    total, before, start = 0.0, None, 0
    for chunk in series.chunks():
        whole = chunk if before is None else np.vstack([before, chunk])
        end, held = start + len(chunk), len(whole) - len(chunk)
        total = total + chunk.T @ chunk
        for back in range(1, lags + 1):
            first = max(start, back)
            if first >= end:
                break
            own = slice(first, end)
            earlier = slice(first - back, end - back)
            same = series.group[own] == series.group[earlier]
            factor = np.where(same, weight(series.time[own] - series.time[earlier]), 0.0)
            later_scores = whole[first - start + held : end - start + held]
            earlier_scores = whole[first - start + held - back : end - start + held - back]
            product = (later_scores * factor[:, None]).T @ earlier_scores
            total = total + product + product.T
        before, start = whole[max(len(whole) - lags, 0) :], end
    return total


def convolved(scores, weights):
    r"""$\sum_{t,u} w_{|t-u|} s_t s_u^\top$ for weights at every lag, by fast Fourier transform."""
    n = len(scores)
    circle = np.concatenate([weights, [0.0], weights[:0:-1]])
    spectrum = np.fft.rfft(circle).real
    smooth = np.fft.irfft(np.fft.rfft(scores, 2 * n, axis=0) * spectrum[:, None], 2 * n, axis=0)
    matrix = scores.T @ smooth[:n]
    return (matrix + matrix.T) / 2
