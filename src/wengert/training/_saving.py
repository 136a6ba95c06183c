"""Model files: safetensors, one tensor a leaf, named by the leaf's path in the tree. Never pickle."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wengert import pytree
from wengert.errors import DataError, ModelError, UnsupportedError
from wengert.files import write_atomically

__all__ = ["load_model", "save_model"]

Tensors = Mapping[str, np.ndarray[Any, Any]]


def _safetensors() -> Any:
    try:
        import safetensors.numpy as found
    except ImportError:
        raise UnsupportedError("model files are written by safetensors: pip install 'wengert[models]'") from None
    return found


def _named(model: Any) -> dict[str, Any]:
    """Leaves by path, ``layers[0].weight``; a model that is one leaf is called ``model``."""
    return {path.removeprefix(".") or "model": leaf for path, leaf in pytree.flatten_with_paths(model)}


def save_model(path: str | os.PathLike[str], model: Any) -> None:
    """Write the leaves of ``model`` to a safetensors file, atomically.

    What is static in the model (activations, rates) is not in the file: :func:`load_model` takes it from a
    template.

    Raises:
        DataError: if the file cannot be written.
        ModelError: if a leaf is no array of numbers.

    Example:
        >>> import pathlib, tempfile
        >>> from wengert import nn, random
        >>> from wengert.training import load_model, save_model
        >>> model = nn.mlp(random.key(0), [4, 8, 2])
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     file = pathlib.Path(directory) / "model.safetensors"
        ...     save_model(file, model)
        ...     again = load_model(file, nn.mlp(random.key(1), [4, 8, 2]))
        >>> bool((again[0].weight == model[0].weight).all())
        True
    """
    tensors = {name: _tensor(name, leaf) for name, leaf in _named(model).items()}
    if not tensors:
        raise ModelError("the model has no leaves, so there is nothing to save")
    write_atomically(path, _safetensors().save(tensors, metadata={"format": "wengert"}))


def _tensor(name: str, leaf: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(leaf)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise ModelError(f"{name} is of dtype {array.dtype} and a model file holds real numbers of up to 64 bits")
    # the format is row by row, little endian; other layouts would be written as they lie in memory
    return np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")


def load_model(path: str | os.PathLike[str], template: Any) -> Any:
    """A model like ``template`` with the leaves of a file that :func:`save_model` wrote.

    Raises:
        DataError: if the file is not there or is no safetensors file.
        ModelError: if names, shapes or dtypes are not those of the template; the message lists them.
    """
    tensors = _read(Path(path))
    named = _named(template)
    wrong = _differences(tensors, named)
    if wrong:
        listed = "\n  ".join(wrong[:8] + [f"and {len(wrong) - 8} more"] * (len(wrong) > 8))
        raise ModelError(
            f'"{path}" holds another model than the template:\n  {listed}\n'
            "Build the template with the sizes, dtype and layers of the model that was saved."
        )
    leaves = [_like(leaf, tensors[name]) for name, leaf in named.items()]
    return pytree.unflatten(pytree.flatten(template)[1], leaves)


def _read(path: Path) -> Tensors:
    library = _safetensors()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f'"{path}" cannot be read: {error.strerror or error}') from error
    try:
        return library.load(content)
    except Exception as error:
        raise DataError(f'"{path}" is no model file in the safetensors format, or is damaged: {error}') from error


def _differences(tensors: Tensors, named: Mapping[str, Any]) -> list[str]:
    found = [f"{name} is only in the file" for name in tensors if name not in named]
    for name, leaf in named.items():
        expected = np.asarray(leaf)
        if name not in tensors:
            found.append(f"{name} is only in the template")
        elif tensors[name].shape != expected.shape:
            found.append(f"{name} has shape {tensors[name].shape} in the file, {expected.shape} in the template")
        elif tensors[name].dtype != expected.dtype:
            found.append(f"{name} is {tensors[name].dtype} in the file, {expected.dtype} in the template")
    return found


def _like(leaf: Any, tensor: np.ndarray[Any, Any]) -> Any:
    """``tensor`` as an array of its own, or as the number that the leaf is."""
    return tensor.copy() if isinstance(leaf, np.ndarray) else type(leaf)(tensor[()])
