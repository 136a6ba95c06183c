"""The programs of ``benchmarks/compiled.py`` compute what they are to compute, here without any compiler."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, special, stats

import compiled
import wengert
from beside import programs, worker
from beside.by_hand import ByHand
from beside.libraries import Eager
from beside.processes import Figures, Process
from beside.rows import LSTM, ROWS, Mixture, Network, Rosenbrock, Row, Unrolled

EAGER = Eager()
TINY = Network((3, 5, 4, 2), batch=6, steps=4)


def gradient(problem):
    return EAGER.arrays(Row("tiny", problem))()[1]


@pytest.mark.parametrize("how", [{}, {"optimizer": "adam"}, {"batch_norm": True}], ids=["sgd", "adam", "batchnorm"])
@pytest.mark.parametrize("form", ["scan", "step"])
def test_training_is_that_with_derivatives_written_out(how, form):
    row = Row("tiny", replace(TINY, **how))
    losses, params = EAGER.makes(row)[form]()()
    by_hand, expected = ByHand().makes(row)["by hand"]()()
    np.testing.assert_allclose(losses, by_hand, rtol=2e-6)
    for layer, other in zip(params, expected, strict=True):
        assert layer.keys() == other.keys()
        for name, values in layer.items():
            assert values.dtype == np.float32
            # float32; Adam's first steps divide gradients by their own size, so rounding of small ones shows
            np.testing.assert_allclose(values, other[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_dropout_trains_and_draws_new_masks_in_each_step():
    row = Row("tiny", replace(TINY, dropout=0.5, rate=0.0))
    losses, params = EAGER.makes(row)["scan"]()()
    assert len(set(np.asarray(losses).tolist())) == TINY.steps
    np.testing.assert_array_equal(params[0]["w"], TINY.params()[0]["w"])


def test_rosenbrock_is_scipys():
    problem = Rosenbrock(7)
    np.testing.assert_allclose(gradient(problem), optimize.rosen_der(*problem.arguments()), rtol=1e-13)


def test_unrolled_loop_has_its_closed_form():
    np.testing.assert_allclose(gradient(Unrolled(50)), 1.1**50, rtol=1e-13)


def test_mixture_is_the_sum_of_scipys_densities():
    problem = Mixture(samples=9, dimension=3, components=4)
    params, x = problem.arguments()
    f = programs.mixture(EAGER.lib, problem)
    alphas, means, factors = params
    densities, prior = 0.0, 0.0
    for alpha, mean, numbers in zip(np.exp(alphas) / np.sum(np.exp(alphas)), means, factors, strict=True):
        q = np.diag(np.exp(numbers[:3]))
        q[1, 0], q[2, 0], q[2, 1] = numbers[3:]
        densities = densities + alpha * stats.multivariate_normal(mean, np.linalg.inv(q.T @ q)).pdf(x)
        # ½ |Q|² beside the normalisation of a Wishart density with d + 1 degrees of freedom
        prior += 0.5 * np.sum(q * q) + 0.5 * 3 * 4 * np.log(2) + special.multigammaln(0.5 * 4, 3)
    np.testing.assert_allclose(f(params, x), np.sum(np.log(densities)) + prior, rtol=1e-11)
    wengert.check_grads(lambda p: f(p, x), (params,), modes=("rev",))


@pytest.mark.parametrize("together", [True, False])
def test_lstm_is_the_recurrence(together):
    problem = LSTM(steps=5, batch=2, inputs=3, hidden=4, together=together)
    params, xs, targets = problem.arguments()

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    h, c = np.zeros((2, 2, 4)), np.zeros((2, 2, 4))
    outputs = []
    for x in xs:
        for k, p in enumerate(params):
            i, f, g, o = np.split(x @ p["w"] + h[k] @ p["u"] + p["b"], 4, axis=1)
            c[k] = sigmoid(f) * c[k] + sigmoid(i) * np.tanh(g)
            x = h[k] = sigmoid(o) * np.tanh(c[k])
        outputs.append(x.copy())
    loss = programs.lstm(EAGER.lib, problem)
    np.testing.assert_allclose(loss(params, xs, targets), np.mean((np.array(outputs) - targets) ** 2), rtol=1e-6)
    assert [sorted(layer) for layer in gradient(problem)] == [["b", "u", "w"]] * 2


def test_lstm_has_one_gradient_in_both_forms():
    problem = LSTM(steps=5, batch=2, inputs=3, hidden=4)
    for a, b in zip(gradient(problem), gradient(replace(problem, together=False)), strict=True):
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-5, atol=1e-8)


def test_every_row_says_what_it_is_held_to():
    for row in ROWS.values():
        assert row.once or row.required
        assert set(row.required) <= {"jax", "torch"}
        json.dumps(row.required)


def test_a_worker_answers_and_tells_its_failures():
    process = Process("numpy", 1)
    try:
        assert process.ask("forms", row="2-8-8-3 sgd") == {"forms": ["by hand"], "aside": []}
        told = process.ask("prepare", row="2-8-8-3 sgd", form="by hand")
        assert told["check"][:2] == pytest.approx(worker.check(*ByHand().makes(ROWS["2-8-8-3 sgd"])["by hand"]()())[:2])
        assert process.ask("time", row="2-8-8-3 sgd", form="by hand", calls=2)["seconds"] > 0
        with pytest.raises(Exception, match="KeyError"):
            process.ask("prepare", row="2-8-8-3 sgd", form="scan")
    finally:
        process.close()


def test_whoever_disagrees_is_named():
    row = ROWS["lstm 1000"]
    figures = {name: Figures(check=[1.0, 5.0, 4.0]) for name in ("a", "b", "c")}
    assert compiled.disagreement(row, figures) == []
    figures["b"].check = [1.0, 5.0, 4.01]
    assert compiled.disagreement(row, figures) == ["b"]
    figures["b"].check = [float("nan")] * 3
    assert compiled.disagreement(row, figures) == ["b"]
    assert "other results: b" in compiled.line(row, {"figures": figures, "rate": None})
