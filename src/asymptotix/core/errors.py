"""The errors and warnings that Asymptotix raises, each one clear sentence."""

from typing import Any


class InputError(ValueError):
    """The data, the formula or an option cannot be used; raised before any tracing.

    Arguments:
        message: what happened, with the column and the rows, the cause and the remedy.
        code: a short stable name of the kind of error, such as `"missing_values"`.
        column: the column concerned, where there is one.
        rows: the first positions (from 0) of the rows concerned, where there are any.
    """

    def __init__(self, message: str, *, code: str, column=None, rows=()):
        super().__init__(message)
        self.code = code
        self.column = column
        self.rows = tuple(int(r) for r in rows)

    def __reduce__(self):  # so that one raised in another process arrives here
        return _input_error, (str(self), self.code, self.column, self.rows)


def _input_error(message: str, code: str, column, rows) -> InputError:
    return InputError(message, code=code, column=column, rows=rows)


class FitError(RuntimeError):
    """A fit did not reach a maximum of the likelihood and `throw=True` was asked for."""


class MissingRowsWarning(UserWarning):
    """Rows with missing values were left out of the fit."""


class FitWarning(UserWarning):
    """A fit ended without a usable optimum, or a standard error does not exist."""


class CollinearWarning(UserWarning):
    """Columns of the design repeat other columns and were left out."""


def close_matches(word: str, known) -> str:
    """A remedy such as `" Did you mean 'educ'?"`, or an empty string when nothing is near."""
    import difflib

    near = difflib.get_close_matches(str(word), [str(k) for k in known], n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(m) for m in near)}?" if near else ""


def whole_number(value: Any, name: str, least: int) -> int:
    """The value as an integer.

    Raises:
        InputError: it is no whole number, or smaller than `least`.
    """
    try:
        whole = int(value) == value and value >= least and not isinstance(value, bool)
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise InputError(
            f"{name}={value!r} must be a whole number from {least}.", code="option", column=name
        )
    return int(value)


def check_confidence(confidence: Any) -> None:
    """Raise `InputError` for a coverage that is no number between 0 and 1."""
    try:
        inside = 0 < confidence < 1
    except TypeError:
        inside = False
    if not inside:
        raise InputError(
            f"confidence={confidence!r} must lie between 0 and 1, such as 0.95.",
            code="option",
            column="confidence",
        )


def listed(positions, limit: int = 5) -> str:
    """`"3, 17, 20 and 4 more"`: the first few of many row positions."""
    shown = ", ".join(str(int(p)) for p in positions[:limit])
    more = len(positions) - limit
    return f"{shown} and {more} more" if more > 0 else shown
