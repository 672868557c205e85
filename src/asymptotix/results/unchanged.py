"""Rows that must be those of the fit, told in a user's words where they are not."""

import contextlib
from collections.abc import Iterator

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.covariances.fingerprint import check_fingerprint
from asymptotix.data.rows import Rows
from asymptotix.fitting import Fit


def require_unchanged(fit: Fit, rows: Rows) -> None:
    """Raise `InputError` unless rows read again are those that the fit saw."""
    with as_source_changed(), double():
        check_fingerprint(fit, rows)


@contextlib.contextmanager
def as_source_changed() -> Iterator[None]:
    """Say of a source what was said of rows: that it is not the one that the fit saw."""
    try:
        yield
    except InputError as error:
        if error.code != "other_rows":
            raise
        raise InputError(
            "The data have changed since the fit, or are not those of the fit; "
            "fit again, or pass the original data=.",
            code="source_changed",
        ) from error
