"""What models are called where several stand side by side."""

import collections
from collections.abc import Sequence
from typing import Any

from asymptotix.core.errors import InputError


def model_labels(results: Sequence[Any], labels: Sequence[str] | None = None) -> list[str]:
    """The labels given; else titles, with the covariance and then numbers where two are the same.

    Raises:
        InputError: another number of labels than of results.
    """
    if labels is not None:
        if len(labels) != len(results):
            raise InputError(
                f"There are {len(labels)} labels for {len(results)} results.", code="option"
            )
        return [str(label) for label in labels]
    found = [res.title for res in results]
    if len(set(found)) < len(found):
        found = [f"{res.title}, {res.covariance.kind.label}" for res in results]
    totals, seen = collections.Counter(found), collections.Counter()
    for i, label in enumerate(found):
        seen[label] += 1
        found[i] = f"{label} ({seen[label]})" if totals[label] > 1 else label
    return found
