"""Illnesses of the data: what a network cannot learn from, or learns for the wrong reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert import nn
from wengert.explain.charts.numbers import count, number, percent
from wengert.explain.doctor import thresholds
from wengert.explain.doctor.case import Case, evenly
from wengert.explain.doctor.finding import Finding
from wengert.explain.doctor.reference import is_labels, labels_of, nearest, neighbours_error

__all__ = ["data_findings", "not_finite"]

Array = NDArray[Any]
_MOST_ROWS = 5000
_MOST_FEATURES = 500
_PIXELS = 32
_TOLD = 3


def not_finite(x: Array, y: Array, names: Sequence[str]) -> Iterator[Finding]:
    """NaN and infinities: training refuses them."""
    for array, what in ((x, "inputs"), (y, "targets")):
        strange = ~np.isfinite(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
        if not strange.any():
            continue
        bad = strange.reshape(len(array), -1)
        rows, columns = bad.any(axis=1), np.flatnonzero(strange.any(axis=tuple(range(strange.ndim - 1))))
        told = [names[int(k)] if k < len(names) else f"feature {k}" for k in columns] if what == "inputs" else []
        where = f" of {_some(told)}" if told and array.ndim > 1 else ""
        variable = "x" if what == "inputs" else "y"
        yield Finding(
            "not_finite_data", "severe",
            f"{count(int(bad.sum()), 'number')} among the {what}{where} are NaN or infinite, in {int(rows.sum())} of "
            f"{count(len(array), 'row')}, the first in row {int(np.argmax(rows))}: every sum they enter is lost",
            f"good = np.isfinite({variable}).reshape(len({variable}), -1).all(axis=1); x, y = x[good], y[good]",
            feature=told[0] if told else "",
            numbers={"numbers": float(bad.sum()), "rows": float(rows.sum())},
        )  # fmt: skip


def data_findings(case: Case, outputs: int | None) -> Iterator[Finding]:
    """All that can be said of inputs and targets without running the model; ``outputs`` is how many it gives a row."""
    rows = evenly(len(case.x), _MOST_ROWS)
    x, y = case.x[rows], case.y[rows]
    classes = is_labels(y, outputs)
    if not _looks_up(case.model):
        flat = x.reshape(-1, x.shape[-1] if x.ndim > 1 else 1)
        if not _normalises(case.model):
            yield from _scale_of_inputs(case, flat)
        yield from _useless_features(case, flat, x.ndim <= 2)
    if classes:
        yield from _imbalance(labels_of(y), outputs)
    elif y.dtype.kind in "biuf":
        yield from _scale_of_targets(y)
    if x.ndim == 2 and len(x) >= 50 and not _looks_up(case.model):
        yield from _leakage(case, x.astype(float), y, classes)
    yield from _unrelated(x, y, classes)


def _first(model: Any) -> Any:
    return model.layers[0] if isinstance(model, nn.Sequential) and len(model) else model


def _looks_up(model: Any) -> bool:
    """Whether inputs are numbers of things, whose scale means nothing."""
    return isinstance(_first(model), nn.Embedding)


def _normalises(model: Any) -> bool:
    return isinstance(_first(model), nn.BatchNorm | nn.LayerNorm)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _TOLD
    return ", ".join(names[:_TOLD]) + (f" and {rest} more" if rest > 0 else "")


# ---- scale

_STANDARDISE = "mean, std = x.mean(axis=0), x.std(axis=0) + 1e-8; x = (x - mean) / std"


def _scale_of_inputs(case: Case, x: Array) -> Iterator[Finding]:
    x = x.astype(float)
    low, high, mean, std = x.min(axis=0), x.max(axis=0), x.mean(axis=0), x.std(axis=0)
    varying = high > low
    if not varying.any():
        return
    rms, reach = np.sqrt(mean**2 + std**2), high - low
    worst = int(np.argmax(np.where(varying, rms, 0)))
    ratio = float(reach[varying].max() / reach[varying].min())
    # one that varies less than the others, such as a pixel of the background, is far where it is beside these
    spread = np.maximum(std, np.median(std[varying]))
    offset = np.where(varying & ~_two_valued(x), np.abs(mean) / spread, 0)
    told: list[str] = []
    if rms[worst] > thresholds.INPUT_SCALE:
        told.append(f"{case.feature(worst)} has a root mean square of {number(rms[worst], 3)}")
    elif rms[worst] < thresholds.INPUT_TOO_SMALL:
        told.append(f"the largest root mean square of a feature is {number(rms[worst], 3)} ({case.feature(worst)})")
    if ratio > thresholds.RANGE_RATIO:
        wide, narrow = (int(f(np.where(varying, reach, fill))) for f, fill in ((np.argmax, 0), (np.argmin, np.inf)))
        told.append(f"{case.feature(wide)} reaches {number(ratio, 2)} times as far as {case.feature(narrow)}")
    if offset.max() > thresholds.OFFSET:
        far = int(np.argmax(offset))
        told.append(f"{case.feature(far)} is {number(mean[far], 3)} ± {number(std[far], 2)}, far from 0")
    if told:
        numbers = {"rms": float(rms[worst]), "ratio": ratio, "offset": float(offset.max())}
        yield Finding(
            "unscaled_inputs", "serious",
            f"{'; '.join(told)}: weights of the usual size fit inputs of mean 0 and deviation 1",
            "x = x / np.abs(x).max()" if x.shape[1] == 1 and case.x.ndim > 2 else _STANDARDISE,
            feature=case.feature(worst), numbers=numbers,
        )  # fmt: skip


def _two_valued(x: Array) -> NDArray[np.bool_]:
    """Which columns hold two values only: a yes that is nearly always one is no offset."""
    low, high = x.min(axis=0), x.max(axis=0)
    return np.all((x == low) | (x == high), axis=0)


def _scale_of_targets(y: Array) -> Iterator[Finding]:
    y = y.reshape(len(y), -1).astype(float)
    mean, std = y.mean(axis=0), y.std(axis=0)
    rms = float(np.sqrt(mean**2 + std**2).max())
    if std.max() == 0:
        yield Finding(
            "constant_target", "severe", f"all {count(len(y), 'target')} are {number(y.flat[0])}: a constant needs no "
            "network", "look at how y was made", numbers={"value": float(y.flat[0])},
        )  # fmt: skip
        return
    worst = int(np.argmax(std))
    if rms > thresholds.TARGET_SCALE or std.max() < thresholds.TARGET_TOO_SMALL:
        yield Finding(
            "unscaled_targets", "serious",
            f"targets are {number(mean[worst], 3)} ± {number(std[worst], 3)}: the first outputs are about 0 ± 1, and "
            "gradients grow and shrink with the targets' scale",
            "mean, std = y.mean(), y.std(); y = (y - mean) / std  # and outputs * std + mean",
            numbers={"rms": rms, "std": float(std.max())},
        )  # fmt: skip


# ---- features that say nothing, or nothing new


def _useless_features(case: Case, x: Array, flat: bool) -> Iterator[Finding]:
    if not flat or x.shape[1] < 2 or _is_picture(x):
        return
    constant = np.flatnonzero(x.min(axis=0) == x.max(axis=0))
    if len(constant):
        names = [case.feature(int(k)) for k in constant]
        values = f"{number(float(x[0, constant[0]]))} on all rows"
        yield Finding(
            "constant_feature", "slight",
            f"{_some(names)} {'is' if len(names) == 1 else 'are constant: the first is'} {values}, and tells nothing",
            f"x = np.delete(x, {[int(k) for k in constant[:20]]}, axis=1)",
            feature=names[0], numbers={"features": float(len(constant))},
        )  # fmt: skip
    pairs = _same(x.astype(float))
    if pairs:
        first, second = pairs[0]
        more = f" (and {count(len(pairs) - 1, 'more pair')})" if len(pairs) > 1 else ""
        yield Finding(
            "duplicate_feature", "slight",
            f"{case.feature(second)} is {case.feature(first)} once more, but for its scale{more}: the same is weighed "
            "twice",
            f"x = np.delete(x, {sorted({b for _, b in pairs})[:20]}, axis=1)",
            feature=case.feature(second), numbers={"pairs": float(len(pairs))},
        )  # fmt: skip


def _is_picture(x: Array) -> bool:
    """Many features with one common background: a border that is always dark is no mistake."""
    low = x.min(axis=0)
    return x.shape[1] >= _PIXELS and bool(np.mean(low == np.min(low)) > 0.5)


def _same(x: Array) -> list[tuple[int, int]]:
    """Pairs of features that are the same but for scale and offset."""
    if x.shape[1] > _MOST_FEATURES or len(x) < 3:
        return []
    centred = x - x.mean(axis=0)
    norms = np.sqrt(np.sum(centred**2, axis=0))
    alive = norms > 0
    unit = centred / np.where(alive, norms, 1)
    alike = np.abs(unit.T @ unit) > thresholds.SAME_FEATURE
    binary = _two_valued(x)  # yes and no of one question are columns that a table's encoding makes
    return [
        (int(a), int(b)) for a, b in np.argwhere(np.triu(alike, 1)) if alive[a] and not (binary[a] and binary[b])
    ]  # fmt: skip


# ---- targets


def _imbalance(labels: Array, outputs: int | None) -> Iterator[Finding]:
    counts = np.bincount(labels)
    most, least = int(np.argmax(counts)), int(np.argmin(np.where(counts > 0, counts, len(labels))))
    if counts[most] == len(labels):
        yield Finding(
            "one_class", "severe", f"all {count(len(labels), 'row')} have label {most}: there is nothing to tell apart",
            "look at how y was made", numbers={"label": float(most)},
        )  # fmt: skip
    elif counts[most] >= thresholds.IMBALANCE * counts[least]:
        share = counts[most] / len(labels)
        yield Finding(
            "imbalanced_labels", "serious",
            f"label {most} has {counts[most]} of {len(labels)} rows and label {least} {counts[least]}: always saying "
            f"{most} is right in {percent(share)} of them, so accuracy says little",
            "share = np.bincount(y) / len(y)\n"
            "rows = np.random.default_rng(0).choice(len(y), len(y), p=(1 / share[y]) / np.sum(1 / share[y]))\n"
            "x, y = x[rows], y[rows]  # of the training rows only; judge by recall for each class",
            numbers={"most": float(counts[most]), "least": float(counts[least]), "share": float(share)},
        )  # fmt: skip
    del outputs


def _leakage(case: Case, x: Array, y: Array, classes: bool) -> Iterator[Finding]:
    """A function of one feature that predicts rows not seen, where all others together do far worse."""
    if x.shape[1] < 3 or x.shape[1] > _MOST_FEATURES or y.reshape(len(y), -1).shape[1] != 1 or _is_picture(x):
        return
    target = labels_of(y).astype(float) if classes else y.reshape(-1).astype(float)
    if target.std() == 0:
        return
    alone = np.array([_left_by_one(x[:, k], target) for k in range(x.shape[1])])
    best = int(np.argmin(alone))
    if alone[best] > thresholds.LEAK:
        return
    # copies of what leaks are no others
    twin = np.array([abs(_correlation(x[:, k], x[:, best])) > 0.95 for k in range(x.shape[1])])
    if twin.all():
        return
    others = min(_left_by_all(x[:, ~twin], target), float(alone[~twin].min()))
    if others > thresholds.LEAK_RATIO * max(alone[best], 1e-3) and others > 4 * thresholds.LEAK:
        yield Finding(
            "target_leakage", "severe",
            f"{case.feature(best)} alone tells {percent(1 - float(alone[best]))} of the target on rows not seen, all "
            f"other features together {percent(max(0.0, 1 - others))}: is it known before the target is?",
            f"x = np.delete(x, {best}, axis=1)",
            feature=case.feature(best), numbers={"alone": 1 - float(alone[best]), "others": 1 - others},
        )  # fmt: skip


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b)) / scale if scale else 0.0


def _left_by_one(feature: Array, target: Array) -> float:
    """The share of variance that the target's line over each stretch of the feature leaves on rows not seen.

    Stretches hold equally many rows; in each a line is fitted, so that smooth functions and jumps are followed.
    """
    fit, test = slice(0, None, 2), slice(1, None, 2)
    edges = np.unique(np.quantile(feature[fit], np.linspace(0, 1, 9)[1:-1]))
    places, wanted = np.searchsorted(edges, feature, "right"), target[test]
    predicted = np.empty_like(wanted)
    for k in range(len(edges) + 1):
        mine, asked = places[fit] == k, places[test] == k
        a, b = _line(feature[fit][mine], target[fit][mine]) if mine.any() else (0.0, float(target.mean()))
        predicted[asked] = a * feature[test][asked] + b
    variance = float(np.mean((wanted - wanted.mean()) ** 2))
    return float(np.mean((wanted - predicted) ** 2)) / variance if variance else 1.0


def _line(x: Array, y: Array) -> tuple[float, float]:
    """Slope and height of the line of least squares."""
    spread = float(np.sum((x - x.mean()) ** 2))
    slope = float(np.sum((x - x.mean()) * (y - y.mean()))) / spread if spread > 0 else 0.0
    return slope, float(y.mean()) - slope * float(x.mean())


def _left_by_all(x: Array, target: Array) -> float:
    """The share of variance that a ridge regression on features and their squares leaves on rows not seen."""
    spread = x.std(axis=0)
    z = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)
    z = np.column_stack([z, z * z, np.ones(len(z))])
    fit, test = slice(0, None, 2), slice(1, None, 2)
    gram = z[fit].T @ z[fit] + 1e-3 * len(z) * np.eye(z.shape[1])
    w = np.linalg.solve(gram, z[fit].T @ target[fit])
    wanted = target[test]
    variance = float(np.mean((wanted - wanted.mean()) ** 2))
    return float(np.mean((wanted - z[test] @ w) ** 2)) / variance if variance else 1.0


def _unrelated(x: Array, y: Array, classes: bool) -> Iterator[Finding]:
    """Targets that go with their inputs no better than shuffled ones."""
    flat = x.reshape(len(x), -1)
    if len(x) < thresholds.UNRELATED_ROWS or (not classes and y.reshape(len(y), -1).shape[1] != 1):
        return
    rows = evenly(len(x), 1000)
    flat, y = flat[rows], y[rows]
    near, rng = nearest(flat), np.random.default_rng(0)
    labels = int(labels_of(y).max()) + 1 if classes else 0
    if (classes and len(np.unique(labels_of(y))) < 2) or (not classes and np.ptp(y) == 0):
        return
    amounts = labels_of(y).astype(float) if classes else y.reshape(-1).astype(float)
    spread = flat.std(axis=0)
    z = (flat - flat.mean(axis=0)) / np.where(spread > 0, spread, 1)
    pairs = [(y, amounts)] + [(y[p], amounts[p]) for p in (rng.permutation(len(y)) for _ in range(19))]
    near_error = np.array([neighbours_error(near, a, labels) for a, _ in pairs])
    line = np.array([float(np.max(np.abs(z.T @ (b - b.mean())))) for _, b in pairs])
    better = (near_error[1:].mean() - near_error[0]) / max(near_error[1:].std(), 1e-12)
    steeper = (line[0] - line[1:].mean()) / max(line[1:].std(), 1e-12)
    if better < thresholds.UNRELATED and steeper < thresholds.UNRELATED:
        yield Finding(
            "unrelated_targets", "severe",
            f"the targets of neighbouring rows are as unlike ({percent(float(near_error[0]))} unexplained) as after "
            f"shuffling ({percent(float(near_error[1:].mean()))}), and no feature goes with them: rows of inputs and "
            "targets may have lost each other, or the inputs say nothing of the target",
            "# shuffle and filter x and y together: p = rng.permutation(len(x)); x, y = x[p], y[p]",
            numbers={"neighbours": float(better), "line": float(steeper)},
        )  # fmt: skip
