"""``wengert train``: a table in, a directory with a trained network and its report out."""

from __future__ import annotations

import json
import shlex
import time
from argparse import Namespace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wengert.cli._baseline import baselines
from wengert.cli._codes import INTERRUPTED, OK
from wengert.cli._files import check_directory, new_directory, write_json
from wengert.cli._metrics import measure
from wengert.cli._network import HELD_OUT, Settings, to_config, train_network
from wengert.cli._outcome import Outcome
from wengert.cli._report import report_of
from wengert.cli._text import comparison
from wengert.data import Encoding, Table, find_task, load, split_rows
from wengert.errors import DataError, UnsupportedError
from wengert.explain.doctor import Doctor, Finding
from wengert.explain.report import ActivationWatch, write_report
from wengert.training import predict, save_model

__all__ = ["train"]

LEAST_ROWS = 10


def train(options: Namespace) -> int:
    """Run the command; 0, or 130 if it was interrupted after something was reached."""
    table = load(options.table)
    out = Path(options.out) if options.out else _fresh_name(table.name)
    target = _target(table, options.target)
    task = find_task(table, target, options.task)
    if len(table) < LEAST_ROWS:
        raise DataError(
            f'"{table.name}" has {len(table)} rows; to learn, to stop in time and to test takes {LEAST_ROWS} or more'
        )
    if find_spec("safetensors") is None:
        raise UnsupportedError("model files are written by safetensors: pip install 'wengert[models]'")
    check_directory(out)
    outcome = _run(table, target, task, options)
    _write(outcome, out)
    _tell(outcome, out, as_json=options.json)
    return INTERRUPTED if outcome.result.interrupted else OK


def _target(table: Table, chosen: str | None) -> str:
    target = chosen or table.target
    if target is None:
        raise DataError(
            f'which column of "{table.name}" is to be predicted? Add --target COLUMN, one of: '
            f"{', '.join(list(table.columns)[:30])}{', …' if len(table.columns) > 30 else ''}"
        )
    return target


def _fresh_name(table: str) -> Path:
    stem = Path("runs", f"{table}-{time.strftime('%Y%m%d-%H%M%S')}")
    return next(
        path for path in (stem, *(stem.with_name(f"{stem.name}-{n}") for n in range(2, 1000))) if not path.exists()
    )


def _run(table: Table, target: str, task: Any, options: Namespace) -> Outcome:
    settings = Settings.of(options, len(table))
    strata = table[target] if task == "classification" else None
    training_rows, held_out_rows = split_rows(len(table), HELD_OUT, settings.seed, strata)
    training, held_out = table.take(training_rows), table.take(held_out_rows)
    encoding = Encoding.fit(training, target, options.drop, task)
    inputs, targets = encoding.inputs(training), encoding.targets(training)
    tested = encoding.inputs(held_out)
    baseline = baselines(encoding, inputs, targets, held_out, tested, settings)
    progress = "none" if options.quiet else "auto"
    watch = ActivationWatch(inputs)
    doctor = Doctor(features=encoding.features)
    result, seconds = train_network(encoding, inputs, targets, settings, progress, [watch, doctor])
    outputs = predict(result.model, tested)
    metrics = measure(encoding, held_out, outputs)
    command = shlex.join(["wengert", *options.typed])
    return Outcome(
        table,
        target,
        encoding,
        settings,
        training_rows,
        held_out_rows,
        outputs,
        result,
        seconds,
        metrics,
        baseline,
        command,
        watch.columns,
        _findings(doctor, table) if len(result.history) else None,
    )


def _findings(doctor: Doctor, table: Table) -> list[Finding]:
    """The doctor's findings but for what the encoding has decided."""
    found = doctor.diagnosis.findings
    # pixels share one scale on purpose: those at the rim, hardly ever touched, are not blown up
    return [each for each in found if each.illness != "unscaled_inputs" or not table.image_shape]


def _write(outcome: Outcome, out: Path) -> None:
    with new_directory(out) as folder:
        save_model(folder / "model.safetensors", outcome.result.model)
        write_json(folder / "history.json", outcome.result.history.to_config())
        write_report(folder / "report.html", report_of(outcome))
        write_json(
            folder / "config.json",
            {
                "wengert": version("wengert"),
                "command": outcome.command,
                "table": outcome.table.name,
                **to_config(outcome.encoding, outcome.settings),
                "result": outcome.summary(out),
            },
        )


def _tell(outcome: Outcome, out: Path, as_json: bool) -> None:
    """The result, and where to look next, on standard output."""
    if as_json:
        print(json.dumps(outcome.summary(out), ensure_ascii=False))
        return
    stopped = "interrupted; the best model so far is kept\n" if outcome.result.interrupted else ""
    print(
        f"{stopped}{outcome.table.name}: {outcome.target} from {len(outcome.encoding.columns)} columns, "
        f"trained on {len(outcome.training_rows)} rows, measured on {len(outcome.held_out_rows)} others\n\n"
        f"{comparison(outcome.metrics, outcome.baseline)}\n\n"
        f"report   {out / 'report.html'}\n"
        f"predict  {shlex.join(['wengert', 'predict', str(out), 'TABLE'])}"
    )
