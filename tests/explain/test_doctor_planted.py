"""Planted illnesses are found and named, and healthy runs raise no alarm; benchmarks/planted.py has them all."""

import collections

import pytest

from planted import HEALTHY, PLANTED

TUNING = [run for run in PLANTED if run.split == "tuning"]
HELD_OUT = [run for run in PLANTED if run.split == "held out"]


def test_there_are_enough_of_them():
    ill = {run.illness for run in PLANTED if run.illness}
    healthy = [run for run in PLANTED if run.illness == HEALTHY]
    assert len(ill) >= 24
    assert len(healthy) >= 8
    assert len({run.name for run in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize("run", [run for run in TUNING if run.illness], ids=lambda run: run.name)
def test_an_illness_is_found_and_named(run):
    found = run.diagnose(run.seed)
    assert run.illness in found.illnesses
    finding = found[run.illness]
    assert finding.sentence
    assert finding.remedy


@pytest.mark.parametrize("run", [run for run in TUNING if not run.illness], ids=lambda run: run.name)
def test_a_healthy_run_raises_no_alarm(run):
    found = run.diagnose(run.seed)
    assert found.illnesses == (), str(found)


def test_of_the_runs_held_out_nine_in_ten_are_found_and_no_healthy_one_raises_an_alarm():
    right = collections.Counter()
    missed, alarms = [], []
    for run in HELD_OUT:
        found = run.diagnose(run.seed).illnesses
        if run.illness == HEALTHY:
            alarms += [(run.name, found)] if found else []
        else:
            right[run.illness in found] += 1
            missed += [] if run.illness in found else [(run.name, found)]
    assert right[True] >= 0.9 * right.total(), missed
    assert alarms == []
