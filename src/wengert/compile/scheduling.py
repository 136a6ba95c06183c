"""The order of kernels that a team runs: as few barriers as may be.

Between two barriers come all kernels that need nothing but what their thread has made itself, or what was there at the
last one; what one thread does for all waits with the others for the next barrier.
"""

from __future__ import annotations

from wengert.compile.plan import Kernel, Plan, Step
from wengert.compile.sharing import Share, share
from wengert.core.program import Var

__all__ = ["schedule"]


def schedule(plan: Plan, threads: int) -> None:
    """Put a plan's kernels into an order in which a team waits seldom."""
    makers = {var: k for k, kernel in enumerate(plan.kernels) for var in kernel.vars}
    needs = [{makers[v] for v in reads if v in makers} - {k} for k, reads in enumerate(plan.reads)]
    cuts = [share(kernel, plan, threads) for kernel in plan.kernels]
    order: list[int] = []
    left = list(range(len(plan.kernels)))
    fresh: dict[Var, bool] = {}  # what was written since the last barrier, and whether by each thread for itself
    while left:
        done = set(order)
        ready = [k for k in left if needs[k] <= done]
        free = [k for k in ready if not _waits(plan, k, cuts[k], fresh)]
        if not free:
            fresh.clear()
            free = ready
        order.append(free[0])
        left.remove(free[0])
        _note(plan.kernels[free[0]], cuts[free[0]], fresh)
    plan.kernels = [plan.kernels[k] for k in order]
    plan.reads = [plan.reads[k] for k in order]


def _waits(plan: Plan, k: int, cut: Share, fresh: dict[Var, bool]) -> bool:
    """Whether a kernel reads what another thread has written since the last barrier."""
    if isinstance(plan.kernels[k], Step):
        return bool(fresh)
    return any(v in fresh and not (fresh[v] and v in cut.own) for v in plan.reads[k])


def _note(kernel: Kernel, cut: Share, fresh: dict[Var, bool]) -> None:
    if isinstance(kernel, Step):
        fresh.update(dict.fromkeys(kernel.vars, False))
    else:
        fresh.update({v: v in cut.own for v in kernel.kept})
