"""Model files: what goes in comes out, whole or not at all, and a wrong template is explained."""

import builtins
import errno
import os
from pathlib import Path

import numpy as np
import pytest

from wengert import nn, pytree, random
from wengert.errors import DataError, ModelError, UnsupportedError
from wengert.files import write_atomically
from wengert.training import load_model, save_model

safetensors = pytest.importorskip("safetensors.numpy")


def model(seed=0, sizes=(4, 8, 2), dtype=np.float64):
    return nn.mlp(random.key(seed), sizes, activation="tanh", dropout=0.1, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_goes_in_comes_out_to_the_bit(tmp_path, dtype):
    saved = model(0, dtype=dtype)
    save_model(tmp_path / "m.safetensors", saved)
    loaded = load_model(tmp_path / "m.safetensors", model(1, dtype=dtype))
    assert repr(loaded) == repr(saved)
    for a, b in zip(pytree.leaves(loaded), pytree.leaves(saved), strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()
        assert a.flags.writeable


def test_the_file_is_plain_safetensors_with_paths_as_names(tmp_path):
    saved = model()
    save_model(tmp_path / "m.safetensors", saved)
    tensors = safetensors.load_file(tmp_path / "m.safetensors")
    assert sorted(tensors) == ["layers[0].bias", "layers[0].weight", "layers[3].bias", "layers[3].weight"]
    np.testing.assert_array_equal(tensors["layers[3].weight"], saved[3].weight)


def test_any_tree_any_layout_any_number(tmp_path):
    tree = {
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "reversed": np.arange(5.0)[::-1],
        "big endian": np.arange(3.0).astype(">f8"),
        "scalar": np.float32(2.5),
        "python": 1.5,
        "zero-dimensional": np.array(7.0),
        "empty": np.zeros((0, 3)),
        "key": random.key(3),
    }
    save_model(tmp_path / "t", tree)
    loaded = load_model(tmp_path / "t", pytree.map(lambda leaf: leaf * 0, tree))
    for name, leaf in tree.items():
        np.testing.assert_array_equal(loaded[name], leaf)
        assert np.shape(loaded[name]) == np.shape(leaf)
    assert type(loaded["python"]) is float
    assert type(loaded["scalar"]) is np.float32


def test_a_single_array(tmp_path):
    save_model(tmp_path / "a", np.arange(3.0))
    assert load_model(tmp_path / "a", np.zeros(3)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("template", "lines"),
    [
        (model(sizes=(4, 9, 2)), ["layers[0].weight has shape (4, 8) in the file, (4, 9) in the template"]),
        (model(dtype=np.float32), ["layers[3].bias is float64 in the file, float32 in the template"]),
        (
            nn.mlp(random.key(0), [4, 8, 2], activation="tanh"),
            ["layers[3].weight is only in the file", "layers[2].weight is only in the template"],
        ),
    ],
)
def test_another_template_is_explained(tmp_path, template, lines):
    save_model(tmp_path / "m", model())
    with pytest.raises(ModelError) as caught:
        load_model(tmp_path / "m", template)
    text = str(caught.value)
    assert "holds another model than the template" in text
    assert "Build the template with" in text
    assert all(line in text for line in lines)


def test_many_differences_are_counted(tmp_path):
    save_model(tmp_path / "m", {str(k): np.zeros(1) for k in range(20)})
    with pytest.raises(ModelError, match="and 13 more"):
        load_model(tmp_path / "m", np.zeros(1))


def test_files_that_are_none(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        load_model(tmp_path / "absent", model())
    (tmp_path / "text").write_text("hello")
    with pytest.raises(DataError, match="no model file in the safetensors format, or is damaged"):
        load_model(tmp_path / "text", model())
    save_model(tmp_path / "m", model())
    (tmp_path / "m").write_bytes((tmp_path / "m").read_bytes()[:-8])
    with pytest.raises(DataError, match="damaged"):
        load_model(tmp_path / "m", model())


def test_leaves_that_cannot_be_saved(tmp_path):
    with pytest.raises(ModelError, match=r"\['f'\] is of dtype object"):
        save_model(tmp_path / "m", {"f": nn.relu})
    with pytest.raises(ModelError, match="dtype complex128"):
        save_model(tmp_path / "m", np.array([1j]))
    with pytest.raises(ModelError, match="nothing to save"):
        save_model(tmp_path / "m", ())
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r'"[^"]*/no/m" cannot be written: No such file'):
        save_model(tmp_path / "no" / "m", model())


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    path = tmp_path / "m"
    save_model(path, model(0))
    old = path.read_bytes()

    def fail(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os if failing == "fsync" else Path, failing, fail)
    with pytest.raises(DataError, match="No space left on device; nothing was changed there"):
        save_model(path, model(1))
    monkeypatch.undo()
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "m"
    write_atomically(path, b"old")

    def interrupt(_handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_the_bytes_are_on_the_disk_before_the_name_is_taken(tmp_path, monkeypatch):
    happened = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (happened.append("fsync"), fsync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda a, b: (happened.append("replace"), replace(a, b))[1])
    write_atomically(tmp_path / "m", b"x")
    assert happened[:2] == ["fsync", "replace"]


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name.startswith("safetensors"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UnsupportedError, match=r"pip install 'wengert\[models\]'"):
        save_model(tmp_path / "m", model())
