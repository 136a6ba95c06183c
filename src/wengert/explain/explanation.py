"""explain: a function run once, with every step, derivative and gradient open to view."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.trace import Constant, Tracer, current
from wengert.errors import DerivativeError, ModelError, UnsupportedError, at_line
from wengert.explain import latex, layers, nudge, paths, tangents, text
from wengert.explain.graph import Edge, Step, build, is_differentiable
from wengert.explain.layers import LayerHealth
from wengert.explain.nudge import with_inputs
from wengert.explain.record import Entry, Recording
from wengert.transforms.gradients import warn_flat
from wengert.transforms.inputs import (
    check_input,
    check_scalar,
    enter_constants,
    name_of,
    positions,
    run,
)

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What :func:`wengert.explain` found: Wengert's list, and the graph of its derivatives.

    ``inputs`` are the numbers and arrays that were differentiated, by name; ``steps`` the operations in
    order, v1, v2, …; ``output`` the step whose value the function returned. ``edges`` lead from a step to
    each one that reads it. ``explanation["v3"]`` is the step of that name; ``print(explanation)`` shows all.

    Example:
        >>> import wengert
        >>> e = wengert.explain(lambda x, y, z: (x + y) * z)(-2.0, 5.0, -4.0)
        >>> e.value, e.gradients
        (-12.0, {'x': -4.0, 'y': -4.0, 'z': 3.0})
        >>> [(step.name, step.value, float(step.gradient)) for step in e.steps]
        [('v1', 3.0, -4.0), ('v2', -12.0, 1.0)]
    """

    name: str
    inputs: dict[str, Step]
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]
    output: Step
    again: Callable[[dict[str, Any]], Explanation] | None = field(default=None, repr=False)

    @property
    def value(self) -> Any:
        """The function's value."""
        return self.output.value

    @property
    def gradients(self) -> dict[str, Any]:
        """The gradient with respect to each input, by name."""
        return {name: step.gradient for name, step in self.inputs.items()}

    def __getitem__(self, name: str) -> Step:
        for step in (*self.inputs.values(), *self.steps, self.output):
            if step.name == name:
                return step
        known = ", ".join(self.inputs)
        last = f", and the steps {self.steps[0].name} to {self.steps[-1].name}" if self.steps else ""
        raise ModelError(f"the explanation of {self.name} has no step {name!r}; it has the inputs {known}{last}")

    def incoming(self, name: str) -> tuple[Edge, ...]:
        """The edges that end in a step: one for each operand that is differentiated."""
        step = self[name]
        return tuple(edge for edge in self.edges if edge.target is step)

    def outgoing(self, name: str) -> tuple[Edge, ...]:
        """The edges that begin in a step: its gradient is the sum of their contributions."""
        step = self[name]
        return tuple(edge for edge in self.edges if edge.source is step)

    def count_paths(self, name: str) -> int:
        """How many paths lead from an input or step to the output; they are not walked.

        Example:
            >>> import wengert
            >>> def double(x):
            ...     for _ in range(50):
            ...         x = x + x
            ...     return x
            >>> wengert.explain(double)(1.0).count_paths("x") == 2**50
            True
        """
        return paths.count_paths(self[name], self.output, self.edges)

    def paths(self, name: str) -> paths.Paths:
        """Every path from an input or step to the output, with the product of the derivatives on it.

        Their sum is the gradient. Steps that are arrays have Jacobian matrices on their edges.

        Raises:
            UnsupportedError: if there are more than 100 000 paths, or a Jacobian has over 10 000 numbers.

        Example:
            >>> import wengert
            >>> print(wengert.explain(lambda x: x * (x + 2.0))(3.0).paths("x"))
            ∂v2/∂x as a sum over 2 paths
            <BLANKLINE>
              path         product of the edges
              x → v1 → v2  3 = 1 × 3
              x → v2       5 = 5
              sum          8
            <BLANKLINE>
              3 multiplications along the paths; 3 in reverse mode, for 3 edges
        """
        return paths.find_paths(self[name], self.output, self.edges)

    def pre_activations(self) -> dict[str, Step]:
        """For each layer the step s at which the last of its parameters enters, as in s = a W + b.

        Parameters belong to one layer where their names differ in the last part only: ``params[0][0]`` and
        ``params[0][1]``, ``model.layers[0].weight`` and ``.bias``; one of no tree is a layer of its own.
        """
        return layers.pre_activations((*self.inputs.values(), *self.steps), self.edges)

    def deltas(self) -> dict[str, Any]:
        """δ = ∂J/∂s of each layer: the gradient at its :meth:`pre_activations`, one row a sample.

        The equations of backpropagation say δ of the last layer is ∇J ⊙ σ′(s), and of the others
        (δ of the next) Wᵀ ⊙ σ′(s). With ``argnums=0`` data arguments are not taken for layers.

        D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating errors",
        Nature 323 (1986).

        Example:
            >>> import numpy as np
            >>> import wengert
            >>> def loss(params, x, y):
            ...     for W, b in params:
            ...         x = np.tanh(x @ W + b)
            ...     return 0.5 * np.sum((x - y) ** 2)
            >>> params = [(np.array([[0.5]]), np.zeros(1)), (np.array([[2.0]]), np.zeros(1))]
            >>> e = wengert.explain(loss, argnums=0)(params, np.array([[0.0]]), np.array([[1.0]]))
            >>> {name: delta.tolist() for name, delta in e.deltas().items()}
            {'params[0]': [[-2.0]], 'params[1]': [[-1.0]]}
        """
        return {name: step.gradient for name, step in self.pre_activations().items()}

    def health(self, tol: float = 1e-3) -> list[LayerHealth]:
        """For each hidden layer, which of its units are dead or saturated on the samples it was given.

        It looks at the derivative of each unit's activation, between the layer's :meth:`pre_activations`
        and the product with the next layer's weights; below ``tol`` it counts as flat.

        Example:
            >>> import numpy as np
            >>> import wengert
            >>> from wengert import nn
            >>> hidden, top = nn.Dense(np.array([[1.0, 90.0]])), nn.Dense(np.ones((2, 1)))
            >>> model = nn.Sequential([hidden, nn.sigmoid, top])
            >>> e = wengert.explain(lambda m, x: np.sum(m(x)), argnums=0)(model, np.array([[1.0], [-2.0]]))
            >>> print(e.health()[0])
            m.layers[0]: of 2 units on 2 samples 0 dead, 1 (no. 1) saturated; 50 % of derivatives are flat
        """
        return layers.health((*self.inputs.values(), *self.steps), self.edges, tol)

    def latex(self, standalone: bool = False, most: int | None = 40) -> str:
        r"""The derivation as chains of equations, ``align*`` for LaTeX with amsmath and amssymb.

        Forward each step's formula with its values; then backward upstream × local = contribution, and their sums,
        with a bar for the derivative of the output. ``standalone`` makes a whole document. Of a pass with more than
        ``most`` equations the middle is left out, and said so.

        Example:
            >>> import wengert
            >>> def f(x, y, z):
            ...     q = x + y
            ...     return q * z
            >>> print(wengert.explain(f)(-2.0, 5.0, -4.0).latex().splitlines()[5])
            q &= x + y = -2 + 5 = 3 \\
        """
        return latex.derivation(self, standalone, most)

    def nudge(self, name: str, delta: Any, at: Any = None) -> nudge.Nudged:
        """What adding ``delta`` to the input ``name`` does to every later value, beside the linear prediction.

        ``delta`` is a number, which moves every element, or an array of the input's shape; ``at`` is the place of
        one element. The function runs again, truly: arrays among the other arguments must not have changed since.

        Raises:
            ModelError: if there is no such input, or ``delta`` is not a finite real number or array.
            ShapeError: if the shapes of ``delta`` or ``at`` do not fit.

        Example:
            >>> import wengert
            >>> print(wengert.explain(lambda w: (2 * w) ** 2)(3.0).nudge("w", 0.1).text(width=70))
            <lambda>: w nudged by 0.1
            <BLANKLINE>
              step  before  after  change  predicted  error
              w     3       3.1    0.1     0.1        0
              v1    6       6.2    0.2     0.2        0
              v2    36      38.44  2.44    2.4        0.04
        """
        return nudge.nudged(self, name, delta, at)

    def jacobian_of(self, name: str) -> dict[str, Any]:
        """The local Jacobian of a step by each of its operands: shape of the step + shape of the operand.

        Raises:
            UnsupportedError: if one has more than 1 000 000 numbers.

        Example:
            >>> import numpy as np
            >>> import wengert
            >>> e = wengert.explain(lambda W, x: np.sum(W @ x))(np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones(2))
            >>> e.jacobian_of("v1")["x"].tolist()
            [[1.0, 2.0], [3.0, 4.0]]
        """
        return tangents.local_jacobians(self[name], self.edges)

    def jacobian(self, of: str, by: str) -> Any:
        """The derivative of any step by any earlier one, over all ways between: shape of ``of`` + shape of ``by``.

        Raises:
            UnsupportedError: if it has more than 1 000 000 numbers.

        Example:
            >>> import wengert
            >>> e = wengert.explain(lambda x: (x * x) * x)(3.0)
            >>> float(e.jacobian("v2", "x")), float(e.jacobian("v2", "v1"))
            (27.0, 3.0)
        """
        steps = (*self.inputs.values(), *self.steps)
        return tangents.jacobian_between(self[of], self[by], steps)

    def text(self, width: int | None = None, most: int | None = 60) -> str:
        """Tables of steps and edges, cut at ``width`` (by default the terminal's); ``most`` rows of each."""
        title = f"{self.name}({', '.join(self.inputs)}) = {text.number(self.value)}"
        steps = (*self.inputs.values(), *self.steps)
        return text.describe(title, steps, self.edges, width, most)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__


