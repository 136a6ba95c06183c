"""The doctor's report: as text, as a dictionary, as a page."""

import json

import numpy as np
import pytest

import wengert
from wengert import nn, optim, random, training
from wengert.explain import Diagnosis, Finding


@pytest.fixture(scope="module")
def ill():
    """A deep network of sigmoids, whose inputs have strange names and one of them no scale."""
    x = random.normal(random.key(0), (200, 3)) * np.array([1.0, 1.0, 4000.0])
    y = (x[:, 0] > x[:, 1]).astype(int)
    doctor = wengert.explain.Doctor(share=None, features=["a", "b", "<script>alert(1)</script>"])
    training.fit(
        nn.mlp(random.key(1), [3, *[24] * 6, 2], "sigmoid"), x, y, loss=nn.softmax_cross_entropy,
        optimizer=optim.sgd(0.05), epochs=12, progress="none", callbacks=[doctor],
    )  # fmt: skip
    return doctor.diagnosis


def test_the_text_has_each_finding_with_its_remedy_and_what_was_looked_at(ill):
    text = str(ill)
    assert text.startswith(f"{len(ill.findings)} findings: ")
    for finding in ill.findings:
        assert finding.title in text
        assert f"try: {finding.remedy.splitlines()[0]}" in text
    assert "looked at: data (180 rows)" in text.replace("\n  ", " ")
    assert max(map(len, text.splitlines())) <= 130


def test_findings_are_ordered_by_severity():
    x = np.column_stack([np.full(100, 3.0), random.normal(random.key(0), (100, 2))])
    y = (x[:, 1] > x[:, 2]).astype(int)
    x[4, 2] = np.nan
    found = wengert.diagnose(nn.mlp(random.key(1), [3, 8, 2]), (x, y), nn.softmax_cross_entropy).findings
    assert [(f.illness, f.severity) for f in found] == [("not_finite_data", "severe"), ("constant_feature", "slight")]


def test_the_dictionary_goes_through_json(ill):
    told = json.loads(json.dumps(ill.to_dict(), allow_nan=False))
    assert [f["illness"] for f in told["findings"]] == [f.illness for f in ill.findings]
    assert [layer["layer"] for layer in told["layers"]] == [f"layers[{2 * k}]" for k in range(7)]
    assert told["layers"][0]["activation"] == "sigmoid"


def test_numbers_that_are_not_finite_become_null():
    assert Finding("x", "slight", "s", "r", numbers={"a": np.inf}).to_dict()["numbers"] == {"a": None}


def test_a_healthy_network_is_said_to_be_so_with_what_was_looked_at():
    x = random.normal(random.key(0), (100, 4))
    found = wengert.diagnose(nn.mlp(random.key(1), [4, 8, 1]), (x, np.sin(x[:, 0]) + x[:, 1]), nn.mse)
    assert str(found).startswith("no illness found\n\nlooked at: data (100 rows)")
    assert "not looked at: the learning rate: give optimizer=" in str(found)


def test_a_diagnosis_of_nothing_says_so():
    assert str(Diagnosis()) == "nothing could be looked at"


def test_an_unknown_illness_is_answered_with_those_found(ill):
    with pytest.raises(KeyError, match="unscaled_inputs"):
        ill["flu"]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (480, "dark")])
def test_the_page_is_whole(ill, visit, width, scheme):
    page = visit(ill.html(), width=width, scheme=scheme)
    page.keep(f"doctor-{width}-{scheme}")
    assert page.locator("#findings .card").count() == len(ill.findings)
    assert page.locator("#layers svg[role=img]").count() == 9  # two flows, seven histograms
    assert page.locator("#layers tbody tr").count() == 7
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.get_by_text("<script>alert(1)</script>").count() >= 1


def test_the_page_reads_without_scripts_at_twice_its_size(ill, visit):
    page = visit(ill.html(), width=960, zoom=2.0, scripts=False)
    assert page.locator("h3", has_text="Vanishing gradients").is_visible()


def test_the_page_is_the_same_for_the_same_diagnosis(ill):
    assert ill.html() == ill.html()


def test_a_notebook_shows_the_page_in_a_frame(ill):
    shown = ill._repr_html_()
    assert shown.startswith("<iframe title=")
    assert "<script>alert" not in shown
