import sys

import pytest

from wengert.cli import main

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
    assert "cannot be called with the 1 values of --at" in capsys.readouterr().err
