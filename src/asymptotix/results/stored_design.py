"""A formula's design as plain values: terms, levels, knots and means; no expression is run."""

from typing import Any

from formulaic import ModelSpec, SimpleFormula
from formulaic.materializers.types import (
    EvaluatedFactor,
    NAAction,
    ScopedFactor,
    ScopedTerm,
)
from formulaic.model_spec import EncodedTermStructure
from formulaic.parser.types import Factor, Term
from formulaic.transforms import contrasts
from formulaic.utils.sentinels import UNSET

from asymptotix.results.codec import problem

CODINGS = (
    "TreatmentContrasts", "SASContrasts", "SumContrasts", "HelmertContrasts", "DiffContrasts",
    "PolyContrasts", "CustomContrasts",
)  # fmt: skip


def stored(spec: ModelSpec) -> dict[str, Any]:
    """The record of a design in plain values."""
    factors = {f.expr: f for term in spec.formula for f in term.factors}
    return {
        "factors": {e: (f.eval_method.value, f.kind.value) for e, f in factors.items()},
        "terms": [[f.expr for f in term.factors] for term in spec.formula],
        "structure": [
            {
                "term": [f.expr for f in entry.term.factors],
                "scoped": [_scoped(term) for term in entry.scoped_terms],
                "columns": list(entry.columns),
            }
            for entry in spec.structure or ()
        ],
        "transforms": spec.transform_state,
        "encodings": {
            expr: (kind.value, {name: _packed(v) for name, v in state.items()})
            for expr, (kind, state) in spec.encoder_state.items()
        },
        "settings": {
            "materializer": spec.materializer,
            "ensure_full_rank": spec.ensure_full_rank,
            "na_action": spec.na_action.value,
            "output": spec.output,
        },
    }


def rebuilt(plain: dict[str, Any]) -> ModelSpec:
    """The record of a design from plain values."""
    factors = {
        expr: Factor(expr, eval_method=method, kind=kind)
        for expr, (method, kind) in plain["factors"].items()
    }

    def term(names) -> Term:
        return Term([factors[name] for name in names])

    settings: dict[str, Any] = dict(plain["settings"])
    formula: Any = SimpleFormula([term(names) for names in plain["terms"]], _ordering="none")
    return ModelSpec(
        formula=formula,
        structure=[
            EncodedTermStructure(
                term=term(entry["term"]),
                scoped_terms=[_unscoped(scoped, factors) for scoped in entry["scoped"]],
                columns=list(entry["columns"]),
            )
            for entry in plain["structure"]
        ],
        transform_state=plain["transforms"],
        encoder_state={
            expr: (Factor.Kind(kind), {name: _unpacked(v) for name, v in state.items()})
            for expr, (kind, state) in plain["encodings"].items()
        },
        na_action=NAAction(settings.pop("na_action")),
        **settings,
    )


def _scoped(term: ScopedTerm) -> dict[str, Any]:
    return {
        "factors": [(f.factor.expr, f.reduced) for f in term.factors],
        "scale": term.scale,
    }


def _unscoped(plain: dict[str, Any], factors: dict[str, Factor]) -> ScopedTerm:
    empty: Any = None
    made = [
        ScopedFactor(EvaluatedFactor(factors[expr], empty), reduced=reduced)
        for expr, reduced in plain["factors"]
    ]
    return ScopedTerm(made, scale=plain["scale"])


def _packed(value: Any) -> Any:
    if not isinstance(value, contrasts.ContrastsState):
        return ("plain", value)
    coding = value.contrasts
    name = type(coding).__name__
    if name not in CODINGS:
        raise problem(f"the coding {name} is not known")
    fields = {k: v for k, v in vars(coding).items() if v is not UNSET}
    return ("coding", name, fields, list(value.levels))


def _unpacked(packed: Any) -> Any:
    if packed[0] == "plain":
        return packed[1]
    _, name, fields, levels = packed
    if name not in CODINGS:
        raise problem(f"the coding {name} is not known")
    coding = object.__new__(getattr(contrasts, name))
    unset = {"base": UNSET} if isinstance(coding, contrasts.TreatmentContrasts) else {}
    vars(coding).update({**unset, **fields})
    return contrasts.ContrastsState(contrasts=coding, levels=levels)
