"""Formula fits on streams: from what the user handed over to rows that are never held together."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError, MissingRowsWarning
from asymptotix.core.lazy import LazyModule
from asymptotix.covariances import AbstractCovariance
from asymptotix.data.batches import Stream
from asymptotix.data.design_spec import Design
from asymptotix.data.response import Response, recoded
from asymptotix.data.rows import Rows
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.streamed import StreamedRows
from asymptotix.data.streams import as_stream
from asymptotix.families import AbstractFamily
from asymptotix.fitting import Fit, Newton
from asymptotix.fitting.bar import Bar
from asymptotix.fitting.checkpoint import Checkpoint
from asymptotix.results.inputs import Inputs

if TYPE_CHECKING:
    import pandas as pd

    from asymptotix.data import partitions, patterns, reader, recipe, survey, tally
    from asymptotix.fitting import separated
else:  # of streams only
    partitions = LazyModule("asymptotix.data.partitions")
    patterns = LazyModule("asymptotix.data.patterns")
    reader = LazyModule("asymptotix.data.reader")
    recipe = LazyModule("asymptotix.data.recipe")
    survey = LazyModule("asymptotix.data.survey")
    tally = LazyModule("asymptotix.data.tally")
    pd = LazyModule("pandas")
    separated = LazyModule("asymptotix.fitting.separated")


def streamed_rows(
    inputs: Inputs, stream: Stream, family: AbstractFamily
) -> tuple[StreamedRows, Design, Response] | None:
    """Rows, design and response of a stream; `None` where it is small enough for one slab.

    Arguments:
        inputs: what the user handed over.
        stream: its data.
        family: whose responses are checked.

    Raises:
        InputError: as for data in memory; and for arrays beside a stream, terms that depend on
            other rows, and knots that are not given.
    """
    formula = _formula(inputs)
    wanted = _wanted(inputs)
    coder = _Coder(inputs, family)
    seen = survey.Survey(formula, inputs.context, stream, wanted, coder.check)
    coder.name = seen.parsed.response.expr  # pyright: ignore[reportOptionalMemberAccess]
    if not _read(seen, stream):
        return None
    response, weights = coder.settle(*seen.responses())
    recipe, design, frame = seen.recipe(coder)
    survey.check_rowwise(recipe, seen.first)
    sample, _ = recipe.rows(frame)
    assert sample is not None
    there = None if stream.workers is None else partitions.designed(stream.workers, recipe)
    few = seen.tally.is_open and wanted.offset is None
    plain = wanted.weight_kind in (None, "frequency") or family.dispersion_rule == "fixed"
    rows = StreamedRows(
        reader.Reader(stream, recipe)
        if there is None
        else partitions.PartitionReader(stream, recipe, there),
        n=seen.used,
        total=seen.total,
        present_rows=seen.present,
        weight_kind=wanted.weight_kind,
        sample=sample,
        constant=tuple(i for i, name in enumerate(design.names) if name == "Intercept"),
        distinct=_distinct(response.values, weights, wanted, sample) if few and plain else None,
        progress=_bar,
        evaluator=there,
        together=there is not None,
    )
    return rows.with_groups(grouped(rows, inputs.groups) or {}), design, response


def _read(seen: survey.Survey, stream: Stream) -> bool:
    """Survey all rows, here or where they lie; whether they are more than a slab."""
    if stream.workers is None:
        return not seen.read(_bar).is_small
    partitions.surveyed(stream.workers, seen, 2 * tally.SAMPLE_ROWS)
    if seen.n <= SLAB_ROWS:
        return False
    seen.judge()
    return True


def evaluated(
    inputs: Inputs, family: AbstractFamily, streams: bool, checkpoint=None
) -> tuple[Inputs, Any, Design, Response]:
    """Inputs, rows, design and response, of rows in memory or of a stream.

    Arguments:
        inputs: what the user handed over.
        family: whose responses are checked.
        streams: whether what is fitted can be fitted on a stream.
        checkpoint: a file for the state of the fit after each pass, which streams have.
    """
    stream = as_stream(inputs.data)
    if stream is not None:
        inputs = dataclasses.replace(inputs, data=stream)
        found = streamed_rows(inputs, stream, family) if streams else None
        if found is not None:
            rows, design, response = found
            if checkpoint is not None:
                told = f"{inputs.formula} | {family!r} | {rows.n} | {rows.total!r}"
                kept = Checkpoint(checkpoint, told)
                rows = dataclasses.replace(rows, checkpoint=kept)
            return dataclasses.replace(inputs, streamed=rows), rows, design, response
    if checkpoint is not None:
        raise InputError(
            "checkpoint= belongs to fits of streams larger than a slab; these data are in memory.",
            code="option",
            column="checkpoint",
        )
    rows, design, response = inputs.evaluate()
    family.check_response(rows.y, design.response_name or "response")
    return inputs, rows, design, response


def can_stream(options) -> bool:
    """Whether sums over rows are all that the solver and the penalty take."""
    solver, penalty = options.get("solver"), options.get("penalty")
    corrects = getattr(penalty, "intercept_correction", None)
    return not corrects and (solver is None or isinstance(solver, Newton))


def covariance_rows(inputs: Inputs, kind: AbstractCovariance, data: Any = None) -> Any:
    """The rows of a fit for another covariance: of the stream where that will do."""
    rows = inputs.streamed
    if rows is None or data is not None or kind.refits or not kind.streams:
        return inputs.again(data)
    return rows.with_groups(grouped(rows, inputs.groups) or {})


def second_look(fit: Fit, rows: Any, inputs: Inputs) -> tuple[Rows, Any] | None:
    """The rows of a stream whose fit may have no maximum, so that separation can be looked for.

    All of them where they fit into memory, or else the different ones where these are few.

    Arguments:
        fit: of the stream.
        rows: that it was fitted to.
        inputs: what the user handed over.

    Returns:
        Rows, and which of the source they are (`None` where one stands for several); `None` for
        other fits, for rows in memory, and where there are too many.
    """
    if not isinstance(rows, StreamedRows) or fit.penalty is not None or not _in_doubt(fit):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingRowsWarning)
            found, design, _ = dataclasses.replace(inputs, streamed=None).evaluate()
    except InputError as error:
        if error.code != "stream":
            raise
        found = None if inputs.groups else patterns.distinct_rows(rows)
        return None if found is None else (found, None)
    return found, design.kept


def _in_doubt(fit: Fit) -> bool:
    """Whether data in memory would be searched for separation after such a fit."""
    return not bool(fit.converged) or separated.is_doubtful(fit)


def grouped(rows: StreamedRows, groups) -> dict[str, np.ndarray] | None:
    """Codes of clusters, read from the stream, for columns by label."""
    if not groups:
        return None
    for given in groups.values():
        _require_name(given, "clusters")
    read: Any = rows.read
    return read.groups(dict(groups), rows.n)


def _bar(n: int) -> Bar:
    return Bar(n, "rows")


def _formula(inputs: Inputs) -> str:
    if isinstance(inputs.formula, str) and not inputs.components:
        return inputs.formula
    raise InputError(
        "Families with several predictors are not fitted on streams larger than "
        "a slab; read the columns into memory first.",
        code="stream",
    )


def _wanted(inputs: Inputs) -> recipe.Wanted:
    for what in ("weights", "offset", "trials"):
        if getattr(inputs, what) is not None:
            _require_name(getattr(inputs, what), what)
    if inputs.missing not in ("drop", "raise"):
        raise InputError(f"missing={inputs.missing!r} must be 'drop' or 'raise'.", code="option")
    # Rows judges the kind of weights, before anything is read.
    one = None if inputs.weights is None else np.ones(1)
    Rows(np.ones((1, 1)), np.ones(1), weights=one, weight_kind=inputs.weight_kind)
    given = inputs.weights, inputs.offset, inputs.trials
    return recipe.Wanted(*given, inputs.weight_kind, inputs.missing)


def _require_name(given: Any, what: str) -> None:
    if not isinstance(given, str):
        raise InputError(
            f"Beside a stream, {what} must be the name of one of its columns, not an array.",
            code="stream",
            column=what,
        )


class _Coder:
    """Responses in numbers, the same way in every stretch.

    Arguments:
        inputs: how the response is read.
        family: what its values may be.
    """

    def __init__(self, inputs: Inputs, family: AbstractFamily):
        # Without the data: this goes to where they lie.
        self.inputs = dataclasses.replace(inputs, data=None, context=None)
        self.family = family
        self.name = "response"
        self.is_label = inputs.response_kind in ("binary", "categorical")
        self.known = Response(np.empty(0))

    def check(self, answer: pd.Series, trials) -> None:
        """Raise where a value of one stretch cannot be; labels are judged all together."""
        if self.is_label:
            return
        try:
            y = self.inputs.coded(answer, self.name, trials).values
            self.family.check_response(y, self.name)
        except InputError as error:
            if error.code != "constant_response":  # a stretch may be constant
                raise

    def settle(self, answers: pd.Series, trials, weights) -> tuple[Response, np.ndarray]:
        """The response of each different value, by which all others are coded."""
        # Repeated, since as many levels as rows would be refused.
        copies = 3 if self.inputs.response_kind == "categorical" else 1
        repeated = pd.concat([answers] * copies, ignore_index=True)
        found = self.inputs.coded(repeated, self.name, trials)
        if copies > 1:
            found = dataclasses.replace(found, values=found.values[: len(answers)])
        self.family.check_response(found.values, self.name)
        self.known = found
        return found, weights

    def __call__(self, answer: pd.Series, trials) -> Any:
        if self.is_label:
            return recoded(answer, self.name, self.known)
        return self.inputs.coded(answer, self.name, trials).values


def _distinct(y, weights, wanted: recipe.Wanted, sample: Rows) -> Rows:
    x = np.repeat(sample.x[:1], len(weights), axis=0)
    return Rows(x, y, weights=weights, weight_kind=wanted.weight_kind or "frequency")
