"""Illnesses of layers: what goes forward through them, what comes back, and units that do not respond."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wengert import nn, pytree
from wengert.explain.charts.numbers import count, number, percent
from wengert.explain.doctor import thresholds
from wengert.explain.doctor.case import Case, Seen
from wengert.explain.doctor.finding import Finding
from wengert.explain.doctor.looks import Look, own_gradients

__all__ = ["Glance", "network_findings", "no_gradient"]

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Glance:
    """What was seen of the layers after so many steps, during training; shares and norms by layer."""

    step: int
    epoch: int
    dead: dict[str, float]
    flat: dict[str, float]
    flow: dict[str, float]
    loss: float


def network_findings(case: Case, glances: Sequence[Glance] = ()) -> Iterator[Finding]:
    """What is wrong with the layers, before training where that is known, and now."""
    start = case.seen_at_start
    if start is not None:
        yield from _symmetric(start)
        yield from _initial_scale(case, start)
    yield from _flow(start or case.seen)
    yield from _through_time(start or case.seen)
    yield from _dead(case, glances)
    yield from _saturated(case.seen, glances)
    yield from _dropout(case.model)


def _good_initial(look: Look) -> str:
    return "he_normal" if look.activation in ("relu", "") else "xavier_normal"


# ---- initial values


def _symmetric(seen: Seen) -> Iterator[Finding]:
    """Units that start equal and get equal gradients stay equal."""
    for look in seen.hidden:
        weights = [p for p in look.parameters if p.value.ndim > 1 and p.value.shape[-1] > 1]
        if weights and all(_same_columns(p.value) and _same_columns(p.gradient) for p in weights):
            value = float(weights[0].value.flat[0])
            what = (
                "all weights are 0" if not any(p.value.any() for p in weights) else f"each is like {number(value, 3)}"
            )
            yield Finding(
                "symmetric_weights", "severe",
                f"{look.name}: the weights of all {look.units} units are the same ({what}), and so are their "
                "gradients: they learn the same for ever, as one unit would",
                f'nn.Dense.init(key, inputs, {look.units}, "{_good_initial(look)}")  # biases may be 0',
                layer=look.layer, numbers={"units": float(look.units), "value": value},
            )  # fmt: skip


def _same_columns(a: Array) -> bool:
    flat = a.reshape(-1, a.shape[-1])
    return bool(np.all(np.ptp(flat, axis=1) <= 1e-9 * max(float(np.abs(flat).max()), 1e-300)))


def _initial_scale(case: Case, seen: Seen) -> Iterator[Finding]:
    """Pre-activations that shrink or grow from the inputs on."""
    inputs = case.sample[0].astype(float)
    first = seen.looks[0] if seen.looks else None
    base = first.scale if first is not None and not first.matrix else float(np.sqrt(np.mean(inputs**2)))
    if not base or not np.isfinite(base):
        return
    scales: list[float] = []
    for look in seen.hidden:
        scales.append(look.scale / base)
        if look.activation in ("sigmoid", "tanh"):
            base = min(base, 1.0)  # what they give is no larger than that
    for look, scale in zip(seen.hidden, scales, strict=True):
        if thresholds.SCALE_LOW <= scale <= thresholds.SCALE_HIGH or not any(p.value.any() for p in look.parameters):
            continue
        way = "shrink" if scale < 1 else "grow"
        row = ", ".join(number(s, 2) for s in scales[:8]) + (", …" if len(scales) > 8 else "")
        yield Finding(
            "wrong_initial_scale", "serious",
            f"{look.name}: pre-activations {way} to {number(scale, 2)} times the inputs (layer by layer: {row}), where "
            "usual initial values keep them at about 1: its weights are too "
            f"{'small' if scale < 1 else 'large'}",
            f'init="{_good_initial(look)}", as in nn.mlp(key, sizes, init="{_good_initial(look)}")',
            layer=look.layer, numbers={"scale": scale, "last": scales[-1]},
        )  # fmt: skip
        return


# ---- gradients by layer


def no_gradient(case: Case) -> Iterator[Finding]:
    """A loss that no parameter changes, and that is not 0, where there is nothing left to do."""
    own = own_gradients(case.seen.explanation)
    if own and case.seen.value and not any(p.gradient.any() for p in own):
        yield Finding(
            "no_gradient", "severe",
            f"on {len(case.sample[0])} rows the loss is {number(case.seen.value, 3)}, and its derivative by every one "
            f"of {count(sum(p.value.size for p in own), 'parameter')} is 0: no step changes anything",
            "a loss that is smooth in the outputs (cross-entropy in place of accuracy; no rounding, no comparison), "
            "and initial values that are not all 0",
            numbers={"loss": case.seen.value},
        )  # fmt: skip


def _flow(seen: Seen) -> Iterator[Finding]:
    """The gradient that arrives at the first hidden layer against that at the last."""
    hidden = [look for look in seen.hidden if look.flow > 0]
    if len(hidden) < 3:
        return
    first, last = hidden[0], hidden[-1]
    ratio = first.flow / last.flow
    row = ", ".join(number(look.flow / last.flow, 2) for look in hidden)
    numbers = {"ratio": ratio, "first": first.flow, "last": last.flow}
    if ratio < thresholds.VANISHING:
        culprit = " (a sigmoid's slope is 1/4 at most)" if first.activation == "sigmoid" else ""
        yield Finding(
            "vanishing_gradients", "serious",
            f"the gradient that reaches {first.name} is {number(ratio, 2)} of that at {last.name}{culprit}: from the "
            f"first hidden layer to the last {row}",
            'activation="relu" with init="he_normal", or nn.LayerNorm between the layers, or fewer layers',
            layer=first.layer, numbers=numbers,
        )  # fmt: skip
    elif ratio > thresholds.EXPLODING or not np.isfinite(ratio):
        yield Finding(
            "exploding_gradients", "serious",
            f"the gradient that reaches {first.name} is {number(ratio, 2)} times that at {last.name}: it grows from "
            f"layer to layer on its way back (from the first hidden layer to the last: {row})",
            f'init="{_good_initial(first)}", and optim.chain(optim.clip_by_global_norm(1.0), optimizer)',
            layer=first.layer, numbers=numbers,
        )  # fmt: skip


def _through_time(seen: Seen) -> Iterator[Finding]:
    """The gradient by a recurrent layer's inputs, from its last step back."""
    for step in seen.explanation.steps:
        if step.primitive is None or step.primitive.name != "scan":
            continue
        for operand in step.operands:
            gradient = getattr(operand, "gradient", None)
            if isinstance(gradient, np.ndarray) and gradient.ndim == 3 and len(gradient) >= 5:
                yield from _by_time(np.sqrt(np.sum(gradient.astype(float) ** 2, axis=(1, 2))))
                break


