"""Running cases, and whether they pass."""

import contextlib
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch

from asymptotix.core.errors import InputError, close_matches
from asymptotix.validation.cases import Case, all_cases
from asymptotix.validation.comparison import Comparison, compared
from asymptotix.validation.rivals import require_statsmodels

WORKERS = min(4, os.cpu_count() or 1)
"""Compiling, which is most of the work, uses one core a program."""


def validate(
    cases: Iterable[Case] | None = None,
    only: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Comparison]:
    """Compare every case with its oracles.

    Arguments:
        cases: all that ship, by default.
        only: part of the names wanted, such as `"probit"` or `"mroz*logit"`; case is ignored.
        progress: told the name of each case when it is done.

    Returns:
        A comparison for each quantity; a case that raises is one that fails.

    Raises:
        InputError: statsmodels is not installed, or no name matches.
    """
    require_statsmodels()
    chosen = selected(all_cases() if cases is None else tuple(cases), only)
    tell = progress or (lambda text: None)
    with quiet(), ThreadPoolExecutor(WORKERS) as pool:
        found = []
        for i, part in enumerate(pool.map(comparisons, chosen), start=1):
            found += part
            tell(f"{i}/{len(chosen)} {chosen[i - 1].name}")
    return found


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """A scope in which statsmodels does not warn.

    Of links that can leave their domain, and of steps below its own tolerance; its estimates are
    checked instead. One scope for all threads, since filters belong to the process.
    """
    from statsmodels.tools.sm_exceptions import ModelWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ModelWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="statsmodels")
        yield


def selected(cases: tuple[Case, ...], only: str | None) -> list[Case]:
    """The cases whose names have the pattern in them."""
    pattern = f"*{(only or '').lower()}*"
    chosen = [case for case in cases if fnmatch(case.name.lower(), pattern)]
    if not chosen:
        names = [case.name for case in cases]
        raise InputError(
            f"No case is called {only!r}.{close_matches(only or '', names)} "
            f"Cases: {'; '.join(names)}.",
            code="option",
        )
    return chosen


def comparisons(case: Case) -> list[Comparison]:
    """One case beside its oracles; an error of either side is a row that fails."""
    try:
        sample = case.sample()
        res = case.fit(sample)
        return [compared(res, e, case.data, case.model) for e in case.expected(sample)]
    except Exception as error:  # one model that raises must not hide the verdicts on the others
        told = f"{type(error).__name__}: {error}"
        return [Comparison(case.data, case.model, "fit", "none", float("nan"), 0.0, told)]
