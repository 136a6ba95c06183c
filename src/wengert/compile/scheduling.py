"""The order of kernels that a team runs: as few barriers as may be.

Between two barriers come all kernels that need nothing but what their thread has made itself, or what was there at the
last one; what one thread does for all waits with the others for the next barrier.
"""

from __future__ import annotations

from wengert.compile.plan import Kernel, Plan, Step
from wengert.compile.sharing import By, Share, shares
from wengert.core.program import Var

__all__ = ["schedule"]


def schedule(plan: Plan, threads: int) -> None:
    """Put a plan's kernels into an order in which a team waits seldom."""
    makers = {var: k for k, kernel in enumerate(plan.kernels) for var in kernel.vars}
    needs = [{makers[v] for v in reads if v in makers} - {k} for k, reads in enumerate(plan.reads)]
    ways = [shares(kernel, plan, threads) for kernel in plan.kernels]
    order: list[int] = []
    left = list(range(len(plan.kernels)))
    fresh: dict[Var, By] = {}  # what was written since the last barrier, and by whom
    while left:
        done = set(order)
        ready = [k for k in left if needs[k] <= done]
        free = [(k, way) for k in ready for way in ways[k] if not _waits(plan, k, way, fresh)]
        if not free:
            fresh.clear()
            free = [(k, ways[k][0]) for k in ready]
        k, way = free[0]
        order.append(k)
        left.remove(k)
        plan.cuts[id(plan.kernels[k])] = way
        _note(plan.kernels[k], way, fresh)
    plan.kernels = [plan.kernels[k] for k in order]
    plan.reads = [plan.reads[k] for k in order]


def _waits(plan: Plan, k: int, cut: Share, fresh: dict[Var, By]) -> bool:
    """Whether a kernel reads what another thread has written since the last barrier."""
    if isinstance(plan.kernels[k], Step):
        return bool(fresh)
    return any(v in fresh and (fresh[v] == "all" or fresh[v] != cut.by(v)) for v in plan.reads[k])


def _note(kernel: Kernel, cut: Share, fresh: dict[Var, By]) -> None:
    if isinstance(kernel, Step):
        fresh.update(dict.fromkeys(kernel.vars, "all"))
    else:
        fresh.update({v: cut.by(v) for v in kernel.kept if cut.cut != "each"})
