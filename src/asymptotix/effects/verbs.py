"""Predictions, comparisons and slopes of a fitted formula."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.data.frames import open_source
from asymptotix.data.redesign import split_by_use
from asymptotix.effects.columns import omitted_columns, placed
from asymptotix.effects.contrasts import Contrast, contrasts
from asymptotix.effects.dispersed import on_scale
from asymptotix.effects.draws import Draws, drawn
from asymptotix.effects.estimates import LARGEST_COVARIANCE, Estimates, from_draws, with_jacobian
from asymptotix.effects.evaluate import Change, Sample, means
from asymptotix.effects.hypotheses import tested
from asymptotix.effects.kernels import Quantity
from asymptotix.effects.options import Options
from asymptotix.effects.pieces import (
    Found,
    Piece,
    averaged,
    by_row,
    is_plain_linear,
    own_slopes,
)
from asymptotix.effects.problem import Data, Problem
from asymptotix.effects.scale import Scale
from asymptotix.effects.targets import Asked, asked, change_of, counterfactuals, known
from asymptotix.effects.unconditional import unconditional_covariance
from asymptotix.fitting.rank import undetermined
from asymptotix.links import AbstractLink
from asymptotix.model import layout

MOST_DRAWS = 20_000_000
"""Rows times draws that a simulation of row-wise results keeps."""
SMALLEST_SLOPE = 1e-3
"""A share of the largest derivative of a design, below which one is rounding and no direction."""


class Named(NamedTuple):
    """A piece with its labels: term, contrast, or values of variables.

    Attributes:
        labels, piece: the two.
        withheld: the rows, and of averages the groups, in which the data do not determine it; or
            whether they do so nowhere.
    """

    labels: dict[str, Any]
    piece: Piece
    withheld: np.ndarray | bool = False


def predictions(problem: Problem, options: Options) -> tuple[Estimates, Data]:
    """Predictions of rows, or their averages, and the data they are of."""
    problem, scale, at = _begin(problem, options)
    if options.variables is None:
        pieces = [Named({}, Piece(Quantity("level"), Change()))]
    else:
        pieces = counterfactual_pieces(problem, options, at.data)
    made = _effects(problem, options, scale, at, pieces)
    if not options.averages and options.method == "delta":
        made = _with_link_limits(problem, options, made, at)
    return tested(made, options.hypothesis), at.data


def comparisons(problem: Problem, options: Options) -> tuple[Estimates, Data]:
    """Differences, ratios or slopes of predictions, and the data they are of."""
    problem, scale, at = _begin(problem, options)
    require_derivative(scale, options)
    wanted = contrasts(
        known(problem, at.data, at.rows), options.variables, options.comparison, options.slope
    )
    if options.averages and may_share_a_pass(problem, options, at.data.x):
        made = _slopes_sharing_a_pass(problem, options, scale, at, wanted)
    else:
        made = _effects(
            problem,
            options,
            scale,
            at,
            [contrast_piece(problem, options, at.data, c) for c in wanted],
        )
    made = dataclasses.replace(made, null=null_of(options))
    return tested(made, options.hypothesis), at.data


def null_of(options: Options) -> float:
    """What a comparison is where nothing changes: a ratio is 1, anything else 0."""
    return 1.0 if options.slope is None and options.comparison == "ratio" else 0.0


def _begin(problem: Problem, options: Options) -> tuple[Problem, Scale, Asked]:
    if problem.is_infinite.any() and (options.method != "delta" or options.unconditional):
        raise InputError(
            "The data are separated: estimates that are infinite have neither a normal "
            "distribution nor influence functions; use method='delta' without unconditional=, or "
            "a fit with penalty=asx.Jeffreys().",
            code="separated",
        )
    problem, scale = on_scale(problem, options)
    return problem, scale, asked(problem, options)


def require_derivative(scale: Scale, options: Options) -> None:
    """Refuse slopes of what moves in steps."""
    if options.slope is not None and not scale.is_smooth:
        raise InputError(
            "A quantile of a discrete response is a whole number, which has no derivative; ask "
            "for a contrast by comparisons(), or for slopes of the probability of an event.",
            code="no_derivative",
        )


def counterfactual_pieces(problem: Problem, options: Options, data: Data) -> list[Named]:
    """Predictions with some variables at given values."""
    wanted = options.variables
    if not isinstance(wanted, dict) or not wanted or not options.averages:
        raise InputError(
            "variables= of a prediction is a dict from variables to values, such as "
            "{'educ': [8, 12, 16]}, and belongs to avg_predictions; for rows use newdata=datagrid.",
            code="variables",
        )
    for name in wanted:
        if name not in problem.spec.variables:
            raise InputError(
                f"'{name}' is no variable of the formula.", code="unknown_column", column=name
            )
        if name in options.by_columns:
            raise InputError(
                f"'{name}' is set by variables= and cannot be a group at once; leave it out of "
                "by=, as every value has an average of its own, or, to average within the observed "
                "values too, name a copy of the column there.",
                code="variables",
                column=name,
            )
    return [
        Named(fixed, Piece(Quantity("level"), change), _undetermined(problem, data, change))
        for fixed, change in counterfactuals(problem, wanted, data)
    ]


def contrast_piece(problem: Problem, options: Options, data: Data, contrast: Contrast) -> Named:
    """A contrast or derivative at some rows."""
    change = change_of(problem, contrast, data)
    labels = {"term": contrast.variable, "contrast": contrast.label}
    withheld = _undetermined(problem, data, change)
    if contrast.is_slope:
        quantity = Quantity("slope", slope=options.slope)  # pyright: ignore[reportArgumentType]
        return Named(labels, Piece(quantity, change), withheld)
    return Named(labels, Piece(Quantity("pair"), change, options.compare), withheld)


def _undetermined(problem: Problem, data: Data, change: Change) -> np.ndarray | bool:
    """The rows in which an omitted column is changed and leaves what it equalled in the fit."""
    moved = np.flatnonzero(omitted_columns(problem.fit, data.x.shape[1]))
    moved = np.intersect1d(moved, change.index)
    known = [one for one in problem.omitted if one.position in moved]
    if not len(moved) or len(known) < len(moved):
        return bool(len(moved))
    if change.variable is not None:
        direction = np.zeros_like(data.x)
        direction[:, change.index] = change.first
        return undetermined(data.x, known) | undetermined(direction, known, SMALLEST_SLOPE)
    lost = np.zeros(len(data.x), bool)
    for columns in (change.first, change.second):
        if columns is not None:
            x = data.x.copy()
            x[:, change.index] = columns
            lost |= undetermined(x, known)
    return lost


def of_groups(named: list[Named], sample: Sample) -> list[Named]:
    """The same for averages, of which one lost row that counts loses all of its group."""
    groups = np.zeros(len(sample.x)) if sample.groups is None else sample.groups
    counted = np.ones(len(sample.x)) if sample.weights is None else sample.weights > 0
    return [
        p._replace(
            withheld=np.bincount(groups.astype(int), counted * p.withheld, sample.n_groups) > 0
        )
        for p in named
    ]


def _effects(
    problem: Problem, options: Options, scale: Scale, at: Asked, named: list[Named]
) -> Estimates:
    draws = drawn(problem, options)
    told = "" if draws is None else draws.told
    if options.averages:
        found = [averaged(problem.model, scale, p.piece, at.sample, draws) for p in named]
        named = of_groups(named, at.sample)
        labels = labels_of(problem, options, named, at.groups, found[0].values.shape[1])
        return gathered(problem, options, scale, at, named, found, labels, told)
    found = _rowwise(problem, scale, at, named, draws)
    rows = pd.DataFrame({"rowid": at.data.rowid})
    labels = labels_of(problem, options, named, rows, found[0].values.shape[1])
    return gathered(problem, options, scale, at, named, found, labels, told)


def _rowwise(problem, scale, at: Asked, named, draws: Draws | None) -> list[Found]:
    n = len(at.data.x)
    if draws is not None and n * len(draws.thetas) * len(named) > MOST_DRAWS:
        raise InputError(
            f"{len(draws.thetas)} draws would keep {n * len(draws.thetas) * len(named)} numbers "
            f"for {n} rows; average them, take fewer rows or draws, or use method='delta'.",
            code="too_many",
        )
    full = n * len(named) <= LARGEST_COVARIANCE or problem.is_infinite.any()
    return [
        by_row(problem.model, scale, p.piece, at.sample, problem.matrix, full=full, draws=draws)
        for p in named
    ]


def labels_of(
    problem: Problem, options: Options, named: list[Named], rows: pd.DataFrame, components: int
) -> pd.DataFrame:
    """Labels of all estimates: piece, then row or group, then component."""
    frames, parts = [], problem.components(options.type)
    if len(parts) != components:
        parts = [str(j + 1) for j in range(components)]
    for piece in named:
        each = rows.loc[rows.index.repeat(components)].reset_index(drop=True)
        if components > 1:
            each.insert(0, "component", parts * len(rows))
        for position, (name, value) in enumerate(piece.labels.items()):
            if name not in each:
                each.insert(position, name, [value] * len(each))
        frames.append(each)
    labels = pd.concat(frames, ignore_index=True)
    if "rowid" in labels:
        labels.insert(0, "rowid", labels.pop("rowid"))
    return labels


def gathered(
    problem: Problem,
    options: Options,
    scale: Scale,
    at: Asked | None,
    named: list[Named],
    found: list[Found],
    labels: pd.DataFrame,
    told: str = "",
) -> Estimates:
    """Effects of several pieces with their covariance; `at` where covariates count as sampled."""
    values = np.concatenate([f.values.ravel() for f in found])
    withheld = np.concatenate(
        [
            np.broadcast_to(np.reshape(p.withheld, (-1, 1)), f.values.shape).ravel()
            for p, f in zip(named, found, strict=True)
        ]
    )
    values = np.where(withheld, np.nan, values)
    if found[0].draws is not None:
        draws = np.concatenate([f.draws.reshape(len(f.draws), -1) for f in found], axis=1)  # pyright: ignore
        return from_draws(labels, values, np.where(withheld, np.nan, draws), told)
    if not scale.is_smooth:
        return Estimates(labels, values, np.full(len(values), np.nan))
    if found[0].jacobian is None:
        variances = np.concatenate([f.variances.ravel() for f in found])  # pyright: ignore
        return Estimates(labels, values, np.where(withheld, np.nan, variances))
    slopes = np.concatenate([f.jacobian.reshape(f.values.size, -1) for f in found])  # pyright: ignore
    if options.unconditional is False:
        values = np.where(_runs_away(problem, slopes), np.nan, values)
        return with_jacobian(labels, values, slopes, problem.matrix)
    assert at is not None
    assert at.rows is not None
    clusters = _clusters(problem, options, at)
    covariance = unconditional_covariance(
        problem.fit,
        problem.model,
        at.rows,
        scale,
        [p.piece for p in named],
        found,
        at.sample,
        clusters,
    )
    return with_jacobian(
        labels, values, np.eye(len(values)), covariance,
        clusters=None if clusters is None or options.unconditional is True else clusters.max() + 1,
    )  # fmt: skip


def _runs_away(problem: Problem, slopes: np.ndarray) -> np.ndarray:
    """Which values hang on infinite estimates, for which the model has only large ones."""
    infinite = problem.is_infinite
    theta = np.asarray(layout(problem.model).flatten(problem.model), float)
    return np.abs(slopes[:, infinite]) @ np.abs(theta[infinite]) > 1e-6


def _clusters(problem: Problem, options: Options, at: Asked) -> np.ndarray | None:
    """Codes of the clusters, in the order of the rows of the fit."""
    assert at.rows is not None
    if options.unconditional is True:
        return problem.clusters(at.rows)
    column = open_source(problem.source).frame([options.unconditional])[options.unconditional]
    return pd.factorize(column.to_numpy()[at.data.rowid])[0]


# Slopes that share a pass


def may_share_a_pass(problem: Problem, options: Options, x) -> bool:
    """Whether all derivatives in such variables follow from averages of one."""
    return (
        options.slope == "dydx"
        and options.method == "delta"
        and options.unconditional is False
        and is_plain_linear(problem.model, x)
    )


def columns_alone(problem: Problem, wanted: list[Contrast]) -> dict[str, int]:
    """The columns of variables whose derivatives are asked for and that are columns themselves."""
    alone, ((spec, _),) = {}, placed(problem.spec)
    for c in wanted:
        own, linear, curved = split_by_use(spec, c.variable)
        if c.is_slope and not linear and not curved:
            (alone[c.variable],) = spec.record.term_indices[own[0]]
    return alone


def _slopes_sharing_a_pass(
    problem: Problem, options: Options, scale, at: Asked, wanted: list[Contrast]
) -> Estimates:
    """Variables that enter only as themselves by one pass, each of the others by its own."""
    alone = columns_alone(problem, wanted)
    shared = own_slopes(problem.model, scale, at.sample, alone.values()) if alone else []
    quick = dict(zip(alone, shared, strict=True))
    named, found = [], []
    for c in wanted:
        if c.is_slope and c.variable in quick:
            named.append(slope_of_column(problem, c, alone[c.variable]))
            found.append(quick[c.variable])
        else:
            named.append(contrast_piece(problem, options, at.data, c))
            found.append(averaged(problem.model, scale, named[-1].piece, at.sample))
    named = of_groups(named, at.sample)
    labels = labels_of(problem, options, named, at.groups, found[0].values.shape[1])
    return gathered(problem, options, scale, at, named, found, labels)


def slope_of_column(problem: Problem, c: Contrast, column: int) -> Named:
    """The name of a derivative in a variable that is a column itself."""
    omitted = not bool(np.asarray(problem.fit.active)[column])
    labels = {"term": c.variable, "contrast": c.label}
    return Named(labels, Piece(Quantity("slope"), Change()), omitted)


# Limits of predictions


def _with_link_limits(problem: Problem, options: Options, made: Estimates, at: Asked):
    r"""Limits of $\eta$ carried to the mean, which is monotone in a scalar $\eta$."""
    model = problem.model
    link = getattr(model.family, "link", None)
    eta_is_scalar = len(made.values) == len(at.data.x)
    if options.type != "response" or not isinstance(link, AbstractLink) or not eta_is_scalar:
        return made
    level = Piece(Quantity("level"), Change())
    found = by_row(model, Scale("link"), level, at.sample, problem.matrix, full=False)
    if found.values.shape[1] != 1:
        return made
    eta, error = found.values[:, 0], np.sqrt(found.variances[:, 0])  # pyright: ignore

    def limits(confidence: float):
        reach = problem.reference.quantile(0.5 + confidence / 2) * error
        ends = means(model.family, np.stack([eta - reach, eta + reach], axis=1))
        return ends.min(axis=1), ends.max(axis=1)

    return dataclasses.replace(made, limits=limits)