def _by_time(norms: Array) -> Iterator[Finding]:
    back = norms[::-1][: thresholds.TIME_STEPS]
    if not back[0] > 0:
        return
    factor = float((max(back[-1], 1e-300) / back[0]) ** (1 / (len(back) - 1)))
    steps, told = len(back) - 1, number(float(back[-1] / back[0]), 2)
    numbers = {"factor": factor, "steps": float(steps)}
    if factor < thresholds.TIME_VANISHING:
        yield Finding(
            "vanishing_through_time", "serious",
            f"the gradient by the inputs {steps} steps before the last is {told} of that at the last: a factor of "
            f"{number(factor, 2)} a step, so what was earlier is not learned from",
            'recurrent_init="orthogonal", or nn.LSTM, nn.GRU in place of nn.RNN',
            numbers=numbers,
        )  # fmt: skip
    elif factor > thresholds.TIME_EXPLODING:
        yield Finding(
            "exploding_through_time", "serious",
            f"the gradient by the inputs {steps} steps before the last is {told} times that at the last: a factor of "
            f"{number(factor, 2)} a step",
            'recurrent_init="orthogonal", and optim.chain(optim.clip_by_global_norm(1.0), optimizer)',
            numbers=numbers,
        )  # fmt: skip


# ---- units that do not respond


def _since(glances: Sequence[Glance], layer: str, kind: str, threshold: float) -> tuple[int | None, float | None]:
    """The number of steps from which on a share was above the threshold to the end, and what it was at first."""
    shares = [getattr(glance, kind).get(layer, 0.0) for glance in glances]
    since = None
    for glance, share in zip(reversed(glances), reversed(shares), strict=True):
        if share < threshold:
            break
        since = glance.step
    return (since, shares[0]) if shares else (None, None)


def _dead(case: Case, glances: Sequence[Glance]) -> Iterator[Finding]:
    start = case.seen_at_start
    for look in case.seen.hidden:
        if look.dead < thresholds.DEAD or round(look.dead * look.units) < 2:
            continue
        since, first = _since(glances, look.layer, "dead", thresholds.DEAD)
        before = _before(start, look) if start is not None and start is not case.seen else first
        dying = before is not None and before < thresholds.DEAD / 2
        cause = "the learning rate" if dying else "the initial values, or inputs far from 0"
        smaller = number(case.rate / 10, 2) if dying and case.rate else ""
        when = f" since step {since}" if since is not None and dying else ""
        yield Finding(
            "dying_relus" if dying else "dead_relus", "severe" if look.dead > 0.9 else "serious",
            f"{look.name}: {percent(look.dead)} of ReLUs have not fired{when} on any of {len(case.sample[0])} rows"
            + (f" ({percent(before)} at the start)" if dying and before is not None else "")
            + f"; likely {cause}",
            (f"learning rate {smaller}, or " if smaller else "")
            + 'init="he_normal" with biases 0, activation="leaky_relu"',
            layer=look.layer, step=since if dying else None,
            numbers={"dead": look.dead, **({} if before is None else {"before": before})},
        )  # fmt: skip


def _before(seen: Seen, look: Look) -> float | None:
    return next((other.dead for other in seen.looks if other.layer == look.layer), None)


def _saturated(seen: Seen, glances: Sequence[Glance]) -> Iterator[Finding]:
    for look in seen.hidden:
        if look.flat < thresholds.SATURATED:
            continue
        since, first = _since(glances, look.layer, "flat", thresholds.SATURATED)
        later = since is not None and first is not None and first < thresholds.SATURATED
        yield Finding(
            f"saturated_{look.activation}", "severe" if look.flat > 0.9 else "serious",
            f"{look.name}: {percent(look.flat)} of the responses of its {look.activation} are flat"
            + (f" since step {since}" if later else "")
            + f" (pre-activations have a root mean square of {number(look.scale, 3)}): next to no gradient passes",
            'init="xavier_normal" and inputs of mean 0 and deviation 1; or a smaller learning rate',
            layer=look.layer, step=since if later else None, numbers={"flat": look.flat, "scale": look.scale},
        )  # fmt: skip


def _dropout(model: Any) -> Iterator[Finding]:
    rates: list[float] = []
    pytree.replace_nodes(model, lambda node: rates.append(node.rate) if isinstance(node, nn.Dropout) else None)
    worst = max(rates, default=0.0)
    if worst > thresholds.DROPOUT:
        yield Finding(
            "dropout_too_strong", "serious",
            f"dropout sets {percent(worst)} of the numbers to 0 in training: too few remain to learn from",
            "nn.Dropout(0.5), or 0.2 where the training loss is high too", numbers={"rate": worst},
        )  # fmt: skip
