"""``wengert diagnose``: what is wrong with a trained network, its data and its training."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from wengert.cli._codes import OK
from wengert.cli._files import read_json
from wengert.cli._network import HELD_OUT, TrainedRun, build, load_run, loss_of
from wengert.cli._writing import Content, check_outputs, print_json, write_outputs
from wengert.data import Table, load, split_rows
from wengert.errors import DataError
from wengert.explain import diagnose as diagnosis_of
from wengert.training import History

__all__ = ["diagnose"]

Pair = tuple[NDArray[Any], NDArray[Any]]


def diagnose(options: Namespace) -> int:
    """Run the command: the doctor's findings as text, page or data; 0, whatever is found."""
    check_outputs(options, options.table)
    directory = Path(options.run)
    run, table = load_run(directory), load(options.table)
    target = _target(run)
    if target not in table.columns:
        raise DataError(
            f'"{table.name}" has no column "{target}", which the network predicts; a diagnosis takes rows with answers'
        )
    data, held_out = _rows(run, table, directory)
    diagnosis = diagnosis_of(
        run.model, data, loss_of(run.task), history=History.from_config(read_json(directory / "history.json")),
        validation=held_out, features=run.encoding.features, start=build(run.encoding, run.settings),
    )  # fmt: skip
    if options.json:
        print_json(diagnosis.to_dict())
    contents: dict[str, Content] = {"html": lambda: diagnosis.html(f"Diagnosis of {directory}")}
    if not (write_outputs(options, contents, "html") or options.json):
        print(diagnosis)
    return OK


def _target(run: TrainedRun) -> str:
    assert run.encoding.target is not None  # a run without one is not loaded
    return run.encoding.target.name


def _rows(run: TrainedRun, table: Table, directory: Path) -> tuple[Pair, Pair | None]:
    """Of the table that the run learned from, the rows that it learned and those held out; of another one all."""

    def pair(rows: Table) -> Pair:
        return run.encoding.inputs(rows), run.encoding.targets(rows)

    if read_json(directory / "config.json").get("table") != table.name:
        return pair(table), None
    strata = table[_target(run)] if run.task == "classification" else None
    learned, held_out = split_rows(len(table), HELD_OUT, run.settings.seed, strata)
    return pair(table.take(learned)), pair(table.take(held_out))
