import sys

import numpy as np
import pytest

from wengert.cli._functions import function_at, load_function, of_numbers
from wengert.errors import DataError

SOURCE = """
import math
from dataclasses import dataclass

import numpy as np

import neighbour

@dataclass
class Point:
    x: "float"

def square(x):
    return x**2

def dot(x, w):
    return x @ w

def power(x, n: int):
    y = 1.0
    for _ in range(n):
        y = y * x
    return y

def solve(a):
    return np.linalg.solve(a, np.eye(len(a))).sum()

def shifted(x, by=2.0):
    return x + by

def broken(x):
    raise RuntimeError("no luck")

def variadic(*xs):
    return sum(xs)

number = 3
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "neighbour.py").write_text("K = 1\n")
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    yield path
    sys.modules.pop("neighbour", None)
    sys.modules.pop("mine", None)


def refused(reference, at=None):
    with pytest.raises(DataError) as caught:
        function_at(str(reference), at)
    return str(caught.value)


def test_a_function_is_found_and_its_neighbours_can_be_imported(file):
    before = list(sys.path)
    assert load_function(f"{file}:square")(3) == 9
    assert sys.path == before


def test_values_become_floats(file):
    _, (x, w) = function_at(f"{file}:dot", ["[1, 2]", "[0.5, 1]"])
    assert (x.dtype, w.tolist()) == (np.float64, [0.5, 1.0])
    assert function_at(f"{file}:square", ["2"])[1] == [2.0]


def test_a_parameter_annotated_int_stays_one_and_is_held(file):
    function, point = function_at(f"{file}:power", ["2", "3"])
    assert point == [2.0, 3]
    assert type(point[1]) is int
    free, numbers = of_numbers(function, point)
    assert (numbers, free(3.0), free.__name__) == ([2.0], 27.0, "power")


def test_a_point_is_chosen_that_suits_the_function(file):
    assert all(isinstance(value, float) for value in function_at(f"{file}:square", None)[1])
    assert [value.shape for value in function_at(f"{file}:dot", None)[1]] == [(3,), (3,)]
    assert function_at(f"{file}:solve", None)[1][0].shape == (3, 3)
    assert len(function_at(f"{file}:shifted", None)[1]) == 1


def test_no_point_suits(file):
    assert "no point was found at which broken can be evaluated; give one: --at" in refused(f"{file}:broken")
    assert "no point was found at which variadic" in refused(f"{file}:variadic")


def test_what_is_no_reference(file):
    assert refused("square") == '"square" names no function; write FILE.py:function, as in losses.py:half_sse'
    assert "names no function" in refused(f"{file}:")


def test_no_such_file():
    assert refused("absent.py:f") == 'there is no file "absent.py"; write FILE.py:function'


def test_no_python_file(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    assert '"notes.txt" is no Python file' in refused(f"{tmp_path}/notes.txt:f")


def test_no_such_function(file):
    message = refused(f"{file}:sqare")
    assert 'has no function "sqare". Did you mean "square"? It has: square, dot, power' in message
    assert 'has no function "number"' in refused(f"{file}:number")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(:\n", "cannot be run: SyntaxError: "),
        ("x = 1\nimport absent_package\n", "ModuleNotFoundError: No module named 'absent_package' (line 2"),
        ("raise SystemExit(3)\n", "SystemExit: 3 (line 1"),
    ],
)
def test_a_file_that_cannot_be_run(tmp_path, source, message):
    (tmp_path / "bad.py").write_text(source)
    assert message in refused(f"{tmp_path}/bad.py:f")


def test_values_that_are_none(file):
    assert "--at one is neither a number nor a list of numbers; write 0.5" in refused(f"{file}:square", ["one"])
    assert "is no array of numbers; the rows of a list" in refused(f"{file}:square", ["[[1, 2], [3]]"])


def test_too_many_values(file):
    message = refused(f"{file}:square", ["1", "2"])
    assert message.startswith("square(x) cannot be called with the 2 values of --at: too many positional")


def test_an_error_of_the_functions_own_shows_its_line(file):
    message = refused(f"{file}:broken", ["1"])
    assert 'broken fails at 1.: RuntimeError: no luck (line 32: raise RuntimeError("no luck"))' in message


def test_shapes_that_do_not_fit(file):
    assert "dot fails at [1. 2.], [1. 2. 3.]: ValueError" in refused(f"{file}:dot", ["[1, 2]", "[1, 2, 3]"])


def test_nothing_to_differentiate(file):
    with pytest.raises(DataError, match="no argument is a number"):
        of_numbers(*function_at(f"{file}:power", ["'a'", "0"]))
