import sys

import pytest

from wengert.cli import _derivatives, main
from wengert.data._columns import some_of

SOURCE = """
import numpy as np

def f(x, y, z):
    return (x + y) * z

def smooth(x):
    return np.sum(np.sin(x) ** 2)

def power(x, n: int):
    y = 1.0
    for _ in range(n):
        y = y * x
    return y

def kink(x):
    return np.abs(x - 1.0)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "slides.py"
    path.write_text(SOURCE)
    yield str(path)
    sys.modules.pop("slides", None)


def test_a_right_function_passes(file, capsys):
    assert main(["check", f"{file}:smooth"]) == 0
    assert "derivatives agree with finite differences at" in capsys.readouterr().out
    assert main(["check", f"{file}:smooth", "--at", "[0.1, 2.0]"]) == 0
    assert main(["check", f"{file}:power", "--at", "1.5", "3"]) == 0


def test_a_kink_is_found(file, capsys):
    assert main(["check", f"{file}:kink", "--at", "1.0"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "central differences" in err


def test_the_lectures_example_explained(file, capsys):
    assert main(["explain", f"{file}:f", "--at", "-2", "5", "-4"]) == 0
    out = capsys.readouterr().out
    for number in ("-12", "3", "-4"):
        assert number in out


@pytest.mark.parametrize("command", ["check", "explain"])
def test_bad_references(file, capsys, command):
    assert main([command, f"{file}:g"]) == 2
    assert 'has no function "g"' in capsys.readouterr().err
    assert main([command, f"{file}:f", "--at", "1"]) == 2
    assert "cannot be called with the 1 value of --at" in capsys.readouterr().err


RESULTS = """
import numpy as np

def text(x):
    return "abc"

def nothing(x):
    np.sin(x)

def turned(x):
    return x + 1j

def failing(x):
    raise ValueError("my own")

def leaving(x):
    raise SystemExit(7)

def near(x):
    if x > 1.0:
        raise ValueError("too far")
    return x

def kink(x):
    return np.abs(x - 1.0)
"""


@pytest.fixture
def results(tmp_path):
    path = tmp_path / "results.py"
    path.write_text(RESULTS)
    yield str(path)
    sys.modules.pop("results", None)


@pytest.mark.parametrize("command", ["check", "explain"])
@pytest.mark.parametrize(
    ("name", "message", "line"),
    [
        ("text", "returns 'abc', a str: return a number or an array of numbers", "4: def text(x):"),
        ("nothing", "returns None: end it with a line that returns a number", "7: def nothing(x):"),
        ("turned", "returns complex numbers: return real ones, such as np.abs(z)", "10: def turned(x):"),
    ],
)
@pytest.mark.parametrize("at", [[], ["--at", "0.5"]])
def test_what_has_no_derivative(results, capsys, command, name, message, line, at):
    assert main([command, f"{results}:{name}", *at]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"wengert: {name} has no derivative at ")
    assert f"where it {message}" in err
    assert err.endswith(f"\n  at {results}:{line}\n")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("failing", 'ValueError: my own (line 14: raise ValueError("my own"))\n'),
        ("leaving", "SystemExit: 7 (line 17: raise SystemExit(7))\n"),
    ],
)
@pytest.mark.parametrize("at", [[], ["--at", "0.5"]])
def test_a_function_that_fails_is_told_with_its_line(results, capsys, name, message, at):
    assert main(["check", f"{results}:{name}", *at]) == 2
    err = capsys.readouterr().err
    assert f"{name} fails at 0.{'5' if at else '7957'}: {message}" in err


def test_a_function_that_fails_only_beside_the_point(results, capsys):
    assert main(["check", f"{results}:near", "--at", "1.0"]) == 2
    message = 'near fails while it is differentiated: ValueError: too far (line 21: raise ValueError("too far"))\n'
    assert capsys.readouterr().err == f"wengert: {message}"


def test_the_line_shown_is_the_users(results, capsys):
    assert main(["check", f"{results}:kink", "--at", "1.0"]) == 1
    err = capsys.readouterr().err
    assert f"\n  at {results}:24: def kink(x):\n" in err
    assert __file__ not in err


def test_an_error_of_this_library_is_not_the_functions(results, capsys, monkeypatch):
    # raised in one of the library's files, on the way through none of the user's
    monkeypatch.setattr(_derivatives, "check_grads", lambda *_: some_of(3))
    assert main(["check", f"{results}:kink"]) == 1
    assert capsys.readouterr().err.startswith("wengert: unexpected TypeError: ")
