"""Results as a file: a zip of JSON and NumPy arrays, with no code in it."""

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from formulaic import ModelSpec

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.data.captured import Captured
from asymptotix.results.codec import Decoder, Encoder, problem
from asymptotix.results.inputs import Inputs
from asymptotix.results.stored_design import rebuilt, stored

FORMAT = "asymptotix results"
VERSION = 1
"""Raised when files change so that an older version could not read them."""
MEMBERS = ("manifest.json", "content.json", "arrays.npz")


class Saving:
    """Writing results to a file, mixed into `Results`."""

    __slots__ = ()

    def save(self: Any, path: "str | Path") -> None:
        """Write the results to a file, to be read by `asx.load`.

        A zip of JSON and NumPy arrays, without rows and without code. What was given as an array
        (weights, offset) is not in it, and a formula's own functions cannot be.

        Arguments:
            path: of the file, such as `"fit.asx"`; it is replaced.

        Raises:
            InputError: the formula or the model holds something that no file can hold.
        """
        encode = ResultsEncoder()
        content = json.dumps(encode(self), allow_nan=False).encode()
        arrays = io.BytesIO()
        np.savez(arrays, **encode.arrays)  # pyright: ignore[reportArgumentType]
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "content": hashlib.sha256(content).hexdigest(),
            "arrays": hashlib.sha256(arrays.getvalue()).hexdigest(),
        }
        parts = (json.dumps(manifest).encode(), content, arrays.getvalue())
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as file:
            for name, part in zip(MEMBERS, parts, strict=True):
                file.writestr(zipfile.ZipInfo(name), part)
        Path(path).write_bytes(whole.getvalue())


def load(path: "str | Path", classes: Sequence[type] = ()) -> Any:
    """The results that `Results.save` wrote.

    No code is run that the file could choose: classes and functions are looked up among those of
    Asymptotix and of Equinox's layers, and arrays are read without pickle.

    Arguments:
        path: of the file.
        classes: your own families, links, ... that the results mention.

    Returns:
        `Results` without data; verbs that need rows take `data=`.

    Raises:
        InputError: no such file; one that is truncated, altered, of a newer version, or that
            holds classes not handed over.
    """
    content, arrays = _read(Path(path))
    try:
        with double():
            found: Any = ResultsDecoder(arrays, tuple(classes))(content)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise problem("its contents are not those that were written") from error
    if getattr(type(found), "save", None) is not Saving.save:  # its methods may load late
        raise problem("it holds no results")
    context = found.spec.captured.values
    return dataclasses.replace(found, inputs=dataclasses.replace(found.inputs, context=context))


def _read(path: Path) -> tuple[Any, Mapping[str, np.ndarray]]:
    if not path.is_file():
        raise InputError(f"There is no file '{path}'.", code="file")
    try:
        with zipfile.ZipFile(path) as file:
            parts = {name: file.read(name) for name in MEMBERS}
        manifest = json.loads(parts["manifest.json"])
        _check(manifest, parts)
        with np.load(io.BytesIO(parts["arrays.npz"]), allow_pickle=False) as members:
            arrays = {name: members[name] for name in members.files}
        return json.loads(parts["content.json"]), arrays
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise problem("it is truncated, altered or of another kind") from error


def _check(manifest: Any, parts: Mapping[str, bytes]) -> None:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise problem("it is no file of Asymptotix results")
    version = manifest.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise problem(
            f"it has version {version} of the format and this Asymptotix reads up to {VERSION}; "
            "install a newer one"
        )
    for name, member in (("content", "content.json"), ("arrays", "arrays.npz")):
        if hashlib.sha256(parts[member]).hexdigest() != manifest.get(name):
            raise problem("its contents are not those that were written")


class ResultsEncoder(Encoder):
    """The encoder of whole results."""

    def _instance(self, value: Any) -> Any:
        if isinstance(value, ModelSpec):
            return {"!": "design", "record": self(stored(value))}
        if isinstance(value, Captured):
            return {"!": "captured", "values": self(self._captured(value))}
        if isinstance(value, Inputs):
            return super()._instance(value.without_rows())
        return super()._instance(value)

    def _captured(self, value: Captured) -> dict[str, Any]:
        for name, v in value.values.items():
            try:
                Encoder()(v)
            except InputError as error:
                raise InputError(
                    f"The formula uses '{name}' of your program, which cannot be saved: a file "
                    "holds numbers and no code. Compute a column in the data instead.",
                    code="unsaveable",
                    column=name,
                ) from error
        return dict(value.values)


class ResultsDecoder(Decoder):
    """The decoder of whole results."""

    def _read_design(self, value):
        return rebuilt(self(value["record"]))

    def _read_captured(self, value):
        return Captured(self(value["values"]))
