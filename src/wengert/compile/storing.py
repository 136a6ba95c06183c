"""Which values lie in memory, and which are computed anew by whoever reads them."""

from __future__ import annotations

from collections import defaultdict

from wengert.compile.reading import is_virtual, reduces
from wengert.compile.views import bases, convolves, form, operands_in_memory, view
from wengert.core.program import Equation, Program, Var

__all__ = ["COSTS", "choose", "multiplies", "settle", "tree_cost"]

# What an element costs, in additions; what is not named costs one.
FREE, DIVISIONS, TRANSCENDENTAL = (
    "broadcast_to reshape transpose stop_gradient iota",
    "divide sqrt reciprocal remainder floor_divide fmod cbrt",
    "exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh "
    "arctan2 power float_power logaddexp logaddexp2 hypot erf erfc expit log_expit ndtr log_ndtr gammaln digamma",
)
COSTS: dict[str, int] = {
    name: cost for names, cost in ((FREE, 0), (DIVISIONS, 6), (TRANSCENDENTAL, 20)) for name in names.split()
}
CHEAP = 4  # what is computed again rather than stored
LARGE = 48  # nodes of a tree of virtual values


def _consumers(program: Program) -> dict[Var, list[Equation]]:
    found: dict[Var, list[Equation]] = defaultdict(list)
    for equation in program.equations:
        for x in equation.inputs:
            if isinstance(x, Var):
                found[x].append(equation)
    return found


MOVES = frozenset(("getitem", "scatter_add"))


def choose(program: Program, made: dict[Var, Equation]) -> set[Var]:
    """What lies in memory: inputs, results, what is not virtual, and what is dear and read more than once."""
    consumers = _consumers(program)
    stored: set[Var] = {v for v in (*program.inputs, *(v for v, _ in program.constants)) if v not in made}
    stored.update(a for a in program.outputs if isinstance(a, Var))
    cost: dict[Var, int] = {}
    nodes: dict[Var, int] = {}

    for equation in program.equations:
        if not is_virtual(equation, made):
            stored.update(equation.outputs)
            if not reduces(equation) and not multiplies(equation) and not convolves(equation):
                stored.update(operands_in_memory(equation, made, stored))
            continue
        out = equation.outputs[0]
        inner = [x for x in equation.inputs if isinstance(x, Var) and x not in stored and x in cost]
        grows = out.aval.size > max((x.aval.size for x in equation.inputs), default=0)
        for x in inner:
            # what is read at more places than it has elements, or at other places, is not computed for each anew
            if cost[x] > CHEAP and (equation.primitive.name in MOVES or out.aval.size > x.aval.size or grows):
                stored.add(x)
        inner = [x for x in inner if x not in stored]
        cost[out] = COSTS.get(equation.primitive.name, 1) + sum(cost[x] for x in inner)
        nodes[out] = 1 + sum(nodes[x] for x in inner)
        often = len(consumers[out]) > 1 and cost[out] > CHEAP
        if often or nodes[out] > LARGE:
            stored.add(out)
    settle(program, made, stored)
    return stored


def settle(program: Program, made: dict[Var, Equation], stored: set[Var]) -> None:
    """Let lie in memory what products, convolutions and steps read from there.

    To be repeated until nothing is added: what is stored between a value and its view makes it a view of another one.
    """
    whole = [e for e in program.equations if not reduces(e) and not is_virtual(e, made)]
    before = -1
    while before < len(stored):
        before = len(stored)
        for equation in whole:
            if multiplies(equation):
                _arrange(equation, made, stored)
            elif convolves(equation):
                stored.update(bases(equation, made, stored))
            else:
                stored.update(operands_in_memory(equation, made, stored))


def multiplies(equation: Equation) -> bool:
    """Whether it is a product of matrices that there is code for."""
    if equation.primitive.name != "dot":
        return False
    types = {x.aval.dtype for x in (*equation.inputs, *equation.outputs)}
    return len(types) == 1 and next(iter(types)).char in "fd"


def _arrange(equation: Equation, made: dict[Var, Equation], stored: set[Var]) -> None:
    """Let the operands of a product be matrices in memory, or views of such."""
    operands = [x for x in equation.inputs if isinstance(x, Var)]
    stored.update(x for x in operands if view(x, made, stored) is None)
    if form(equation, made, stored) is None:
        stored.update(operands)


def tree_cost(equation: Equation, made: dict[Var, Equation], stored: set[Var]) -> int:
    """What an element of a virtual value costs, with all that it is computed from."""
    total = COSTS.get(equation.primitive.name, 1)
    for x in equation.inputs:
        if isinstance(x, Var) and x not in stored:
            total += tree_cost(made[x], made, stored)
    return total
