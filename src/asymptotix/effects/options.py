"""The keywords that the verbs share, checked before anything is computed."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any, TypedDict

import jax.numpy as jnp

from asymptotix.core.errors import InputError, check_confidence, close_matches, whole_number
from asymptotix.core.keys import check_key
from asymptotix.covariances import Bootstrap
from asymptotix.effects.contrasts import LABELS, SLOPES

COMPARISONS: Mapping[str, Callable] = {
    "difference": lambda high, low: high - low,
    "ratio": lambda high, low: high / low,
    "lnratio": lambda high, low: jnp.log(high / low),
    "lnor": lambda high, low: jnp.log(high / (1 - high)) - jnp.log(low / (1 - low)),
}

METHODS = ("delta", "simulation", "bootstrap")


class PredictionOptions(TypedDict, total=False):
    r"""The keywords of every verb.

    Arguments:
        variables: the variables concerned; all by default. A name, a list, or a dict: to a step
            (`{"educ": 4}`), a pair (`{"educ": (8, 12)}`), `"sd"` or `"2sd"` around the mean,
            `"iqr"` between the quartiles, or `"minmax"`, all of the rows of the fit; for
            categories `"reference"`, `"sequential"`, `"pairwise"` or a pair of levels; for the
            derivative in a 0/1 variable `"dydx"`. For `avg_predictions` to values.
        by: one or several columns; averages are taken within their levels; `True` for all rows.
        type: `"response"` for the mean, `"link"` for $\eta$, `"probability"` (with `value=`) of an
            event, `"quantile"` (with `q=`) of the response.
        value: a value of a discrete response, one of its labels, an event such as `">= 3"` or
            `"< 0.5"`, or a list of these. Of grouped responses `(successes, trials)`.
        q: one probability or several, such as `[0.1, 0.5, 0.9]`.
        hypothesis: as in `Results.hypotheses`, about the estimates of the verb.
        transform: a function of arrays applied to estimates and limits, such as `np.exp`.
        weights: of averages: a column's name or numbers. By default the fit's frequency or
            sampling weights where its own rows are averaged.
        confidence: coverage of intervals; that of the fit by default.
        vcov: another covariance: a name such as `"HC1"`, a covariance object, or a matrix;
            `False` for estimates alone.
        unconditional: for averages over the rows of the fit, whether the covariates count as
            sampled too; a column's name for clusters that were sampled.
        method: `"delta"`; `"simulation"` from the asymptotic normal distribution of the
            parameters; `"bootstrap"` or an `asx.Bootstrap`, by fits to resampled data, with
            percentile intervals.
        n_draws, key: of simulation and bootstrap alone: how many, and a JAX random key.
    """

    variables: Any
    by: Any
    type: str
    value: Any
    q: Any
    hypothesis: Any
    transform: Callable | None
    weights: Any
    confidence: float | None
    vcov: Any
    unconditional: Any
    method: Any
    n_draws: int
    key: Any


class ComparisonOptions(PredictionOptions, total=False):
    """Those of comparisons.

    Arguments:
        comparison: `"difference"`, `"ratio"` (tested against 1), `"lnratio"`, `"lnor"` (log odds
            ratio, of probabilities), or a function of the high and the low prediction, written
            with `jax.numpy`.
    """

    comparison: Any


class SlopeOptions(PredictionOptions, total=False):
    r"""Those of slopes.

    Arguments:
        slope: `"dydx"`; elasticities `"eyex"`; `"dyex"` (in $\log x$) and `"eydx"` (of
            $\log y$). Elasticities are of numbers: other variables are left out.
    """

    slope: str


def _explained(known: Any) -> str:
    """What the docstrings of some options say of each."""
    documented = dict.fromkeys([PredictionOptions, known])
    said = [inspect.cleandoc(one.__doc__ or "").partition("Arguments:\n")[2] for one in documented]
    return "\n".join(said)


def with_keywords(known: Any) -> Callable:
    """Decorate a verb so that `help` explains its keywords, and others are refused by name."""
    names = list(known.__annotations__)

    def decorate(verb: Callable) -> Callable:
        @functools.wraps(verb)
        def called(self, newdata=None, **options):
            for name in options:
                if name not in names:
                    raise TypeError(
                        f"{verb.__name__}() has no keyword {name!r}.{close_matches(name, names)} "
                        f"It takes newdata, {', '.join(names)}."
                    )
            return verb(self, newdata, **options)

        called.__doc__ = f"{inspect.getdoc(verb)}\n\nKeywords:\n{_explained(known)}"
        given = inspect.signature(verb)
        first = [p for p in given.parameters.values() if p.kind is not p.VAR_KEYWORD]
        rest = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS.get(name))
            for name in names
        ]
        called.__signature__ = given.replace(parameters=[*first, *rest])  # pyright: ignore
        return called

    return decorate


@dataclasses.dataclass(frozen=True)
class Options:
    """How a verb is asked; see `PredictionOptions` and those after it for what fields mean."""

    variables: Any = None
    newdata: Any = None
    by: Any = None
    type: str = "response"
    value: Any = None
    q: Any = None
    comparison: Any = "difference"
    slope: str | None = None
    hypothesis: Any = None
    transform: Callable | None = None
    weights: Any = "fit"
    confidence: float = 0.95
    unconditional: Any = False
    method: Any = "delta"
    n_draws: int = 1000
    key: Any = None
    average: bool = False

    def __post_init__(self):
        check_confidence(self.confidence)
        if not isinstance(self.method, Bootstrap):
            _one_of("method", self.method, METHODS)
        if self.slope is not None:
            _one_of("slope", self.slope, tuple(SLOPES))
        if not callable(self.comparison):
            _one_of("comparison", self.comparison, tuple(LABELS))
        _check(
            (self.method in ("simulation", "bootstrap")) == (self.key is not None),
            "method='simulation' or 'bootstrap' needs a key, such as key=jax.random.key(0), and no "
            "other method takes one",
        )
        if self.key is not None:
            check_key(self.key)
        whole_number(self.n_draws, "n_draws", 2)
        _check_names("variables", self.variables, "{'educ': 4}")
        _check_names("by", self.by, "['city', 'kids']")
        _check(
            self.averages or self.weights is None or _is_text(self.weights, "fit"),
            "weights= are of averages, and no rows are averaged here; use avg_predictions, "
            "avg_comparisons or avg_slopes, or by=",
        )
        _check(
            self.transform is None or callable(self.transform),
            "transform must be a function, such as numpy.exp",
        )
        if self.unconditional is not False:
            _check(
                self.newdata is None and self.averages and self.method != "simulation",
                "unconditional=True is for averages over the rows of the fit, by method='delta' "
                "or 'bootstrap'",
            )
            _check(
                self.bootstrap is None or self.unconditional is True,
                "unconditional= takes no column beside a bootstrap; name it there, "
                "method=asx.Bootstrap(kind='cluster', groups=..., key=...)",
            )
            _check(
                self.bootstrap is None or self.bootstrap.scheme != "parametric",
                "A parametric bootstrap keeps the covariates; use kind='pairs', or leave "
                "unconditional out",
            )

    @functools.cached_property
    def bootstrap(self) -> Bootstrap | None:
        """The bootstrap that is asked for, if one is."""
        if isinstance(self.method, Bootstrap):
            return self.method
        return Bootstrap(self.n_draws, key=self.key) if self.method == "bootstrap" else None

    @property
    def averages(self) -> bool:
        """Whether rows are averaged."""
        return self.average or self.by not in (None, False)

    @property
    def by_columns(self) -> tuple[str, ...]:
        """The columns by whose levels averages are taken."""
        if self.by is None or isinstance(self.by, bool):
            return ()
        return (self.by,) if isinstance(self.by, str) else tuple(self.by)

    @property
    def compare(self) -> Callable:
        """The function of the high and the low value."""
        return self.comparison if callable(self.comparison) else COMPARISONS[self.comparison]


_DEFAULTS = {f.name: f.default for f in dataclasses.fields(Options)} | {
    "confidence": None,
    "slope": "dydx",
}


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    _check(
        isinstance(value, str) and value in known,
        f"{name}={value!r} must be one of {', '.join(map(repr, known))}",
    )


def _check_names(name: str, value: Any, example: str) -> None:
    """Refuse what names no variables or columns, and a dict with nothing behind a name."""
    _check(
        value is None or isinstance(value, Iterable) or (name == "by" and isinstance(value, bool)),
        f"{name}={value!r} must be a name, a list of names, or such as {example}",
    )
    if isinstance(value, Mapping):
        for one, asked in value.items():
            if isinstance(asked, Sized) and getattr(asked, "ndim", 1) and len(asked) == 0:
                raise InputError(
                    f"{name}={{{one!r}: {asked!r}}} gives no value of '{one}'; name at least one.",
                    code="variables",
                    column=str(one),
                )


def _is_text(value: Any, text: str) -> bool:
    return isinstance(value, str) and value == text


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise InputError(f"{message}.", code="option")
