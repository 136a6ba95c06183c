"""Explanations of functions and inputs that nobody thinks of: a picture of them, or one clear refusal."""

import json
import os
import stat
import warnings
import xml.dom.minidom

import numpy as np
import pytest

import wengert
from wengert import control, nn
from wengert.errors import DataError, DerivativeError, LeakError, ModelError, UnsupportedError
from wengert.explain.formulas import formula as formulas


def views(e):
    """Every view that an explanation has whatever happened."""
    for picture in (e.svg(), wengert.draw(e, gradients=e.failure is None and not e.missing).svg()):
        xml.dom.minidom.parseString(picture.encode())
    json.dumps(e.to_dict(), allow_nan=False)
    return e.text(width=80) + e.latex(standalone=True) + e.html() + e._repr_html_()


# ---- exceptions


def test_an_exception_whose_message_raises_is_shown_all_the_same():
    class SilentError(Exception):
        def __str__(self):
            raise RuntimeError

    def f(x):
        x = x * 2.0
        raise SilentError

    e = wengert.explain(f)(1.0)
    assert "SilentError: (str() of this exception raised RuntimeError)" in views(e)


def test_of_a_very_long_message_the_beginning_is_shown():
    def f(x):
        raise ValueError("a" * 100_000 + "\nb" * 5000)

    e = wengert.explain(f)(1.0)
    assert len(e.text()) < 4000
    assert len(e.html()) < 90_000
    assert len(e.to_dict()["failure"]["message"]) <= 2002


def test_messages_with_what_no_file_holds_are_written(tmp_path):
    def f(x):
        raise ValueError("\x00\ud800</script><!--\u2028")

    e = wengert.explain(f)(1.0)
    e.html(tmp_path / "a.html")
    wengert.draw(e).save(tmp_path / "a.svg")
    xml.dom.minidom.parse(str(tmp_path / "a.svg"))


def test_a_function_that_calls_itself_for_ever_has_a_picture():
    def f(x):
        return f(x * 1.01) + 0.1

    e = wengert.explain(f)(1.0)
    assert isinstance(e.error, RecursionError)
    xml.dom.minidom.parseString(e.svg())
    assert "RecursionError" in e.html()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError, StopIteration])
def test_nothing_is_left_behind(error):
    def f(x):
        x = x * x
        raise error

    before = wengert.grad(np.sin)(0.3)
    if issubclass(error, Exception):
        assert type(wengert.explain(f)(2.0).error) is error
    else:
        with pytest.raises(error):
            wengert.explain(f)(2.0)
    assert wengert.grad(np.sin)(0.3) == before
    assert [s.name for s in wengert.explain(lambda x: x * x)(3.0).steps] == ["v1"]
    assert type(np.zeros(2)) is np.ndarray


def test_a_value_of_another_explanation_is_refused():
    kept = []
    wengert.explain(lambda x: kept.append(x * x) or x)(2.0)
    assert isinstance(wengert.explain(lambda x: x * kept[0])(3.0).error, LeakError)


