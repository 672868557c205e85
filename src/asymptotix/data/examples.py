"""Real data sets that ship with the package, for examples, tests and the demo."""

from importlib import resources
from typing import TYPE_CHECKING

from asymptotix.core.errors import InputError, close_matches

if TYPE_CHECKING:
    import pandas as pd

_FILES = {"mroz": "mroz.csv"}


def names() -> tuple[str, ...]:
    """The names that `load_example` knows."""
    return tuple(_FILES)


def load_example(name: str) -> "pd.DataFrame":
    """One of the data sets that ship with the package, as a data frame.

    `"mroz"`: labour-force participation of 753 married women in 1975 (Mroz 1987, Econometrica
    55(4), 765–799), with the 22 columns of Wooldridge's textbook. The columns, the source and the
    licence are described in the `README.md` beside the files.

    Arguments:
        name: the name of the data set, one of `names()`.

    Returns:
        a new data frame, the caller's own to change.

    Raises:
        InputError: there is no data set of that name.
    """
    import pandas as pd

    if name not in _FILES:
        known = ", ".join(map(repr, _FILES))
        raise InputError(
            f"There is no example data set {name!r}.{close_matches(name, _FILES)} Known: {known}.",
            code="unknown_data_set",
        )
    with (resources.files("asymptotix.data") / "files" / _FILES[name]).open("rb") as file:
        return pd.read_csv(file)
