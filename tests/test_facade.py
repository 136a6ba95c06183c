"""The public façade: every name loads, and type checkers see the same names."""

import ast
from pathlib import Path

import pytest

import wengert


def stub_names() -> set[str]:
    tree = ast.parse(Path(wengert.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    names = {a.asname or a.name for node in tree.body if isinstance(node, ast.ImportFrom) for a in node.names}
    return names | {n.target.id for n in tree.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}


def test_every_public_name_loads():
    for name in wengert.__all__:
        assert getattr(wengert, name) is not None


def test_the_stub_names_what_the_facade_has():
    assert stub_names() == set(wengert.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="gradd"):
        wengert.gradd  # noqa: B018