# ---- what is returned


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "None"), ((), "a tuple, ()"), ("text", "a str"), ({}, "a dict, {}")]
)
def test_what_holds_no_number_is_refused_in_the_words_of_explain(value, shown):
    with pytest.raises(DerivativeError, match="no number") as caught:
        wengert.explain(lambda x: value)(1.0)
    assert f"returned {shown}," in str(caught.value)
    assert "has_aux" not in str(caught.value)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.ones(3), 2.0),
        (lambda x: np.argmax(x), np.arange(3.0)),
        (lambda x: np.round(x).sum(), np.arange(3.0)),
        (lambda x: np.histogram(x)[0], np.arange(3.0)),
    ],
)
def test_where_no_path_leads_the_sum_is_zero_of_the_right_shape(f, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        e = wengert.explain(f)(x)
    paths = e.paths("x")
    assert len(paths) == 0
    for total in (paths.total, paths.reverse_total):
        assert np.shape(total) == np.shape(e.output.value) + np.shape(x)
        assert not np.any(total)
    assert "0 paths" in str(paths)


def test_paths_and_health_pass_operations_with_several_outputs():
    e = wengert.explain(lambda A: np.sum(np.linalg.svd(A)[1]))(np.diag([3.0, 2.0]))
    np.testing.assert_allclose(e.paths("A").total, e.gradients["A"], atol=1e-15)
    assert e.health() == []
    e = wengert.explain(lambda x: control.while_loop(lambda c: c < 1e4, lambda c: c * 1.01, x), turns=5)(2.0)
    np.testing.assert_allclose(e.paths("x").total, e.gradients["x"], rtol=1e-12)


# ---- inputs


def test_nudges_without_a_number_to_draw_are_tables():
    for f, x in ((lambda z: z * z, 1 + 2j), (lambda x: x * x, np.zeros((0, 3)))):
        nudged = wengert.explain(f)(x).nudge(*"xz"[x is not None and np.iscomplexobj(x)], 0.01)
        with pytest.raises(UnsupportedError, match="no real number moved"):
            nudged.svg()
        assert nudged._repr_html_().startswith("<pre>")


def test_a_nudge_at_a_pole_is_infinite():
    with np.errstate(all="ignore"):
        nudged = wengert.explain(lambda x: np.log(x * 0.0))(1.0).nudge("x", 0.01)
    assert np.isnan(nudged["v2"].predicted)


def test_a_nudge_of_a_number_too_large_to_move_is_drawn():
    with np.errstate(all="ignore"):
        xml.dom.minidom.parseString(wengert.explain(lambda x: x * 0.5)(1.7e308).nudge("x", 0.01).svg())
        xml.dom.minidom.parseString(wengert.explain(lambda x: x * x)(1e308).nudge("x", 0.01).svg())


def test_longdouble_is_written_as_json():
    e = wengert.explain(lambda x: np.sum(x * x))(np.full(100, 2, np.longdouble))
    found = json.loads(json.dumps(e.to_dict()))
    assert found["value"]["value"] == 400.0
    assert found["steps"][0]["value"]["max"] == 2.0


def test_every_letter_may_be_taken_by_an_input():
    def f(v1, s1, t1, step1):
        return v1 * s1 * t1 * step1

    e = wengert.explain(f)(1.0, 2.0, 3.0, 4.0)
    assert len({step.name for step in e.all_steps}) == 7


def test_one_variable_for_two_operands_names_neither():
    def f(x):
        a = x * 2.0
        first = [a]
        a = x * 3.0
        return first[0] * a

    e = wengert.explain(f)(1.0)
    assert str(e.output.formula()) == "v3 = v1·v2"
    assert [str(edge.formula()) for edge in e.incoming("v3")] == ["∂v3/∂v1 = v2", "∂v3/∂v2 = v1"]


def test_numbers_that_are_not_finite_are_shown_without_a_warning():
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        for x in (np.array([np.nan, np.inf] * 50), np.array([0.0, 1.0]), np.array([1e308, -1e308] * 50)):
            e = wengert.explain(lambda x: np.sum(np.sqrt(np.abs(x)) * 1e-10))(x)
            views(e)
            assert e.edges[0].local is not None
            e.nudge("x", 0.25)


def test_a_formula_of_one_operand_does_not_write_all_of_them(monkeypatch):
    e = wengert.explain(lambda x: np.sum(np.array([x * k for k in range(400)])))(1.0)
    joined = next(step for step in e.steps if len(step.operands) == 400)
    written = []
    term = formulas.operand_term
    monkeypatch.setattr(formulas, "operand_term", lambda *args: written.append(args) or term(*args))
    formula = e.incoming(joined.name)[7].formula()
    assert str(formula).endswith("← upstream[7:8]")
    assert len(written) < 10


# ---- options


@pytest.mark.parametrize(
    "options", [{"steps": 0}, {"memory": -1}, {"turns": -1}, {"steps": "many"}, {"memory": np.nan}]
)
def test_limits_are_numbers(options):
    with pytest.raises(UnsupportedError, match="the limit is a number"):
        wengert.explain(np.sin, **options)(1.0)


def test_options_of_the_wrong_type_are_refused():
    with pytest.raises(DerivativeError, match="weight of the output is a str"):
        wengert.explain(lambda x: x * x, weights="a")(np.ones(2))
    with pytest.raises(ModelError, match="no such output"):
        wengert.explain(lambda x: (x, x), output=1.5)(1.0)
    with pytest.raises(DerivativeError, match="'x' is no position"):
        wengert.grad(lambda x: x * x, argnums="x")(1.0)
    with pytest.raises(DerivativeError, match="'y' is no position"):
        wengert.explain(lambda x, y: x * y, argnums=(0, "y"))(1.0, 2.0)
    e = wengert.explain(lambda x: x * x)(1.0)
    for name in (None, ""):
        with pytest.raises(ModelError, match=f"no step {name!r}"):
            e[name]
    with pytest.raises(ModelError, match="a nudge of x is a real number"):
        e.nudge("x", [[1.0], [2.0, 3.0]])
    with pytest.raises(UnsupportedError, match="direction='left'"):
        wengert.draw(e, direction="left")
    with pytest.raises(UnsupportedError, match="most='a'"):
        wengert.draw(e, most="a")


def test_models_without_numbers_are_drawn_as_blocks():
    for weight in (np.zeros((0, 2)), np.array([["a"]], dtype=object)):
        assert "Dense" in wengert.draw(nn.Dense(weight)).svg()


# ---- files


def test_pipes_and_links_stay_what_they_are(tmp_path):
    e = wengert.explain(lambda x: x * x)(2.0)
    (tmp_path / "page.html").write_text("old")
    (tmp_path / "link.html").symlink_to("page.html")
    page = e.html(tmp_path / "link.html")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "page.html").read_text() == page
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        try:
            picture = e.svg(tmp_path / "pipe")
            assert os.read(reader, 1 << 16).decode() == picture
        finally:
            os.close(reader)
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("path", ["", "a\0b.html", "missing/a.html", "."])
def test_paths_that_cannot_be_written_are_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="cannot be written"):
        wengert.explain(lambda x: x * x)(2.0).html(path)
    assert not list(tmp_path.iterdir())


# ---- in a browser

UNUSUAL = "</script><!--\u2028\u202e\U0001f600"


def unusual_names():
    return wengert.explain(lambda p: (p[UNUSUAL] * p["n" * 10_000]) ** 2)({UNUSUAL: 2.0, "n" * 10_000: 3.0})


def unusual_message():
    def f(x):
        x = x * x
        raise ValueError("</script><img src=x onerror=alert(1)>\u202e\x00\ud800" * 3)

    return wengert.explain(f)(2.0)


def deep_recursion():
    def f(x):
        return f(x * 1.01) + 0.1

    return wengert.explain(f)(1.0)


@pytest.mark.parametrize("made", [unusual_names, unusual_message, deep_recursion])
def test_the_page_opens_and_is_played(made, visit, tmp_path):
    made().html(tmp_path / "page.html")
    page = visit(tmp_path / "page.html", width=480)
    assert page.locator("svg").count() > 0
    assert page.locator("img").count() == 0
    assert "\u202e" not in page.locator("body").inner_text()  # it would turn round what follows
    for key in ("ArrowRight", "ArrowRight", "End", "ArrowLeft", "Home"):
        page.keyboard.press(key)
    assert page.evaluate("document.documentElement.scrollWidth") <= 480
    page.keep(f"odd-{made.__name__}")
