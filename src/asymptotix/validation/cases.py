"""Every model that ships, on data, with its oracle."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from asymptotix import api, families, links
from asymptotix.fitting import Quasi
from asymptotix.results import Results
from asymptotix.validation import oracles, rivals, samples
from asymptotix.validation.comparison import Expected
from asymptotix.validation.samples import Sample

LINKS = {
    link.name: link
    for link in (
        links.LogitLink(),
        links.ProbitLink(),
        links.CauchitLink(),
        links.CloglogLink(),
        links.LoglogLink(),
        links.LogLink(),
        links.IdentityLink(),
        links.SqrtLink(),
        links.InverseLink(),
        links.InverseSquareLink(),
    )
}
PROBABILITY_LINKS = ("logit", "probit", "cauchit", "cloglog", "loglog", "log", "identity")
GENERALISED = {
    "bernoulli": (families.Bernoulli, PROBABILITY_LINKS),
    "binomial": (families.Binomial, PROBABILITY_LINKS),
    "gamma": (families.Gamma, ("inverse", "log")),
    "gaussian": (families.Gaussian, ("identity", "log")),
    "inverse gaussian": (families.InverseGaussian, ("inverse_square", "log")),
    "poisson": (families.Poisson, ("log", "sqrt", "identity")),
    "quasi-binomial": (families.QuasiBinomial, ("logit",)),
    "quasi-poisson": (families.QuasiPoisson, ("log",)),
}
"""Families by name, with the links they are validated with, the usual one first."""
LEVERAGED = ("HC3",)
"""Compared on drawn data for the usual link: leverages take long to compile."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A model on data, and what oracles say of it.

    Attributes:
        data, model: what they are called.
        sample: makes the data.
        fit: fits our model to them.
        expected: asks the oracles.
    """

    data: str
    model: str
    sample: Callable[[], Sample]
    fit: Callable[[Sample], Results]
    expected: Callable[[Sample], Iterable[Expected]]

    @property
    def name(self) -> str:
        """Data and model, as `--only` matches them."""
        return f"{self.data}: {self.model}"


def all_cases() -> tuple[Case, ...]:
    """Real data first, then a drawn sample for each family and link."""
    return (*real(), *generalised(), *special())


# --- real data --------------------------------------------------------------------------


def real() -> Iterator[Case]:
    """Binary models on three data sets, counts and a linear model on those that have them."""
    for data, sample in {
        "Mroz": samples.mroz,
        "Spector": samples.spector,
        "Fair": samples.fair,
    }.items():
        yield from binary(data, sample)
    yield counts("Mroz", lambda: samples.mroz("hours"))
    yield counts("Fair", lambda: samples.fair("rounded"))
    yield linear("Mroz", lambda: samples.mroz("hours"))


def binary(data: str, sample: Callable[[], Sample]) -> Iterator[Case]:
    """Linear probability, logit and probit of one response."""

    def both(name: str) -> Callable[[Sample], list[Expected]]:
        link = name.lower()
        return lambda s: merged(rivals.discrete(name, s), rivals.glm("bernoulli", link, s))

    yield Case(data, "linear probability", sample, fitted(api.lpm), rivals.ols)
    yield Case(data, "logit", sample, fitted(api.logit), both("Logit"))
    yield Case(data, "probit", sample, fitted(api.probit), both("Probit"))


def counts(data: str, sample: Callable[[], Sample]) -> Case:
    """Poisson regression."""

    def expected(s):
        return merged(rivals.discrete("Poisson", s), rivals.glm("poisson", "log", s))

    return Case(data, "Poisson", sample, fitted(api.poisson), expected)


def linear(data: str, sample: Callable[[], Sample]) -> Case:
    """Linear regression with classical and robust errors."""
    return Case(data, "linear regression", sample, fitted(api.linear), rivals.ols)


def fitted(verb, **options) -> Callable[[Sample], Results]:
    """A verb of the package on a sample's formula and frame."""
    return lambda sample: verb(sample.formula, sample.frame, **options)


def merged(first: list[Expected], second: list[Expected]) -> list[Expected]:
    """All of the first and, of the second, the estimates and what the first does not have."""
    known = {e.label for e in first} - {"estimates", "log-likelihood"}
    return first + [e for e in second if e.label not in known]


# --- drawn data -------------------------------------------------------------------------


def generalised() -> Iterator[Case]:
    """Every family with every link that it takes, against `GLM`."""
    for name, (family, link_names) in GENERALISED.items():
        for link in link_names:
            yield generalised_case(name, link, family(LINKS[link]))


def generalised_case(name: str, link: str, family: Any) -> Case:
    """One family with one link; the family is an argument so that a wrong one can be tried."""
    trials = {"trials": "trials"} if family.response_kind == "grouped" else {}
    usual = GENERALISED[name][1][0]
    return Case(
        "drawn",
        f"{name}, {link}",
        lambda: samples.drawn(name, link),
        fitted(api.glm, family=family, **trials),
        lambda sample: rivals.glm(name, link, sample, LEVERAGED if link == usual else ()),
    )


def special() -> Iterator[Case]:
    """Nuisance parameters, vectors of predictors, weights and another solver."""
    yield Case(
        "drawn",
        "negative binomial, log",
        lambda: samples.drawn("negative binomial", "log"),
        fitted(api.glm, family=families.NegativeBinomial()),
        lambda sample: rivals.discrete("NegativeBinomial", sample),
    )
    yield Case(
        "drawn",
        "beta, logit",
        lambda: samples.drawn("beta", "logit"),
        fitted(api.glm, family=families.Beta()),
        oracles.beta,
    )
    yield Case(
        "drawn",
        "multinomial logit",
        samples.levels,
        fitted(api.glm, family=families.Multinomial()),
        lambda sample: rivals.discrete("MNLogit", sample),
    )
    yield Case(
        "drawn",
        "location-scale Gaussian",
        samples.spread,
        lambda sample: api.glm(
            {"mu": sample.formula, "log_sigma": "~ x1"}, sample.frame, families.LocationScale()
        ),
        oracles.location_scale,
    )
    yield Case(
        "drawn",
        "Poisson, weights and offset",
        samples.weighted,
        fitted(api.poisson, weights="w", weight_kind="frequency", offset="log_exposure"),
        lambda sample: unweighted_scores(rivals.glm("poisson", "log", sample, leveraged=())),
    )
    yield Case(
        "drawn",
        "logit by quasi-Newton",
        lambda: samples.drawn("bernoulli", "logit"),
        fitted(api.logit, solver=Quasi()),
        lambda sample: rivals.discrete("Logit", sample),
    )


def unweighted_scores(found: list[Expected]) -> list[Expected]:
    """Without what statsmodels' scores give wrongly: they hold frequency weights, squared then."""
    return [e for e in found if e.cov not in ("opg", "HC1")]
