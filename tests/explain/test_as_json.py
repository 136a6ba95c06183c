"""Explanations as JSON: numbers, summaries of large arrays, what is not finite, failures."""

import json

import numpy as np
import pytest

import wengert
from wengert.explain.as_json import value_of


def strict(content):
    """Through JSON proper, which has no NaN."""
    return json.loads(json.dumps(content, allow_nan=False))


def test_every_step_and_edge_is_there_and_contributions_add_up():
    def loss(W, x):
        h = np.tanh(W @ x)
        return np.sum(h * h)

    e = wengert.explain(loss)(np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([1.0, 2.0]))
    found = strict(e.to_dict())
    assert found["function"] == "loss"
    assert found["value"]["value"] == e.value
    assert [step["name"] for step in found["steps"]] == [step.name for step in e.all_steps]
    assert len(found["edges"]) == len(e.edges)
    into_h = [np.array(edge["contribution"]["value"]) for edge in found["edges"] if edge["source"] == "v2"]
    gradient = next(step["gradient"]["value"] for step in found["steps"] if step["name"] == "v2")
    assert np.array_equal(sum(into_h), gradient)
    assert np.array_equal(found["steps"][0]["gradient"]["value"], e.gradients["W"])


def test_large_arrays_are_summarised():
    x = np.linspace(-1, 1, 101)
    assert strict(value_of(x)) == {
        "type": "f64[101]", "shape": [101], "min": -1.0, "max": 1.0, "mean": pytest.approx(0, abs=1e-15),
        "zeros": 1, "nans": 0, "infinities": 0,
    }  # fmt: skip
    x[:3] = np.nan, np.inf, 5.0
    found = strict(value_of(x))
    assert (found["max"], found["nans"], found["infinities"]) == (5.0, 1, 1)
    assert "min" not in strict(value_of(np.full(100, np.nan)))


def test_what_is_not_finite_is_a_word():
    values = strict(value_of(np.array([np.nan, np.inf, -np.inf, 1.0])))["value"]
    assert values == ["NaN", "Infinity", "-Infinity", 1.0]
    assert strict(value_of(1 + 2j))["value"] == {"real": 1.0, "imag": 2.0}


def test_a_failure_is_told():
    found = strict(wengert.explain(lambda x, w: np.sum(np.tanh(x) @ w))(np.ones(3), np.ones((4, 2))).to_dict())
    assert found["output"] is None
    assert found["value"] is None
    assert found["failure"]["error"] == "ValueError"
    assert [step["primitive"] for step in found["steps"]] == [None, None, "tanh"]
    assert found["steps"][0]["gradient"] is None
