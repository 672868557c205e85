"""Bootstrap replicates of a result, by the names of its parameters."""

import dataclasses
from typing import Any

import pandas as pd

from asymptotix.covariances import Bootstrap, Resampled
from asymptotix.covariances.resample import resample
from asymptotix.data.groups import labelled
from asymptotix.inference.refusals import require_converged


@dataclasses.dataclass(frozen=True, eq=False)
class BootstrapResult:
    """Bootstrap replicates of named estimates; made by `Results.bootstrap`.

    Attributes:
        found: the arrays.
        names: of the parameters.
        kind: how they were drawn.
        confidence: coverage of intervals where none is named.
    """

    found: Resampled
    names: tuple[str, ...]
    kind: Bootstrap
    confidence: float

    @property
    def replicates(self) -> pd.DataFrame:
        """Estimates, one row a refit that succeeded."""
        return pd.DataFrame(self.found.replicates, columns=list(self.names))

    @property
    def bse(self) -> pd.Series:
        """Standard deviations of the replicates."""
        return pd.Series(self.found.replicates.std(axis=0, ddof=1), index=list(self.names))

    @property
    def statuses(self) -> dict[str, int]:
        """How many refits ended how."""
        return dict(self.found.statuses)

    def cov_params(self) -> pd.DataFrame:
        """The sample covariance of the replicates."""
        names = list(self.names)
        return pd.DataFrame(self.found.covariance(), index=names, columns=names)

    def conf_int(self, kind: str = "percentile", confidence: float | None = None) -> pd.DataFrame:
        """Intervals, as `Resampled.conf_int` has them.

        Arguments:
            kind: `"percentile"`, `"basic"`, `"bca"` or `"studentised"`.
            confidence: coverage; that of the fit by default.
        """
        limits = self.found.conf_int(kind, self.confidence if confidence is None else confidence)
        return pd.DataFrame(limits, index=list(self.names), columns=["lower", "upper"])

    def __repr__(self) -> str:
        counted = ", ".join(f"{number} {name}" for name, number in self.found.statuses)
        return f"<{self.kind.label}: {counted}>"


class Resampling:
    """The resampling of a fit, mixed into `Results`."""

    __slots__ = ()

    def bootstrap(
        self: Any,
        n_replications: int = 1000,
        kind: str = "pairs",
        *,
        key: Any = None,
        groups: Any = None,
        studentised: bool = False,
        data: Any = None,
    ) -> BootstrapResult:
        """Refits on resampled data, and the intervals that are made of them.

        Arguments:
            n_replications, kind, key, groups, studentised: as in `asx.Bootstrap`.
            data: the data again, where the fit was made with `keep_data=False`.

        Raises:
            InputError: no key, an unknown kind, or data that have changed since the fit.
        """
        require_converged(self, "A bootstrap")
        chosen = Bootstrap(
            n_replications, kind, key=key, groups=groups, studentised=studentised
        )  # fmt: skip
        inputs = dataclasses.replace(self.inputs, groups=labelled(chosen.group_columns))
        again = dataclasses.replace(self, inputs=inputs)
        rows = again.rows(data)
        found = resample(self.fit, rows, chosen.with_columns(tuple(inputs.groups)))
        return BootstrapResult(found, self.names, chosen, self.confidence)
