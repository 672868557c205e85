"""Dask frames: as streams, and as partitions that the workers of a cluster hold."""

import dataclasses
from collections.abc import Callable
from typing import Any

from asymptotix.core.errors import InputError
from asymptotix.data.batches import Stream


@dataclasses.dataclass(frozen=True)
class Workers:
    """The cluster that computes a Dask frame.

    Arguments:
        frame: the frame.
        client: the connection to the cluster.
    """

    frame: Any
    client: Any

    def each(self, columns: list[str], function: Callable, *options: Any) -> list:
        """Futures of a function of every partition; one whose worker is lost is computed anew."""
        from dask.delayed import delayed

        parts = self.frame[columns].to_delayed()
        return self.client.compute([delayed(function, pure=False)(p, *options) for p in parts])

    def submit(self, function: Callable, *arguments: Any) -> Any:
        """A future of a function of futures, run where they lie."""
        return self.client.submit(function, *arguments, pure=False)


def result(future: Any, partition: int) -> Any:
    """What a future holds; errors say which partition they are of."""
    try:
        return future.result()
    except InputError as error:
        raise InputError(
            f"In partition {partition}: {error}",
            code=error.code,
            column=error.column,
            rows=error.rows,
        ) from error


def stream_of(frame: Any) -> Stream | None:
    """A Dask frame as a stream; partition after partition in this process without a cluster."""
    import pyarrow as pa

    if not hasattr(frame, "to_delayed") or not hasattr(frame, "columns"):
        return None

    def read(columns: list[str]):
        for part in frame[columns].to_delayed():
            yield pa.Table.from_pandas(part.compute(), preserve_index=False)

    client = _client()
    workers = None if client is None else Workers(frame, client)
    return Stream(tuple(map(str, frame.columns)), read, "the Dask frame", workers=workers)


def _client() -> Any:
    try:
        from distributed import default_client

        return default_client()
    except (ImportError, ValueError):
        return None
