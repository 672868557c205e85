"""Splitting a model into arrays and a hashable rest, so that plain `jax.jit` can key on it."""

import functools

import equinox as eqx
import jax
import numpy as np


class Static:
    """The part of a pytree that is not arrays: compares by structure, hashes once."""

    def __init__(self, tree):
        leaves, self.treedef = jax.tree.flatten(tree, is_leaf=lambda v: v is None)
        self.leaves = tuple(leaves)
        self._hash = hash((self.treedef, self.leaves))

    def __hash__(self):
        return self._hash

    def __eq__(self, other):
        if self is other:
            return True
        return (
            isinstance(other, Static)
            and self._hash == other._hash
            and self.treedef == other.treedef
            and self.leaves == other.leaves
        )

    def __reduce__(self):
        return Static, (jax.tree.unflatten(self.treedef, self.leaves),)

    def combine(self, arrays):
        """The whole pytree again, from its arrays."""
        return eqx.combine(arrays, jax.tree.unflatten(self.treedef, self.leaves))


def split(tree):
    """`(arrays, Static)`: the arrays of a pytree and everything else."""
    arrays, rest = eqx.partition(tree, eqx.is_array)
    return arrays, Static(rest)


def by_structure(function):
    """Remember what a function finds out about a pytree's structure, whatever its numbers.

    The function's first argument is the pytree; it may read shapes, types and everything that is
    not an array. Its other arguments must be hashable.
    """
    known = {}

    @functools.wraps(function)
    def wrapped(tree, *rest):
        leaves, treedef = jax.tree.flatten(tree)
        key = (treedef, tuple(map(_outline, leaves)), rest)
        if key not in known:
            known[key] = function(tree, *rest)
        return known[key]

    return wrapped


def _outline(leaf):
    if type(leaf) is np.ndarray or isinstance(leaf, (np.ndarray, np.generic, jax.Array)):
        return leaf.shape, leaf.dtype.kind
    return (leaf, type(leaf))
