"""Quasi-Newton methods, from optimistix."""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp

from asymptotix.core.errors import InputError
from asymptotix.fitting.newton import Newton
from asymptotix.fitting.objective import mean_loss
from asymptotix.fitting.solver import AbstractSolver, History

METHODS = ("bfgs", "lbfgs")


class Quasi(AbstractSolver):
    """BFGS or limited-memory BFGS, then Newton's method from where it arrived.

    Arguments:
        method: `"bfgs"` (keeps a matrix of all parameters) or `"lbfgs"` (keeps a few vectors).
        tolerance: at which optimistix stops, on steps and on the mean loss; what counts as
            converged is the decrement, as for every solver.
        max_steps: of the quasi-Newton method.
        polish: whether Newton's method takes the last steps; without it the point of arrival is
            kept, and judged.
        last: the `Newton` that polishes and judges.
    """

    method: Literal["bfgs", "lbfgs"] = eqx.field(static=True, default="bfgs")
    tolerance: float = eqx.field(static=True, default=1e-6)
    max_steps: int = eqx.field(static=True, default=1000)
    polish: bool = eqx.field(static=True, default=True)
    last: Newton = Newton()

    @property
    def stops_early(self) -> bool:
        """Never."""
        return False

    @property
    def newton(self) -> Newton:
        """The `Newton` that polishes and judges."""
        return self.last

    def __check_init__(self):
        if self.method not in METHODS:
            raise InputError(f"method={self.method!r} must be one of {METHODS}.", code="option")
        if not (self.tolerance > 0 and self.max_steps >= 1):
            raise InputError(
                f"tolerance={self.tolerance!r} must be positive and "
                f"max_steps={self.max_steps!r} at least 1.",
                code="option",
            )

    def approach(self, model, rows, setup):
        import optimistix as optx  # kept out of the start-up of fits by Newton

        chosen = optx.BFGS if self.method == "bfgs" else optx.LBFGS
        loss = mean_loss(model, setup.coordinates, setup.penalty, rows)
        found = optx.minimise(
            lambda params, _: loss(params),
            chosen(rtol=self.tolerance, atol=self.tolerance),
            setup.start,
            max_steps=self.max_steps,
            throw=False,
        )
        arrived = jnp.where(jnp.all(jnp.isfinite(found.value)), found.value, setup.start)
        return arrived, History(jnp.asarray(found.stats["num_steps"], jnp.int32))
