"""The error tree: what inherits from what, and how the user's line is found."""

from __future__ import annotations

import json
import math
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import errors
from wengert.errors import (
    CompileError,
    ConcretizationError,
    DataError,
    DerivativeError,
    DivergenceError,
    EscapeError,
    FlatDerivativeWarning,
    GradientCheckError,
    LeakError,
    ModelError,
    NonFiniteError,
    ProgramError,
    ShapeError,
    TraceError,
    UnsupportedError,
    WengertError,
    at_line,
    is_library_file,
    user_line,
)

BUILTIN: dict[type[WengertError], type[Exception]] = {
    TraceError: TypeError, EscapeError: TypeError, LeakError: TypeError, ConcretizationError: TypeError, DerivativeError: TypeError,
    UnsupportedError: NotImplementedError, ShapeError: ValueError, ProgramError: ValueError, ModelError: ValueError, DataError: ValueError, DivergenceError: ValueError,
    GradientCheckError: AssertionError, CompileError: RuntimeError, NonFiniteError: FloatingPointError,
}  # fmt: skip


def test_every_error_is_of_the_tree_and_of_pythons() -> None:
    for name in errors.__all__:
        thing = getattr(errors, name)
        if isinstance(thing, type) and issubclass(thing, Exception) and not issubclass(thing, Warning):
            assert issubclass(thing, WengertError)
            assert thing is WengertError or issubclass(thing, BUILTIN[thing])
            assert thing.__doc__
    assert issubclass(FlatDerivativeWarning, UserWarning)


def test_errors_of_the_facade_are_these() -> None:
    for name in wengert.__all__:
        if name.endswith(("Error", "Warning")):
            assert getattr(wengert, name) is getattr(errors, name)


def test_which_files_are_libraries() -> None:
    paths = sysconfig.get_paths()
    assert is_library_file(json.__file__)
    assert is_library_file(np.__file__)
    assert is_library_file(errors.__file__)
    assert is_library_file(str(Path(paths["purelib"]) / "some_package" / "module.py"))
    assert is_library_file("<frozen importlib._bootstrap>")
    assert not is_library_file(__file__)
    assert not is_library_file("<stdin>")
    assert not is_library_file("<ipython-input-3-abc>")
    assert not is_library_file("script.py")
    assert not is_library_file(paths["stdlib"] + "_of_mine/module.py")


def here() -> str:
    return user_line()


def test_the_users_line() -> None:
    assert here().endswith("return user_line()")
    assert f"{__file__}:" in here()
    through_a_library = json.loads("[1]", object_pairs_hook=None, parse_int=lambda _: user_line())
    assert "test_errors.py:" in through_a_library[0]
    assert at_line().startswith("\n  at ")
    scope: dict[str, Any] = {"user_line": user_line}
    exec(compile("line = user_line()", "<string>", "exec"), scope)  # noqa: S102 - a line without a file
    assert scope["line"].startswith("<string>:1")


def test_the_line_of_a_call_through_numpy_and_through_us() -> None:
    def deep(x: Any) -> Any:
        return wengert.grad(lambda y: np.sum(np.vectorize(math.sin)(y)))(x)

    with pytest.raises(EscapeError) as caught:
        wengert.grad(lambda x: np.sum(deep(x)))(np.ones(2))
    text = str(caught.value)
    assert f"test_errors.py:{deep.__code__.co_firstlineno + 1}: return wengert.grad" in text


def test_messages_teach() -> None:
    """An error of a trace names what happened, the line, and what to write."""
    cases: list[Any] = [
        lambda: wengert.grad(lambda x: float(x))(1.0),
        lambda: wengert.grad(lambda x: np.packbits(x))(np.ones(3)),
        lambda: wengert.vmap(lambda x: x if x > 0 else -x)(np.ones(3)),
        lambda: wengert.make_program(lambda x: x if x > 0 else -x)(1.0),
        lambda: wengert.grad(lambda x: x)(np.ones(3)),
        lambda: wengert.grad(lambda x: x)(1),
        lambda: wengert.grad(lambda x: {x: 1})(1.0),
        lambda: wengert.grad(lambda x: x, argnums=3)(1.0),
    ]
    for run in cases:
        with pytest.raises(WengertError) as caught:
            run()
        text = str(caught.value)
        assert "\n  at " in text, text
        assert "write: " in text, text
        assert f"test_errors.py:{run.__code__.co_firstlineno}: " in text, text
