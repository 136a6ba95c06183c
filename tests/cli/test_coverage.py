"""``wengert coverage``: the table, its filter, its options."""

from __future__ import annotations

import json

import pytest

from wengert.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["coverage", *arguments]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


def test_the_whole_table(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys).splitlines()
    assert len(lines) > 600
    assert lines[-1].endswith(" 0 unclassified")
    assert any(line.startswith("numpy.linalg: ") for line in lines)
    (line,) = [line for line in lines if line.split()[:1] == ["np.cumsum"]]
    assert line.split()[1] == "differentiable"
    assert "reverse, forward, second order, batched, staged; " in line


def test_by_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "argm")
    assert "np.argmax" in out
    assert "ndarray.argmin" in out
    assert "flat" in out
    assert "np.sum" not in out


def test_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "--missing")
    assert "it writes to a file; write: return the value, and save it outside of the function" in out
    assert " differentiable  " not in out


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "np.s", "--json"))
    by = {entry["name"]: entry for entry in found}
    assert by["np.sum"]["status"] == "differentiable"
    assert by["np.sum"]["columns"]["second order"] == "yes"
    assert by["np.save"]["reason"]
    assert json.loads(run(capsys, "nothing at all", "--json")) == []


def test_no_such_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "nothing at all") == 'no name contains "nothing at all"\n'
