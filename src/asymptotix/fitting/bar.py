"""A progress bar for many replicates, shown once the work has taken a while."""

import threading
import time
import warnings
from typing import Any

PATIENCE = 2.0
"""Seconds after which a bar appears."""


class Bar:
    """Counts replicates that are done, from any thread.

    Arguments:
        total: how many there are.
        label: what the bar says that they are.
    """

    def __init__(self, total: int, label: str):
        self.total, self.label = total, label
        self.done, self.lock = 0, threading.Lock()
        self.bar: Any = None
        self.begun: float | None = None

    def __call__(self, more: int) -> None:
        with self.lock:
            self.done += more
            now = time.monotonic()
            self.begun = self.begun or now  # not before the first chunk: it may have compiled
            if self.bar is None and now - self.begun > PATIENCE:
                self.begun, self.bar = float("inf"), self._shown()
            if self.bar is not None:
                self.bar.update(self.done - self.bar.n)

    def _shown(self) -> Any:
        """The bar; none where tqdm is not installed."""
        try:
            with warnings.catch_warnings():  # of notebooks without widgets: a bar of text will do
                warnings.simplefilter("ignore")
                from tqdm.auto import tqdm  # needed by long work only
        except ImportError:
            return None
        return tqdm(total=self.total, initial=self.done, desc=self.label, leave=False)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_) -> None:
        if self.bar is not None:
            self.bar.close()
