"""Average effects over a stream: sums over its stretches, all effects by one reading."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.data.columns import column, kind
from asymptotix.data.frames import open_source
from asymptotix.data.moments import merged
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.streams import as_stream
from asymptotix.effects.contrasts import Numbers, Variable, contrasts, known_variables
from asymptotix.effects.dispersed import on_scale
from asymptotix.effects.draws import drawn_parameters
from asymptotix.effects.estimates import Estimates
from asymptotix.effects.evaluate import Averages, Change, Sample, averages, simulated_averages
from asymptotix.effects.hypotheses import tested
from asymptotix.effects.kernels import Quantity
from asymptotix.effects.options import Options
from asymptotix.effects.pieces import (
    UNIT_SLOPE,
    Found,
    Piece,
    made_of,
    slopes_of,
)
from asymptotix.effects.problem import Data, Problem
from asymptotix.effects.scale import Scale
from asymptotix.effects.targets import grouped, known
from asymptotix.effects.verbs import (
    Named,
    columns_alone,
    contrast_piece,
    counterfactual_pieces,
    gathered,
    labels_of,
    may_share_a_pass,
    null_of,
    of_groups,
    require_derivative,
    slope_of_column,
)


def in_stretches(problem: Problem, options: Options) -> bool:
    """Whether averages over a stream are asked for, and sums over its rows are all they take."""
    if not options.averages or options.unconditional is not False:
        return False
    if options.newdata is None:
        return problem.read_stretches is not None
    named = isinstance(options.newdata, str) and options.newdata in ("mean", "median")
    return not named and as_stream(options.newdata) is not None


def streamed_predictions(problem: Problem, options: Options) -> tuple[Estimates, None]:
    """`predictions`, averaged over a stream."""
    problem, scale = on_scale(problem, options)

    def pieces(data: Data) -> list[Named]:
        if options.variables is None:
            return [Named({}, Piece(Quantity("level"), Change()))]
        return counterfactual_pieces(problem, options, data)

    totals = _Totals(problem, options, scale)
    for data in _stretches(problem, options):
        totals.add(data, pieces(data))
    found, groups = totals.found()
    return _answered(problem, options, scale, totals.named, found, groups)


def streamed_comparisons(problem: Problem, options: Options) -> tuple[Estimates, None]:
    """`comparisons`, averaged over a stream."""
    problem, scale = on_scale(problem, options)
    require_derivative(scale, options)
    wanted = contrasts(
        _variables(problem, options), options.variables, options.comparison, options.slope
    )
    totals, alone = _Totals(problem, options, scale), None
    for data in _stretches(problem, options):
        if alone is None:
            plain = may_share_a_pass(problem, options, data.x)
            alone = columns_alone(problem, wanted) if plain else {}
        others = [contrast_piece(problem, options, data, c) for c in wanted if not _is_in(c, alone)]
        shared = [Named({}, Piece(UNIT_SLOPE, Change()))] if alone else []
        totals.add(data, [*shared, *others])
    found, groups = totals.found(kept=bool(alone))
    named = totals.named
    if alone:
        slopes = iter(slopes_of(totals.averages[0], problem.model, alone.values()))
        rest = iter(zip(named[1:], found[1:], strict=True))
        pairs = [
            (slope_of_column(problem, c, alone[c.variable]), next(slopes))
            if _is_in(c, alone)
            else next(rest)
            for c in wanted
        ]
        named, found = map(list, zip(*pairs, strict=True))
    return _answered(problem, options, scale, named, found, groups, null_of(options))


def _is_in(contrast, alone) -> bool:
    return contrast.is_slope and contrast.variable in alone


def _answered(problem, options, scale, named, found: list[Found], groups, null: float = 0.0):
    labels = labels_of(problem, options, named, groups, found[0].values.shape[1])
    made = gathered(problem, options, scale, None, named, found, labels)
    made = dataclasses.replace(made, null=null)
    return tested(made, options.hypothesis), None


# --- rows, a stretch at a time -------------------------------------------------------------------


def _stretches(problem: Problem, options: Options) -> Iterator[Data]:
    """The rows asked about: those of the fit, or of a stream of new ones."""
    by, weights = list(options.by_columns), options.weights
    if weights is not None and not isinstance(weights, str):
        raise InputError(
            "Beside a stream, weights must be the name of one of its columns, not an array.",
            code="stream",
            column="weights",
        )
    is_fits = options.newdata is None
    found = _own(problem, by, weights) if is_fits else _new(problem, options.newdata, by, weights)
    some = False
    for data in found:
        some = True
        yield data
    if not some:
        raise InputError("There is no complete row of positive weight.", code="no_rows")


def _own(problem: Problem, by: list[str], weights) -> Iterator[Data]:
    assert problem.read_stretches is not None
    further = [] if weights in (None, "fit") else [weights]
    n = 0
    for rows, kept, table in problem.read_stretches([*by, *further]):
        if rows is None:
            continue
        present = rows.n if rows.weights is None else int(np.count_nonzero(rows.weights))
        n += present
        if present and not _weighs_nothing(table, weights):
            yield problem.of_rows(rows, kept, table, by, weights)[0]
    if n != int(problem.fit.n_rows):
        raise InputError(
            f"The stream gave {n} rows where the fit saw {int(problem.fit.n_rows)}; fit again.",
            code="source_changed",
        )


def _new(problem: Problem, source: Any, by: list[str], weights) -> Iterator[Data]:
    stream, given = as_stream(source), None if weights == "fit" else weights
    assert stream is not None
    offset = [problem.offset] if isinstance(problem.offset, str) else []
    columns = [*problem.spec.variables, *by, *offset, *([] if given is None else [given])]
    for table in stream.tables(list(dict.fromkeys(columns)), SLAB_ROWS):
        if _weighs_nothing(table, weights):
            continue
        try:
            yield problem.new(table, by, given)
        except InputError as error:
            if error.code != "no_rows":
                raise


def _weighs_nothing(table: Any, weights: str | None) -> bool:
    """Whether a stretch has no weight, which all rows together may not have."""
    if weights in (None, "fit"):
        return False
    values = column(open_source(table).frame([weights]), weights)
    return kind(values) == "number" and not values.to_numpy().any()


# --- sums over them ------------------------------------------------------------------------------


class _Totals:
    """Weighted sums of several pieces, by group.

    Arguments:
        problem, options, scale: what is asked.
    """

    def __init__(self, problem: Problem, options: Options, scale: Scale):
        self.problem, self.options, self.scale = problem, options, scale
        self.thetas = None
        if options.method == "simulation":
            self.thetas = drawn_parameters(
                problem.model, problem.matrix, options.key, options.n_draws
            )
        self.groups: list[pd.DataFrame] = []
        self.positions: dict[tuple, int] = {}
        self.sums: list[dict[int, list]] = []
        self.named: list[Named] = []
        self.lost: list[set[int]] = []
        self.averages: list[Averages] = []

    def add(self, data: Data, pieces: list[Named]) -> None:
        """A stretch more, with what is evaluated of it."""
        groups, codes = grouped(data.frame, list(self.options.by_columns))
        own = codes if len(groups) > 1 else None
        sample = Sample(data.x, data.offset, data.weights, own, len(groups))
        where = [self._position(groups, i) for i in range(len(groups))]
        if not self.named:
            self.named, self.sums = pieces, [{} for _ in pieces]
            self.lost = [set() for _ in pieces]
        for lost, piece in zip(self.lost, of_groups(pieces, sample), strict=True):
            lost.update(where[i] for i in np.flatnonzero(piece.withheld))
        for totals, piece in zip(self.sums, pieces, strict=True):
            for position, numbers in zip(where, self._sums(piece.piece, sample), strict=True):
                before = totals.get(position)
                totals[position] = (
                    numbers
                    if before is None
                    else [a + b for a, b in zip(before, numbers, strict=True)]
                )

    def _position(self, groups: pd.DataFrame, row: int) -> int:
        one = groups.iloc[[row]]
        key = tuple(None if pd.isna(value) else value for value in one.iloc[0].tolist())
        if key not in self.positions:
            self.positions[key] = len(self.groups)
            self.groups.append(one)
        return self.positions[key]

    def _sums(self, piece: Piece, sample: Sample) -> Iterator[list]:
        """Of each group the sum of weights, of values, of derivatives, and of draws' values."""
        model = self.problem.model
        found = averages(model, self.scale, piece.quantity, sample, piece.change)
        draws = None
        if self.thetas is not None:
            draws = simulated_averages(
                model, self.scale, piece.quantity, sample, self.thetas, piece.change
            )
        for g, weight in enumerate(found.weights):
            means = [found.values[g], found.jacobian[g]]
            means += [] if draws is None else [draws[:, g]]
            yield [weight, *(weight * mean if weight else 0.0 * mean for mean in means)]

    def found(self, kept: bool = False) -> tuple[list[Found], pd.DataFrame]:
        """The effect of each piece, and the groups in order.

        Arguments:
            kept: whether the averages themselves are kept in `averages`.
        """
        groups, order = self._ordered()
        found = []
        self.named = [
            piece._replace(withheld=np.isin(order, list(lost)))
            for piece, lost in zip(self.named, self.lost, strict=True)
        ]
        for piece, totals in zip(self.named, self.sums, strict=True):
            stacked = [np.stack(part) for part in zip(*(totals[i] for i in order), strict=True)]
            weights, rest = stacked[0], stacked[1:]
            with np.errstate(invalid="ignore", divide="ignore"):
                means = [(part.T / weights).T for part in rest]
            moments = Averages(weights, means[0], means[1])
            draws = None if self.thetas is None else np.swapaxes(means[2], 0, 1)
            self.averages += [moments] if kept else []
            found.append(made_of(piece.piece, moments, draws))
        return found, groups

    def _ordered(self) -> tuple[pd.DataFrame, list[int]]:
        by = list(self.options.by_columns)
        whole = pd.concat(self.groups, ignore_index=True) if by else pd.DataFrame(index=[0])
        groups, codes = grouped(whole, by)
        return groups, np.argsort(codes).astype(int).tolist()


