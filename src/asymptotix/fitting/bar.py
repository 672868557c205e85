"""A progress bar for many replicates, shown once the work has taken a while."""

import threading
import time

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
        self.done, self.bar = 0, None
        self.begun, self.lock = None, threading.Lock()

    def __call__(self, more: int) -> None:
        with self.lock:
            self.done += more
            now = time.monotonic()
            self.begun = self.begun or now  # not before the first chunk: it may have compiled
            if self.bar is None and now - self.begun > PATIENCE:
                from tqdm.auto import tqdm  # needed by long work only

                self.bar = tqdm(total=self.total, initial=self.done, desc=self.label, leave=False)
            if self.bar is not None:
                self.bar.update(self.done - self.bar.n)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_) -> None:
        if self.bar is not None:
            self.bar.close()
