"""Multilayer perceptrons on standardised inputs."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import Frozen, freeze
from asymptotix.core.precision import double
from asymptotix.core.typing import Array, Eta, Float, Key
from asymptotix.predictors.base import AbstractPredictor


def perceptron(
    in_size: int,
    hidden: Sequence[int],
    *,
    out_size: int | None = None,
    activation: Callable,
    key: Key,
) -> Callable:
    """An `equinox.nn.MLP` in float64; layers of different widths one after another.

    Arguments:
        in_size: number of inputs.
        hidden: units of each hidden layer.
        out_size: components of a vector eta; `None` for a scalar.
        activation: between layers, smooth where curvature is wanted.
        key: for the initial weights.
    """
    if any(width < 1 for width in hidden):
        raise InputError(f"hidden={tuple(hidden)!r} must hold numbers of units.", code="option")
    with double():
        last: Any = "scalar" if out_size is None else out_size
        if len(set(hidden)) <= 1:
            width = hidden[0] if hidden else 0
            return eqx.nn.MLP(
                in_size, last, width, len(hidden), activation, dtype=jnp.float64, key=key
            )
        keys = jax.random.split(key, len(hidden) + 1)
        layers, size = [], in_size
        for width, one in zip(hidden, keys[:-1], strict=True):
            layers += [
                eqx.nn.Linear(size, width, dtype=jnp.float64, key=one),
                eqx.nn.Lambda(activation),
            ]
            size = width
        layers.append(eqx.nn.Linear(size, last, dtype=jnp.float64, key=keys[-1]))
        return eqx.nn.Sequential(layers)


class Standardised(AbstractPredictor):
    r"""$\eta = f((x - m)/s)$ on some columns of `x`: inputs of a network on a common scale.

    Arguments:
        module: the network $f$.
        center, scale: $m$ and $s$, constants.
        columns: positions of the inputs among the columns of `x`.
    """

    module: Callable
    center: Frozen
    scale: Frozen
    columns: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, module: Callable, center: Any, scale: Any, columns: Sequence[int]):
        self.module = module
        self.center, self.scale = freeze(np.asarray(center)), freeze(np.asarray(scale))
        self.columns = tuple(columns)

    def __call__(self, x: Float[Array, "k"]) -> Eta:
        inputs = (x[np.array(self.columns)] - self.center.value) / self.scale.value
        return jnp.asarray(self.module(inputs))

    def hidden_units(self, x: Float[Array, "k"]) -> tuple[Float[Array, "h"], Float[Array, "h"]]:
        """Of the first hidden layer: what enters each unit's activation, and what comes out.

        Arguments:
            x: one observation's covariates.
        """
        inputs = (x[np.array(self.columns)] - self.center.value) / self.scale.value
        entering = self.layers[0](inputs)
        module: Any = self.module
        activation = module.activation if isinstance(module, eqx.nn.MLP) else module.layers[1]
        return entering, jax.vmap(activation)(entering)

    @property
    def layers(self) -> list[Any]:
        """The affine maps, from inputs to eta."""
        return [m for m in jax.tree.leaves(self.module, is_leaf=_is_layer) if _is_layer(m)]

    def coefficient_names(self, columns) -> tuple[str, ...]:
        """Names such as `layer1.weight[2, educ]`: unit, then input."""
        names, inputs = [], [columns[j] for j in self.columns]
        for i, layer in enumerate(self.layers, start=1):
            units = np.shape(layer.weight)[0]
            names += [f"layer{i}.weight[{u}, {c}]" for u in range(1, units + 1) for c in inputs]
            names += [f"layer{i}.bias[{u}]" for u in range(1, np.size(layer.bias) + 1)]
            inputs = [f"unit {u}" for u in range(1, units + 1)]
        return tuple(names)


def _is_layer(node: Any) -> bool:
    return isinstance(node, eqx.nn.Linear)