# --- what the variables of a stream are ----------------------------------------------------------


def _variables(problem: Problem, options: Options) -> dict[str, Variable]:
    """The formula's variables as the data of the fit (or else those asked about) show them."""
    of_fit = problem.source is not None
    if of_fit and problem.read_stretches is None:
        data, rows = problem.own()
        return known(problem, data, rows)
    found: dict[str, Variable] = {}
    for data in _own(problem, [], "fit") if of_fit else _new(problem, options.newdata, [], None):
        part = known_variables(problem.spec, data.frame, data.weights)
        found = {name: _both(found.get(name), part[name]) for name in part}
    n = float(problem.fit.n) if of_fit else None
    return {name: _settled(variable, n) for name, variable in found.items()}


def _both(one: Variable | None, other: Variable) -> Variable:
    """A variable as two stretches show it."""
    if other.numbers is not None:
        spread = Spread.of(other.numbers)
        if one is not None and one.numbers is not None:
            spread = one.numbers.with_other(spread)  # pyright: ignore[reportAttributeAccessIssue]
        return dataclasses.replace(other, numbers=spread)
    if one is None or not other.levels:
        return one or other
    return dataclasses.replace(other, levels=_joined(one.levels, other.levels))


def _joined(one: Iterable, other: Iterable) -> tuple:
    levels = tuple(dict.fromkeys([*one, *other]))
    return levels if tuple(one) == tuple(other) else tuple(sorted(levels))


