"""diagnose: a model, its data and loss looked over, and what is wrong said in sentences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.errors import DataError, FlatDerivativeWarning, ModelError, WengertError
from wengert.explain.doctor.case import Case
from wengert.explain.doctor.course import course_findings
from wengert.explain.doctor.data import data_findings, not_finite
from wengert.explain.doctor.failing import lost_finding
from wengert.explain.doctor.finding import SEVERITIES, Diagnosis, Finding
from wengert.explain.doctor.heads import head_findings
from wengert.explain.doctor.network import Glance, network_findings, no_gradient
from wengert.explain.doctor.rate import rate_findings
from wengert.optim import Optimizer, sgd
from wengert.training import History
from wengert.training._data import model_dtype

__all__ = ["diagnose", "diagnosis_of"]


def diagnose(
    model: Any,
    data: tuple[Any, Any],
    loss: Callable[[Any, Any], Any],
    *,
    optimizer: Any = None,
    learning_rate: float | None = None,
    history: History | Mapping[str, Sequence[float]] | None = None,
    validation: tuple[Any, Any] | None = None,
    features: Sequence[str] = (),
    start: Any = None,
    rows: int = 256,
) -> Diagnosis:
    """What is wrong with a model, its data and its training, each finding with its evidence and a remedy.

    Args:
        model: a model as :func:`wengert.training.fit` takes it, trained or not.
        data: ``(inputs, targets)``, one sample a row.
        loss: ``loss(outputs, targets)``, one number.
        optimizer: to have the length of its steps tried; or ``learning_rate``, for gradient descent.
        history: of training (``result.history``): then the model counts as trained, and curves are looked at.
        validation: rows that were held out, ``(inputs, targets)``.
        features: names of the inputs' columns.
        start: the model before training, where there is a history.
        rows: how many rows are run through the model, spread over the data.

    Looked at are: inputs and targets (numbers that are not finite, scale, constant and duplicate features, labels'
    balance, leakage of the target, targets unrelated to inputs); the loss beside the outputs; initial values; gradients
    by layer and through time; ReLUs that do not fire, saturated sigmoids and tanhs; dropout; the optimiser's steps,
    tried on a few rows; and from the history over- and underfitting, plateaus and explosions. Thresholds stand
    with their sources in ``wengert.explain.doctor.thresholds``. What cannot be looked at is in ``left_out``, with the
    reason.

    Raises:
        DataError: if inputs or targets are empty, no numbers, or of different lengths.
        ModelError: if ``loss`` is no function, or ``optimizer`` no optimiser.

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> from wengert import nn, random
        >>> x = np.array([1.0, 300.0]) * random.normal(random.key(0), (200, 2))
        >>> y = (x[:, 0] > 0).astype(int)
        >>> model = nn.mlp(random.key(1), [2, 8, 2])
        >>> d = wengert.diagnose(model, (x, y), nn.softmax_cross_entropy, features=["a", "b"])
        >>> d.illnesses
        ('unscaled_inputs',)
        >>> print(d["unscaled_inputs"])
        unscaled inputs: b has a root mean square of 321: weights of the usual size fit inputs of mean 0 and
          deviation 1
          try: mean, std = x.mean(axis=0), x.std(axis=0) + 1e-8; x = (x - mean) / std
    """
    if not callable(loss):
        raise ModelError(f"loss is {loss!r} and must be a function, as in diagnose(model, (x, y), nn.mse)")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise ModelError(f"optimizer is {optimizer!r}; write one as in diagnose(…, optimizer=optim.adam(1e-3))")
    if optimizer is None and learning_rate is not None:
        optimizer = sgd(learning_rate)
    x, y = _pair(data, "data")
    held_out = None if validation is None else _pair(validation, "validation")
    if not hasattr(rows, "__index__") or rows < 1:
        raise ModelError(f"rows is {rows!r} and must be how many rows are looked at, at least 1")
    columns = _columns(history)
    case = Case(model, x, y, loss, tuple(map(str, features)), optimizer, columns, held_out, start=start, rows=rows)
    return diagnosis_of(case)


def _columns(history: Any) -> Mapping[str, Sequence[float]]:
    if isinstance(history, Mapping) and "columns" in history:
        history = History.from_config(history)  # as it stands in a file
    if history is None or isinstance(history, History):
        return {} if history is None else history.columns
    if not isinstance(history, Mapping):
        raise DataError(
            f"history is a {type(history).__name__}, and must be result.history or columns by name, as in "
            'diagnose(…, history={"loss": [0.7, 0.4]})'
        )
    return dict(history)


def _pair(data: Any, name: str) -> tuple[Any, Any]:
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise DataError(
            f"{name} is a pair (inputs, targets), and not {type(data).__name__}: diagnose(model, (x, y), loss)"
        )
    before = "" if name == "data" else f"{name} "
    x, y = (_array(array, f"{before}{kind}") for array, kind in zip(data, ("inputs", "targets"), strict=True))
    for array, kind in ((x, f"{before}inputs"), (y, f"{before}targets")):
        if array.dtype.kind not in "biuf":
            raise DataError(
                f"{kind} have dtype {array.dtype} and must be numbers: wengert.data.Encoding turns the columns of a "
                "table into numbers"
            )
        if array.ndim == 0 or array.size == 0:
            raise DataError(f"{kind} have shape {array.shape}: there is no row to look at")
    if len(x) != len(y):
        raise DataError(
            f"{before}inputs have {len(x)} rows (shape {x.shape}) and {before}targets {len(y)} (shape {y.shape}): each "
            "row of inputs has one target"
        )
    return x, y


def _array(values: Any, kind: str) -> Any:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(f"{kind} are no array of numbers, whose rows are of one length: {error}") from None


# ---- the examination

# what fails is listed as not looked at: a diagnosis says what it can
_EXPECTED = (WengertError, ValueError, TypeError, IndexError, ArithmeticError, AttributeError, np.linalg.LinAlgError)


def diagnosis_of(case: Case, glances: Sequence[Glance] = (), more: Sequence[Finding] = ()) -> Diagnosis:
    """The diagnosis of a case; ``more`` are findings that were made on the way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FlatDerivativeWarning)  # it is a finding
        return _diagnosis_of(case, glances, more)


