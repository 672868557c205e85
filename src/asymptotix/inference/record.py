"""What a test yields: one small record that prints as a sentence."""

import dataclasses
import math

from asymptotix.core.reference import F, JointReference, Normal


@dataclasses.dataclass(frozen=True)
class HypothesisTest:
    """A test statistic, its reference distribution, and the evidence against the hypothesis.

    Attributes:
        name: which test, such as `"Wald test"`.
        hypothesis: what holds under the null.
        statistic: its value; NaN where it is withheld, for the reason in `note`.
        reference: its distribution under the null.
        log_p: logarithm of the p-value, kept where p itself is 0 in float64.
        note: what a reader must know besides.
    """

    name: str
    hypothesis: str
    statistic: float
    reference: JointReference
    log_p: float
    note: str = ""

    @property
    def p(self) -> float:
        """The p-value."""
        return math.exp(self.log_p)

    @property
    def df(self) -> float:
        """Degrees of freedom: the number of restrictions (1 for a one-sided z)."""
        return 1 if isinstance(self.reference, Normal) else self.reference.df

    @property
    def df_resid(self) -> float:
        """Those of the denominator; infinite where the reference is not F."""
        return self.reference.df_resid if isinstance(self.reference, F) else math.inf

    @property
    def distribution(self) -> str:
        """The reference distribution as a word: `"chi2"`, `"F"` or `"z"`."""
        return self.reference.symbol

    def __str__(self) -> str:
        lines = [
            f"{self.name} of {self.hypothesis}",
            f"{self.reference.symbol} = {self.statistic:.4f}, reference {self.reference.label}, "
            f"{shown_p(self.log_p)}",
        ]
        return "\n".join([*lines, self.note] if self.note else lines)

    __repr__ = __str__


def upper_tail(name: str, hypothesis: str, statistic, reference, note: str = "") -> HypothesisTest:
    """The record of a statistic that is large against the hypothesis."""
    value = float(statistic)
    return HypothesisTest(name, hypothesis, value, reference, float(reference.log_sf(value)), note)


def shown_p(log_p: float) -> str:
    """A p-value from its logarithm, as tests print it."""
    if math.isnan(log_p):
        return "p withheld"
    if log_p >= math.log(1e-4):
        return f"p = {math.exp(log_p):.4f}"
    power = math.floor(log_p / math.log(10))
    return f"p = {math.exp(log_p - power * math.log(10)):.1f}e{power}"
