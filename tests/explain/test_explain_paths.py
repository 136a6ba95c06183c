"""Paths: their products, their sum, and their number beside the edges of reverse mode."""

import numpy as np
import pytest

import wengert


def test_every_path_with_its_product():
    paths = wengert.explain(lambda x, y: np.sin(x) * (x + y))(0.5, 2.0).paths("x")
    assert [path.names for path in paths] == [("x", "v1", "v3"), ("x", "v2", "v3")]
    assert [path.product for path in paths] == pytest.approx([np.cos(0.5) * 2.5, np.sin(0.5)])
    assert paths[0].factors == pytest.approx((np.cos(0.5), 2.5))
    assert paths.total == pytest.approx(np.cos(0.5) * 2.5 + np.sin(0.5))
    assert paths.reverse_total == pytest.approx(paths.total)
    assert paths.reverse_edges == 4  # and not the one from y


def test_doubling_makes_paths_exponential_and_edges_linear():
    def double(x, n=10):
        for _ in range(n):
            x = x + x
        return x

    e = wengert.explain(double)(1.0)
    paths = e.paths("x")
    assert (len(paths), e.count_paths("x"), paths.total) == (1024, 1024, 1024.0)
    assert paths.products == 10 * 1024
    assert (paths.reverse_products, paths.reverse_edges, paths.reverse_total) == (20, 20, 1024.0)


def test_too_many_paths_are_counted_and_not_walked():
    def double(x):
        for _ in range(60):
            x = x + x
        return x

    e = wengert.explain(double)(1.0)
    assert e.count_paths("x") == 2**60
    with pytest.raises(wengert.UnsupportedError, match=rf"(?s){2**60} paths lead from x to v60.*120 edges"):
        e.paths("x")
    assert e.gradients["x"] == 2.0**60


def test_long_chains_have_one_path():
    def chain(x):
        for _ in range(3000):
            x = x * 1.0001
        return x

    paths = wengert.explain(chain)(1.0).paths("x")
    assert (len(paths), len(paths[0].edges)) == (1, 3000)
    assert paths.total == pytest.approx(1.0001**3000)


def test_edges_that_do_not_lead_to_the_output_are_not_visited():
    def g(x):
        _ = np.exp(x) * x
        return x * 3.0

    paths = wengert.explain(g)(1.0).paths("x")
    assert (len(paths), paths.reverse_edges) == (1, 1)


def test_from_a_step_and_from_the_output_itself():
    e = wengert.explain(lambda x: np.sin(x) ** 2)(0.3)
    assert e.paths("v1").total == pytest.approx(2 * np.sin(0.3))
    assert [path.names for path in e.paths("v2")] == [("v2",)]
    assert e.paths("v2").total == 1.0


def test_an_input_without_a_way_has_no_paths():
    paths = wengert.explain(lambda x, y: x * 2.0)(1.0, 1.0).paths("y")
    assert (len(paths), paths.total) == (0, 0.0)


def test_arrays_have_jacobians_on_their_edges(rng):
    W, x = rng.normal(size=(3, 2)), rng.normal(size=2)
    e = wengert.explain(lambda x: np.sum(np.tanh(W @ x) * np.arange(3.0)) + x @ x)(x)
    paths = e.paths("x")
    assert len(paths) == 3
    assert [np.shape(f) for f in paths[0].factors] == [(3, 2), (3, 3), (3, 3), (1, 3), (1, 1)]
    np.testing.assert_allclose(paths.total, e.gradients["x"], rtol=1e-12)
    np.testing.assert_allclose(paths.reverse_total, e.gradients["x"], rtol=1e-12)
    np.testing.assert_allclose(sum(path.product for path in paths), e.gradients["x"], rtol=1e-12)


def test_large_jacobians_are_refused():
    e = wengert.explain(lambda x: np.sum(np.sin(x)))(np.ones(200))
    with pytest.raises(wengert.UnsupportedError, match=r"x → v1 has a Jacobian of 200 × 200"):
        e.paths("x")


def test_text_of_paths():
    text = str(wengert.explain(lambda x: (x + 1.0) * (x + 2.0))(3.0).paths("x"))
    assert text.splitlines()[0] == "∂v3/∂x as a sum over 2 paths"
    assert "x → v1 → v3  5 = 1 × 5" in text
    assert text.splitlines()[-1].strip() == "4 multiplications along the paths; 4 in reverse mode, for 4 edges"
