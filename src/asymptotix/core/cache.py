"""Compiled programs on disk, so that the next process need not compile them again."""

import os
from pathlib import Path

import jax
from jax.experimental.compilation_cache import compilation_cache

from asymptotix.core.errors import InputError


def cache(path: "str | os.PathLike | None" = None) -> Path:
    """Keep compiled programs in a folder, from this call to the end of the process.

    The first fit of a new process then takes half of its time. This sets JAX's own
    `jax_compilation_cache_dir`, for all that the process compiles, and the least compilation time
    that is worth an entry to 0; nothing else in Asymptotix changes a setting.

    Arguments:
        path: of the folder, which is made if need be and which nobody else should be able to
            write to: what lies in it is run; `asymptotix` among the user's cached files by
            default.

    Returns:
        The folder.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    folder = _usual() if path is None else Path(path).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InputError(
            f"'{folder}' cannot be made into a folder ({error}); give the path of another one.",
            code="file",
        ) from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"'{folder}' cannot be written to; give another folder.", code="file")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    compilation_cache.reset_cache()  # a folder that JAX has opened already would stay in use
    return folder


def _usual() -> Path:
    """Where the system keeps what programs can make again."""
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME")
    return Path(base or Path.home() / ".cache") / "asymptotix"
