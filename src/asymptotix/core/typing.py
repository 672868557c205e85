"""Names for the array shapes that recur in signatures.

`n` rows, `k` columns of one design, `p` parameters, `m` linear predictors of one observation.
"""

from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float, Int, PyTree

Array = jax.Array | np.ndarray
"""A JAX array inside transformations, a NumPy array on the host: both hold the same numbers."""
Scalar = Float[Array, ""]
Eta = Float[Array, "..."]
"""The predictor of one observation: a scalar, or a vector for several-parameter families."""
Response = PyTree[Any]
"""The response of one observation: a scalar, or a small pytree such as (successes, trials)."""
Key = Any
"""A JAX random key, always passed by hand."""

__all__ = ["Array", "Bool", "Eta", "Float", "Int", "Key", "PyTree", "Response", "Scalar"]
