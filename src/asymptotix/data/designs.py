"""Several formulas at once: one design for each component of a predictor."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from asymptotix.core.errors import InputError, MissingRowsWarning, close_matches
from asymptotix.data.design import build_design
from asymptotix.data.design_spec import Design, DesignSpecs
from asymptotix.data.formula import parse_formula
from asymptotix.data.frames import open_source


def build_designs(
    formulas: Mapping[str, str],
    names: tuple[str, ...],
    data: Any,
    context: Any = None,
    extra_columns=(),
    missing: str = "drop",
) -> Design:
    """The designs of several formulas on the same rows.

    Arguments:
        formulas: for each component its formula; only the first component's has a response.
        names: the components, in order; one without a formula has an intercept only.
        data, context, extra_columns, missing: as in `build_design`.

    Raises:
        InputError: an unknown component, or a formula or data that cannot be used.
    """
    _check_components(formulas, names)
    written = {name: formulas.get(name, "~ 1") for name in names}
    source = open_source(data)
    used = [
        column
        for i, text in enumerate(written.values())
        for group in parse_formula(text, source.names, context, i == 0).columns.values()
        for column in group
    ]
    needed = tuple(dict.fromkeys([*used, *extra_columns]))
    made = {}
    for i, (name, text) in enumerate(written.items()):
        with warnings.catch_warnings():
            if i:  # the first has said which rows are left out
                warnings.simplefilter("ignore", MissingRowsWarning)
            made[name] = build_design(text, data, context, needed, missing, i == 0)
    return _joined(made)


def _check_components(formulas: Mapping[str, str], names: tuple[str, ...]) -> None:
    if not names:
        raise InputError(
            "A dict of formulas belongs to families with several predictors, such as "
            "asx.LocationScale(); give one formula.",
            code="formula",
        )
    for name in formulas:
        if name not in names:
            raise InputError(
                f"The family has no predictor {name!r}; its predictors are {', '.join(names)}."
                f"{close_matches(name, names)}",
                code="formula",
                column=str(name),
            )
    if names[0] not in formulas:
        raise InputError(
            f"The formula of {names[0]!r} is missing; it is the one with the response, such as "
            f"{{'{names[0]}': 'y ~ x'}}.",
            code="formula",
            column=names[0],
        )


def _joined(made: dict[str, Design]) -> Design:
    main = next(iter(made.values()))
    kept = np.logical_and.reduce([design.kept for design in made.values()])
    specs = DesignSpecs({name: design.spec for name, design in made.items()})
    joined: Any = {name: design.x[kept[design.kept]] for name, design in made.items()}
    answer = main.response
    lost = [design.dropped_by for design in made.values()]
    frames = [design.frame for design in made.values()]
    frame = frames[0].assign(**{c: f[c] for f in frames[1:] for c in f if c not in frames[0]})
    return dataclasses.replace(
        main,
        x=joined,
        names=specs.names,
        response=None if answer is None else answer[kept[main.kept]],
        spec=specs,  # pyright: ignore[reportArgumentType]
        kept=kept,
        dropped=int((~kept).sum()),
        dropped_by={name: count for counts in lost for name, count in counts.items()},
        frame=frame,
    )