def _settled(variable: Variable, n: float | None) -> Variable:
    if not isinstance(variable.numbers, Spread):
        return variable
    kind = "binary" if variable.numbers.is_binary() else "number"
    return dataclasses.replace(variable, kind=kind, numbers=variable.numbers.of_observations(n))


class Spread(Numbers):
    """How numbers are spread that are never held together.

    Arguments:
        sums: their number or the sum of their weights, mean, and sum of squares around it.
        least, most: the smallest and the largest.
        is_coded: whether all are 0 or 1.
    """

    def __init__(self, sums, least: float, most: float, is_coded: bool):
        self.sums, self.least, self.most, self.is_coded = sums, least, most, is_coded

    @classmethod
    def of(cls, numbers: Numbers) -> "Spread":
        """Of some numbers."""
        values, weights = numbers.values, numbers.weights
        counts = np.ones(len(values)) if weights is None else weights
        mean = np.average(values, weights=counts)
        sums = (np.sum(counts), mean, np.sum(counts * (values - mean) ** 2))
        is_coded = bool(((values == 0) | (values == 1)).all())
        return cls(sums, float(values.min()), float(values.max()), is_coded)

    def with_other(self, other: "Spread") -> "Spread":
        """Of these and others together."""
        ends = min(self.least, other.least), max(self.most, other.most)
        sums = merged(self.sums, other.sums)
        return Spread(sums, *ends, self.is_coded and other.is_coded)

    def of_observations(self, n: float | None) -> "Spread":
        """The same with weights that add up to a number of observations, if that is given."""
        total, mean, squares = self.sums
        share = 1.0 if n is None else n / total
        sums = total * share, mean, squares * share
        return Spread(sums, self.least, self.most, self.is_coded)

    def is_binary(self) -> bool:
        """Whether there are zeros and ones, and nothing else."""
        return self.is_coded and self.least == 0 and self.most == 1

    def ends(self) -> tuple[float, float]:
        return self.least, self.most

    def moments(self) -> tuple[float, float]:
        n, mean, squares = self.sums
        return float(mean), float(np.sqrt(squares / (n - 1)))

    def quartiles(self) -> tuple[float, float]:
        raise InputError(
            "'iqr' needs all values of a variable at once, which a stream does not hold; give "
            "a pair (low, high), 'sd' or 'minmax'.",
            code="stream",
        )
