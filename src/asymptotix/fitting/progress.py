"""A progress bar for work inside a compiled program, shown once it has taken a while."""

import time

import jax
import numpy as np

PATIENCE = 2.0
"""Seconds after which a bar appears."""


class _Bar:
    def __init__(self):
        self.begun, self.bar = None, None

    def __call__(self, done, total):
        done, total = int(np.asarray(done)), int(np.asarray(total))
        now = time.monotonic()
        if done <= 1 or self.begun is None:
            self.close()
            self.begun = now
        if self.bar is None and now - self.begun > PATIENCE:
            from tqdm.auto import tqdm  # needed by long work only

            self.bar = tqdm(total=total, desc="epochs", leave=False)
        if self.bar is not None:
            self.bar.update(done - self.bar.n)
        if done >= total:
            self.close()

    def close(self):
        if self.bar is not None:
            self.bar.close()
        self.begun, self.bar = None, None


_bar = _Bar()


def tick(done, total: int) -> None:
    """Report from inside a compiled loop that `done` of `total` is done."""
    jax.debug.callback(_bar, done, total, ordered=False)