def _diagnosis_of(case: Case, glances: Sequence[Glance], more: Sequence[Finding]) -> Diagnosis:
    findings, looked, left_out = list(more), [], []
    case = _cast(case)
    findings += not_finite(case.x, case.y, [case.feature(k) for k in range(case.x.shape[-1])])
    case, note = _finite_rows(case)
    left_out += note
    if not len(case.x):
        return Diagnosis(tuple(findings), ("whether data are finite",), tuple(left_out))
    looked.append(f"data ({len(case.x)} rows)")
    failed, lost = _failure(case), None
    if not failed and not more:
        failed = lost = lost_finding(case)
    outputs = None if failed else case.outputs_per_row
    parts: list[tuple[str, Callable[[], Iterator[Finding]]]] = [("data", lambda: data_findings(case, outputs))]
    if lost:
        parts.append(("the loss beside the outputs", lambda: head_findings(case)))
    if failed:
        findings.append(failed)
        left_out.append(
            "layers, learning rate and course of training: the loss is not finite"
            if lost
            else "outputs, layers, learning rate and course of training: the model raises"
        )
    else:
        parts += _parts(case, glances, looked, left_out)
    if not failed:
        findings += no_gradient(case)
    for name, look in parts:
        findings += _tried(name, look, left_out)
    looks = () if failed else case.seen.looks
    return Diagnosis(_sorted(findings), tuple(looked), tuple(left_out), looks)


def _parts(
    case: Case, glances: Sequence[Glance], looked: list[str], left_out: list[str]
) -> Iterator[tuple[str, Callable[[], Iterator[Finding]]]]:
    looked.append("the loss beside the outputs")
    yield "the loss beside the outputs", lambda: head_findings(case)
    if case.seen.looks:
        looked.append(f"{len(case.seen.looks)} layers on {len(case.sample[0])} rows")
        yield "layers", lambda: network_findings(case, glances)
    else:
        left_out.append("layers: none was found in what the model computes")
    if case.optimizer is not None:
        looked.append("the optimiser's steps")
        yield "the optimiser's steps", lambda: rate_findings(case)
    else:
        left_out.append("the learning rate: give optimizer=")
    if case.trained:
        looked.append(f"{len(case.columns['loss'])} epochs of history")
        yield "the course of training", lambda: course_findings(case)
    else:
        left_out.append("the course of training: give history=")


def _tried(name: str, look: Callable[[], Iterable[Finding]], left_out: list[str]) -> list[Finding]:
    try:
        with np.errstate(all="ignore"):
            return list(look())
    except _EXPECTED as error:
        left_out.append(f"{name}: {type(error).__name__}: {_first_line(error)}")
        return []


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def _cast(case: Case) -> Case:
    """The case with inputs in the model's dtype, as training has them: what is too large for it is infinite."""
    try:
        dtype = model_dtype(case.model)
    except ModelError:
        dtype = np.dtype(np.float64)
    with np.errstate(over="ignore"):
        x = case.x.astype(dtype, copy=False)
        y = case.y.astype(dtype, copy=False) if case.y.dtype.kind == "f" else case.y
    return replace(case, x=x, y=y)


def _finite_rows(case: Case) -> tuple[Case, list[str]]:
    """The rows without NaN and infinities."""
    good = np.ones(len(case.x), bool)
    for array in (case.x, case.y):
        if array.dtype.kind == "f":
            good &= np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if good.all():
        return case, []
    return replace(case, x=case.x[good], y=case.y[good]), [f"{int((~good).sum())} rows that are not finite"]


def _failure(case: Case) -> Finding | None:
    """What the model or the loss raises on a few rows."""
    try:
        with np.errstate(all="ignore"):
            _ = case.seen
        return None
    except Exception as error:  # noqa: BLE001 - it is the user's code, and whatever it raises is the finding
        words = [line.strip() for line in str(error).splitlines()] or [""]
        remedy = next((line.removeprefix("write: ") for line in words[1:] if line.startswith("write: ")), "")
        return Finding(
            "model_raises", "severe", f"on {len(case.sample[0])} rows of inputs {case.sample[0].shape} and targets "
            f"{case.sample[1].shape} the model or the loss raises {type(error).__name__}: {words[0]}",
            remedy or "model(x[:2]), and loss(model(x[:2]), y[:2]), until both give numbers",
        )  # fmt: skip


def _sorted(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
