"""A progress bar for work inside a compiled program."""

import jax
import numpy as np

from asymptotix.fitting.bar import Bar


class _Epochs:
    """The bar of the training that is going on."""

    def __init__(self):
        self.bar: Bar | None = None

    def __call__(self, done, total) -> None:
        done, total = int(np.asarray(done)), int(np.asarray(total))
        if self.bar is None or done <= 1:
            self.bar = Bar(total, "epochs")
        self.bar(1)
        if done >= total:
            self.bar.__exit__()
            self.bar = None


_epochs = _Epochs()


def tick(done, total: int) -> None:
    """Report from inside a compiled loop that `done` of `total` epochs are done."""
    jax.debug.callback(_epochs, done, total, ordered=False)