def explain(f: Callable[..., Any], argnums: int | tuple[int, ...] | None = None) -> Callable[..., Explanation]:
    """A function that runs ``f`` once and returns its :class:`Explanation`: every step, every derivative.

    ``f`` returns one real number. All real numbers and arrays in its positional arguments are inputs, named
    after the arguments and the path in them (``params[0].weight``), or those of ``argnums`` only; integers,
    texts and keyword arguments are constants. Values are kept as they were at each step, so a long run needs
    the memory of all its values. Transforms inside ``f`` show their own steps.

    R. E. Wengert, "A simple automatic derivative evaluation program", Communications of the ACM 7 (1964).

    Raises:
        DerivativeError: if ``f`` does not return one real number, or no argument is one.
        UnsupportedError: inside another transform, where values are not plain numbers.

    Example:
        >>> import wengert
        >>> def f(x, y, z):
        ...     q = x + y
        ...     return q * z
        >>> print(wengert.explain(f)(-2.0, 5.0, -4.0).text(width=58))  # doctest: +ELLIPSIS
        f(x, y, z) = -12
        <BLANKLINE>
          step  operation  value  gradient  line
          x     input      -2     -4
          y     input      5      -4
          z     input      -4     3
          v1    x + y      3      -4        <doctest...
          v2    v1 * z     -12    1         <doctest...
        <BLANKLINE>
          edge    local  upstream  contribution
          x → v1  1      -4        -4
          y → v1  1      -4        -4
          v1 → v2  -4    1         -4
          z → v2  3      1         3
    """

    @functools.wraps(f, updated=())
    def explained(*args: Any, **kwargs: Any) -> Explanation:
        if current() is not None:
            raise UnsupportedError(
                f"explain({name_of(f)}) shows numbers, and inside another transform there are none"
                f"{at_line()}\n  write: explain outermost, wengert.explain(wengert.grad(f)): "
                "it shows the steps of the gradient too"
            )
        trace = Recording(f)
        names = argument_names(f, len(args))
        wanted = range(len(args)) if argnums is None else positions(argnums, args, f, "explain")
        traced = [
            enter(trace, x, names[k], only_reals=argnums is not None) if k in wanted else enter_constants(trace, x)
            for k, x in enumerate(args)
        ]
        for tree, name in zip(traced, names, strict=True):
            trace.owners.enter(tree, name)
        if not trace.inputs:
            refuse(f, names, args)
        try:
            out = run(trace, f, traced, {key: enter_constants(trace, x) for key, x in kwargs.items()})
        finally:
            trace.open = False
        check_scalar(out, f, "explain")
        found = explanation_of(f, trace, out)
        return replace(found, again=lambda values: explained(*with_inputs(args, names, values), **kwargs))

    return explained


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first ``count`` positional arguments."""
    names: list[str] = []
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # ufuncs and some builtins have none
        parameters = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{k}]" for k in range(count - len(names))]
        elif parameter.kind is not parameter.KEYWORD_ONLY and parameter.kind is not parameter.VAR_KEYWORD:
            names.append(parameter.name)
    return [*names, *(f"x{k}" for k in range(len(names), count))][:count]


def enter(trace: Recording, tree: Any, name: str, only_reals: bool) -> Any:
    """An argument with its numbers as inputs; what has no derivative is constant, or refused."""
    leaves: list[Any] = []
    for path, x in pytree.flatten_with_paths(tree):
        if only_reals or (isinstance(x, np.ndarray | np.generic | float | complex) and is_differentiable(x)):
            check_input(x, f"{name}{path}", "explain")
            leaves.append(trace.input(x, name + path))
        else:
            leaves.append(enter_constants(trace, x))
    return pytree.unflatten(pytree.flatten(tree)[1], leaves)


def refuse(f: Callable[..., Any], names: list[str], args: tuple[Any, ...]) -> None:
    """There is nothing to differentiate: say why of the first argument."""
    for name, tree in zip(names, args, strict=True):
        for path, x in pytree.flatten_with_paths(tree):
            check_input(x, f"{name}{path}", f"explain({name_of(f)})")
    raise DerivativeError(
        f"explain({name_of(f)}): the call has no positional argument to differentiate{at_line()}\n"
        "  write: explain(f)(x), and not explain(f(x)) or explain(f)(x=x)"
    )


def explanation_of(f: Callable[..., Any], trace: Recording, out: Any) -> Explanation:
    """Walk back over what was recorded, and give names."""
    reached = isinstance(out, Tracer) and out.t is trace and type(out) is not Constant and out.i >= 0
    if not reached:
        if trace.flat is not None:
            warn_flat(f, "explain", trace.flat)
        trace.note(Entry(out.v if isinstance(out, Tracer) else out))
    output = out.i if reached else len(trace.entries) - 1
    inputs = trace.inputs
    names = step_names(trace.entries, inputs)
    steps, edges = build(trace.entries, names, trace.stack.finish(), output)
    count = len(inputs)
    return Explanation(
        name_of(f),
        dict(zip(inputs, steps, strict=False)),
        tuple(step for step in steps[count:] if step.primitive is not None),
        tuple(edges),
        steps[output],
    )


def step_names(entries: list[Entry], inputs: list[str]) -> list[str]:
    """The inputs' names, then v1, v2, …, with another letter where an input has such a name."""
    letter = next(
        c
        for c in ("v", "s", "t", "step")
        if not any(name[: len(c)] == c and name[len(c) :].isdigit() for name in inputs)
    )
    operations = (f"{letter}{k}" if e.primitive else "output" for k, e in enumerate(entries[len(inputs) :], 1))
    return [*inputs, *operations]
