"""The command's pictures, pages and data: where they go, and what is refused before anything is computed."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from wengert.cli import _writing, main

SOURCE = """
import numpy as np

def f(x, y, z):
    q = x + y
    return q * z

def broken(x):
    h = np.tanh(x)
    raise ValueError("no further")

def total(x):
    return np.sum(np.tanh(x) ** 2)
"""
POINT = ["--at", "-2", "5", "-4"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "slides.py"
    path.write_text(SOURCE)
    yield str(path)
    sys.modules.pop("slides", None)


@pytest.fixture(scope="module")
def moons(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moons") / "run"
    assert main(["train", "moons", "--out", str(folder), "--quiet", "--epochs", "3"]) == 0
    return folder


def command(*arguments, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "wengert", *arguments], capture_output=True, cwd=cwd, env={**os.environ, **environment},
        check=False,
    )  # fmt: skip


# ---- explain


def test_an_explanation_as_json_has_the_lectures_numbers(file, capsys):
    assert main(["explain", f"{file}:f", *POINT, "--json"]) == 0
    e = json.loads(capsys.readouterr().out)
    steps = {step["name"]: step for step in e["steps"]}
    assert {name: step["gradient"]["value"] for name, step in steps.items()} == {
        "x": -4.0, "y": -4.0, "z": 3.0, "v1": -4.0, "v2": 1.0,
    }  # fmt: skip
    assert (steps["v1"]["variable"], steps["v1"]["operation"], steps["v1"]["value"]["value"]) == ("q", "x + y", 3.0)
    assert steps["v1"]["place"]["source"] == "q = x + y"
    assert [(edge["source"], edge["target"], edge["local"]["value"], edge["contribution"]["value"])
            for edge in e["edges"]] == [
        ("x", "v1", 1.0, -4.0), ("y", "v1", 1.0, -4.0), ("v1", "v2", -4.0, -4.0), ("z", "v2", 3.0, 3.0),
    ]  # fmt: skip


def test_an_explanation_as_page_picture_and_latex(file, tmp_path, visit):
    places = [str(tmp_path / name) for name in ("e.html", "e.svg", "e.tex")]
    words = [word for pair in zip(("--html", "--svg", "--latex"), places, strict=True) for word in pair]
    assert main(["explain", f"{file}:f", *POINT, *words]) == 0
    assert (tmp_path / "e.svg").read_text().startswith("<svg")
    assert r"\begin{document}" in (tmp_path / "e.tex").read_text()
    assert r"q &= x + y = -2 + 5 = 3 \\" in (tmp_path / "e.tex").read_text()
    page = visit(tmp_path / "e.html")
    page.keep("command-explain")
    assert "f(x, y, z) = −12" in page.locator("h1").inner_text()


def test_a_page_of_what_failed_ends_there(file, tmp_path, visit):
    assert main(["explain", f"{file}:broken", "--at", "0.5", "--html", str(tmp_path / "b.html")]) == 2
    assert "tanh" in visit(tmp_path / "b.html").locator("main").inner_text()


def test_a_function_that_raises_is_shown_up_to_there(file, capsys):
    assert main(["explain", f"{file}:broken", "--at", "0.5", "--json"]) == 2
    out, err = capsys.readouterr()
    e = json.loads(out)
    assert [step["primitive"] for step in e["steps"]] == [None, "tanh"]
    assert (e["output"], e["failure"]["message"]) == (None, "no further")
    assert err.startswith("wengert: broken fails while it is differentiated: ValueError: no further (line 10: ")
    assert main(["explain", f"{file}:broken", "--at", "0.5"]) == 2
    assert "tanh(x)" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("bash") is None, reason="a shell with PIPESTATUS")
def test_a_closed_pipe_is_no_fault_of_the_function(file):
    words = f"{sys.executable} -m wengert explain {file}:total --at '{[0.5] * 400}' --json"
    code = f"{words} | head -c 10; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith(("141\n", "0\n"))  # it may have written all before the reader left
    assert done.stderr == ""


# ---- draw


def test_a_computation_is_drawn_to_several_files_at_once(file, tmp_path, capsys):
    places = {kind: str(tmp_path / f"f.{kind}") for kind in ("html", "svg", "dot")}
    options = [word for kind, place in places.items() for word in (f"--{kind}", place)]
    assert main(["draw", f"{file}:f", *POINT, "--gradients", *options]) == 0
    assert capsys.readouterr().out.split() == ["html", places["html"], "svg", places["svg"], "dot", places["dot"]]
    assert (tmp_path / "f.svg").read_text().startswith("<svg")
    assert "−4 × 1 = −4" in (tmp_path / "f.svg").read_text()
    assert (tmp_path / "f.html").read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "f.dot").read_text().startswith("digraph")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.dot", "f.html", "f.svg", "slides.py"]


def test_standard_output_holds_the_result_alone(file, tmp_path):
    done = command("draw", f"{file}:f", *POINT, "--dot", "-", "--svg", str(tmp_path / "f.svg"))
    assert done.returncode == 0
    assert done.stdout.startswith(b"digraph")
    assert done.stdout.rstrip().endswith(b"}")
    assert done.stderr.decode().split() == ["svg", str(tmp_path / "f.svg")]


def test_pixels_go_to_standard_output_too(file):
    pytest.importorskip("matplotlib")
    assert command("draw", f"{file}:f", *POINT, "--png", "-").stdout[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_drawing_as_json_has_blocks_and_links(file, capsys):
    assert main(["draw", f"{file}:f", *POINT, "--gradients", "--json"]) == 0
    (part,) = json.loads(capsys.readouterr().out)["parts"]
    heads = [block["lines"][0] for block in part["blocks"]]
    assert heads[:3] == ["x", "y", "z"] and len(heads) == 5
    named = {(heads[link["source"]], heads[link["target"]]): link["label"] for link in part["links"]}
    assert sorted(named.values()) == sorted(["1 × 3 = 3", "1 × (−4) = −4", "−4 × 1 = −4", "−4 × 1 = −4"])


def test_the_network_of_a_run_is_drawn(moons, tmp_path):
    assert main(["draw", str(moons), "--svg", str(tmp_path / "net.svg")]) == 0
    assert "64" in (tmp_path / "net.svg").read_text()


def test_draw_without_a_place_says_what_to_write(file, capsys):
    assert main(["draw", f"{file}:f", *POINT]) == 2
    assert "--svg FILE.svg" in capsys.readouterr().err


# ---- diagnose


def test_a_diagnosis_as_text_page_and_json(moons, tmp_path, capsys):
    assert main(["diagnose", str(moons), "moons"]) == 0
    assert "looked at" in capsys.readouterr().out
    assert main(["diagnose", str(moons), "moons", "--html", str(tmp_path / "d.html")]) == 0
    assert capsys.readouterr().out == f"html    {tmp_path / 'd.html'}\n"
    assert "<html" in (tmp_path / "d.html").read_text()
    assert main(["diagnose", str(moons), "moons", "--json"]) == 0
    assert "findings" in json.loads(capsys.readouterr().out)


def test_a_table_without_answers_is_refused(moons, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("x,y\n0.1,0.2\n0.3,0.4\n")
    assert main(["diagnose", str(moons), str(tmp_path / "new.csv")]) == 2
    assert 'has no column "label"' in capsys.readouterr().err


def test_a_directory_without_a_run_is_refused(tmp_path, capsys):
    assert main(["diagnose", str(tmp_path), "moons"]) == 2
    assert "holds no run" in capsys.readouterr().err
    assert main(["draw", str(tmp_path), "--svg", "-"]) == 2
    assert "holds no run" in capsys.readouterr().err


# ---- places


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--svg", "graph.png"], "--svg graph.svg"),
        (["--svg", "none/graph.svg"], 'there is no directory "none"'),
        (["--svg", "-", "--dot", "-"], "only one of the results can go to standard output"),
        (["--svg", "a.svg", "--html", "./b.html", "--dot", "a.dot", "--png", "."], '--png "." does not end in .png'),
        (["--svg", "folder.svg"], "is a directory"),
    ],
)
def test_places_that_cannot_be_written_are_refused_first(file, tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.svg").mkdir()
    assert main(["draw", f"{file}:nothing_is_run", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.svg", "slides.py"]


def test_what_is_read_is_not_overwritten(tmp_path, capsys):
    path = tmp_path / "data.html"
    path.write_text("x,y\n1,2\n")
    assert main(["diagnose", str(tmp_path), str(path), "--html", str(path)]) == 2
    assert "would be lost" in capsys.readouterr().err
    assert path.read_text() == "x,y\n1,2\n"


def test_nothing_is_written_where_one_of_the_results_cannot_be_made(file, tmp_path, monkeypatch, capsys):
    from wengert.explain import Drawing

    def fails(_):
        raise RuntimeError("no")

    monkeypatch.setattr(Drawing, "to_dot", fails)
    places = ["--svg", str(tmp_path / "f.svg"), "--dot", str(tmp_path / "f.dot")]
    assert main(["draw", f"{file}:f", *POINT, *places]) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["slides.py"]
    capsys.readouterr()


# ---- the browser


def test_a_browser_is_opened_when_asked_and_only_then(file, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(_writing.webbrowser, "open", lambda uri: opened.append(uri) or True)
    page = tmp_path / "f.html"
    assert main(["draw", f"{file}:f", *POINT, "--html", str(page)]) == 0
    assert opened == []
    assert main(["draw", f"{file}:f", *POINT, "--html", str(page), "--open"]) == 0
    assert opened == [page.as_uri()]
    monkeypatch.setattr(_writing.tempfile, "tempdir", str(tmp_path))
    assert main(["draw", f"{file}:f", *POINT, "--open"]) == 0
    (left,) = tmp_path.glob("wengert-*.html")
    assert opened[1:] == [left.as_uri()]
    assert left.read_text().startswith("<!DOCTYPE html>")


def test_without_a_browser_it_says_where_the_page_is(file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_writing.webbrowser, "open", lambda _: False)
    assert main(["draw", f"{file}:f", *POINT, "--html", str(tmp_path / "f.html"), "--open"]) == 2
    assert f'"{tmp_path / "f.html"}"' in capsys.readouterr().err
