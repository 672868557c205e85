"""Parameter layout: between a model and its flat vector of parameters."""

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import ROLE, Frozen
from asymptotix.core.static import by_structure
from asymptotix.core.typing import Array, Float


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where each parameter of a model stands in the flat vector theta.

    Attributes:
        estimated: for each leaf of the model, whether it is a parameter.
        shapes: shapes of the parameter leaves, in order.
        names: one name for each entry of theta, such as `predictor.coef[0]`.
    """

    estimated: tuple[bool, ...]
    shapes: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]

    @property
    def size(self) -> int:
        """The number of parameters."""
        return len(self.names)

    def flatten(self, model) -> Float[Array, "p"]:
        """The parameters of a model as one vector."""
        return self.gather(jax.tree.leaves(model))

    def gather(self, leaves) -> Float[Array, "p"]:
        """The parameters among a model's leaves as one vector."""
        parts = [v.reshape(-1) for v, e in zip(leaves, self.estimated, strict=True) if e]
        if all(isinstance(part, np.ndarray) for part in parts):
            return np.concatenate(parts) if parts else np.zeros(0)  # pyright: ignore
        return jnp.concatenate(parts)

    def replace(self, model, theta: Float[Array, "p"]):
        """The model with its parameters taken from theta."""
        leaves, treedef = jax.tree.flatten(model)
        return jax.tree.unflatten(treedef, self.scatter(leaves, theta))

    def scatter(self, leaves, theta: Float[Array, "p"]) -> list:
        """A model's leaves with its parameters taken from theta."""
        filled, shapes, start = list(leaves), iter(self.shapes), 0
        for i, estimated in enumerate(self.estimated):
            if estimated:
                shape = next(shapes)
                size = math.prod(shape)
                filled[i] = theta[start : start + size].reshape(shape)
                start += size
        return filled


@by_structure
def layout(model) -> Layout:
    """The layout of a model's parameters.

    Raises:
        InputError: a float array is neither declared by `asx.parameter`, nor inside an
            `equinox.nn` layer, nor wrapped by `asx.freeze`.
    """
    estimated, shapes, names = [], [], []
    for path, leaf in jax.tree_util.tree_flatten_with_path(model)[0]:
        role = _role(model, path)
        name = jax.tree_util.keystr(path).lstrip(".")
        if role is None and _is_float(leaf):
            raise InputError(
                f"The float field '{name}' of {type(model).__name__} is neither a parameter nor a "
                "constant; declare it with asx.parameter() if it is to be estimated, or wrap its "
                "value in asx.freeze() if it is not.",
                code="undeclared_parameter",
                column=name,
            )
        is_parameter = role == "parameter" and _is_float(leaf)
        estimated.append(is_parameter)
        if is_parameter:
            shapes.append(np.shape(leaf))
            names.extend(name + _index(i) for i in np.ndindex(np.shape(leaf)))
    return Layout(tuple(estimated), tuple(shapes), tuple(names))


def _index(position: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, position))}]" if position else ""


def _is_float(leaf: Any) -> bool:
    if isinstance(leaf, float):
        return True
    return eqx.is_array_like(leaf) and jnp.issubdtype(jnp.result_type(leaf), jnp.floating)


def _role(model, path) -> str | None:
    """The role of the leaf at `path`: the innermost declaration on the way to it counts."""
    role, node = None, model
    for step in path:
        if isinstance(node, Frozen):
            return "constant"
        if isinstance(node, eqx.Module):
            fields = {f.name: f for f in dataclasses.fields(node)}
            declared = fields[step.name].metadata.get(ROLE)
            if declared is None and type(node).__module__.startswith("equinox.nn"):
                declared = "parameter"
            role = declared or role
            node = getattr(node, step.name)
        elif hasattr(step, "name"):  # a named tuple, or another class that JAX knows
            node = getattr(node, step.name)
        else:
            node = node[step.idx] if hasattr(step, "idx") else node[step.key]
    return role
