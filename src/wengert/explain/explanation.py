"""Explanations: Wengert's list and the graph of its derivatives, and the views of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from wengert.errors import DerivativeError, ModelError
from wengert.explain import layers, paths, text
from wengert.explain.as_json import as_dict
from wengert.explain.derivations import Derivations
from wengert.explain.graph import Edge, Step
from wengert.explain.graph_page.views import Views
from wengert.explain.layers import LayerHealth
from wengert.explain.moments import BackwardMoment, ForwardMoment
from wengert.explain.nonfinite import NonFinite, nonfinite
from wengert.explain.recording.failures import Failure
from wengert.explain.text import Unfold

__all__ = ["Explanation"]


@dataclass(frozen=True, eq=False)
class Explanation(Derivations, Views):
    """What :func:`wengert.explain` found: Wengert's list, and the graph of its derivatives.

    ``inputs`` are the numbers and arrays that were differentiated, by name; ``steps`` the operations in
    order, v1, v2, …; ``output`` the step whose value the function returned (of several the one that is differentiated;
    after an exception the last step). ``outputs`` are all of them by path. ``edges`` lead from a step to each one that
    reads it. ``explanation["v3"]`` is the step of that name; ``print(explanation)`` shows all. Where all inputs are
    parameters of one model, ``layers[0].weight`` is enough for ``model.layers[0].weight``.

    Where there are no gradients, ``missing`` says why. ``failure`` is where the function raised an exception, if it
    did. ``forward_mode`` says whether the steps have tangents.
    ``again`` explains the same call with other values of inputs, by name.

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
    outputs: dict[str, Step] = field(default_factory=dict[str, Step])
    result: Any = None
    missing: str = ""
    failure: Failure | None = None
    forward_mode: bool = False
    again: Callable[[dict[str, Any]], Explanation] | None = field(default=None, repr=False)

    @property
    def error(self) -> Exception | None:
        """The exception that the function raised, or None."""
        return None if self.failure is None else self.failure.error

    @property
    def value(self) -> Any:
        """The function's value; if it raised an exception, that is raised."""
        self.check()
        return self.result

    @property
    def gradients(self) -> dict[str, Any]:
        """The gradient with respect to each input, by name.

        Raises:
            DerivativeError: if the output is not one real number, and nothing says what is to be differentiated.
            Exception: the function's own, if it raised one.
        """
        self.check()
        if self.missing:
            raise DerivativeError(f"explain: {self.missing}")
        return {name: step.gradient for name, step in self.inputs.items()}

    @property
    def tangent(self) -> Any:
        """In forward mode the derivative of the output along the direction; else None."""
        return self.output.tangent

    def check(self) -> None:
        """Raise the exception that the function raised, if it did."""
        if self.failure is not None:
            raise self.failure.error

    @cached_property
    def all_steps(self) -> tuple[Step, ...]:
        """Inputs and operations, and outputs that are constants, in order."""
        rest = [step for step in self.outputs.values() if step.primitive is None and step.name not in self.inputs]
        return (*self.inputs.values(), *self.steps, *dict.fromkeys(rest))

    @cached_property
    def prefix(self) -> str:
        """What all inputs' names begin with, where they are the parameters of one model: ``model.``; else nothing."""
        roots = {name.partition(".")[0] for name in self.inputs}
        dotted = all("." in name for name in self.inputs)
        root = next(iter(roots), "")
        return f"{root}." if len(roots) == 1 and dotted and root.isidentifier() else ""

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {step.name: step for step in (*reversed(self.all_steps), self.output)}

    @cached_property
    def _neighbours(self) -> tuple[dict[Step, list[Edge]], dict[Step, list[Edge]]]:
        """The edges that end in each step, and those that begin in it."""
        into: defaultdict[Step, list[Edge]] = defaultdict(list)
        out: defaultdict[Step, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            into[edge.target].append(edge)
            out[edge.source].append(edge)
        return into, out

    def __getitem__(self, name: str) -> Step:
        found = self._by_name.get(name) or self._by_name.get(f"{self.prefix}{name}")
        found = found or next((step for step in reversed(self.steps) if name and step.variable == name), None)
        if found is not None:
            return found
        known = ", ".join(self.inputs)
        last = f", and the steps {self.steps[0].name} to {self.steps[-1].name}" if self.steps else ""
        raise ModelError(f"the explanation of {self.name} has no step {name!r}; it has the inputs {known}{last}")

    def step(self, which: int | str) -> Step:
        """A step by its number in the list, its name, or the variable that it was kept in (the last one of that name).

        Example:
            >>> import wengert
            >>> def f(x):
            ...     q = x * x
            ...     return q + x
            >>> e = wengert.explain(f)(3.0)
            >>> e.step(0), e.step("v1"), e.step("q")
            (<step x: input>, <step v1: multiply>, <step v1: multiply>)
        """
        if isinstance(which, int):
            if not 0 <= which < len(self.all_steps):
                raise ModelError(f"the explanation of {self.name} has the steps 0 to {len(self.all_steps) - 1}")
            return self.all_steps[which]
        return self[which]

    def incoming(self, name: str) -> tuple[Edge, ...]:
        """The edges that end in a step: one for each operand that is differentiated."""
        return tuple(self._neighbours[0].get(self[name], ()))

    def outgoing(self, name: str) -> tuple[Edge, ...]:
        """The edges that begin in a step: its gradient is the sum of their contributions."""
        return tuple(self._neighbours[1].get(self[name], ()))

    def forward(self) -> Iterator[ForwardMoment]:
        """The way forward, step by step: what each did, on which values, and its local derivatives.

        Example:
            >>> import wengert
            >>> for moment in wengert.explain(lambda x, y: (x + y) * y)(2.0, 3.0).forward():
            ...     print(moment)
            v1 = x + y = 5
              x = 2     ∂v1/∂x = 1
              y = 3     ∂v1/∂y = 1
            v2 = v1 * y = 15
              v1 = 5    ∂v2/∂v1 = 3
              y = 3     ∂v2/∂y = 5
        """
        into, _ = self._neighbours
        return (ForwardMoment(step, tuple(into.get(step, ()))) for step in self.steps)

    def backward(self) -> Iterator[BackwardMoment]:
        """The way back, step by step from the output: how each gradient adds up, and what is handed on.

        Raises:
            DerivativeError: if there are no gradients.

        Example:
            >>> import wengert
            >>> for moment in wengert.explain(lambda x, y: (x + y) * y)(2.0, 3.0).backward():
            ...     print(moment)
            ∂v2 = 1
              to v1: 1 × 3 = 3
              to y: 1 × 5 = 5
            ∂v1 = 3 from v2
              to x: 3 × 1 = 3
              to y: 3 × 1 = 3
            ∂y = 3 from v1 + 5 from v2 = 8
            ∂x = 3 from v1
        """
        _ = self.gradients
        into, out = self._neighbours
        return (
            BackwardMoment(step, tuple(out.get(step, ())), tuple(into.get(step, ())))
            for step in reversed(self.all_steps)
        )

    @cached_property
    def nonfinite(self) -> tuple[NonFinite, ...]:
        """Where NaN or infinity first came up: in values on the way forward, in gradients on the way back.

        Example:
            >>> import numpy as np
            >>> import wengert
            >>> with np.errstate(all="ignore"):
            ...     e = wengert.explain(lambda x: np.sqrt(x * 0.0) + x)(1.0)
            ...     print(e.nonfinite[0])  # doctest: +ELLIPSIS
            the gradient is first inf where v1 is read by v2 = sqrt(v1)...
        """
        return nonfinite(self.all_steps, self.edges)

    def example(self, k: int) -> dict[str, Any]:
        """Under ``vmap``: the values of the k-th example, by the steps' names; what all share is as it is.

        Example:
            >>> import numpy as np
            >>> import wengert
            >>> e = wengert.explain(wengert.vmap(lambda x: x * x + 1.0))(np.array([1.0, 2.0, 3.0]))
            >>> [float(value) for value in e.example(2).values()]
            [9.0, 10.0]
        """
        values: dict[str, Any] = {}
        for step in self.steps:
            stacked = step.batch and not isinstance(step.value, tuple)
            values[step.name] = step.value[k] if stacked else step.value
        return values

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
        return layers.pre_activations(self.all_steps)

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
        return layers.health(self.all_steps, self.edges, tol)

    def text(self, width: int | None = None, most: int | None = 60, unfold: Unfold = None) -> str:
        """Tables of steps and edges, cut at ``width`` (by default the terminal's).

        Up to ``most`` steps are listed one by one, with their edges. Longer lists are folded: a function, a layer or a
        loop is one row, with the number of its steps, its last value and the norm of the gradient there. ``unfold``
        opens them: a depth, the names of functions or layers (``"layers[0]"``), or True for all.

        Example:
            >>> import wengert
            >>> def chain(x):
            ...     for _ in range(500):
            ...         x = x * 1.001
            ...     return x
            >>> print(wengert.explain(chain)(1.0).text(width=78))  # doctest: +ELLIPSIS
            chain(x) = 1.64831
            <BLANKLINE>
              step                              operation   value    gradient  line
              x                                 input       1        1.64831
              ▸ for _ in range(500), 500 turns  500 steps…  1.64831  |∂| 1     <...
            <BLANKLINE>
              500 steps, folded; e.text(unfold=1) opens what is folded here, unfold=True all
        """
        return text.describe(self, width, most, unfold)

    def to_dict(self) -> dict[str, Any]:
        """The explanation in JSON's own types.

        ``inputs`` are names, ``output`` is the name of a step, ``value`` its value. Each of ``steps`` has a ``number``,
        ``name``, ``variable``, ``primitive`` (null for inputs), the ``operation`` as text, ``operands`` (a value, or
        ``{"step": name}``), ``params`` as texts, ``value``, ``gradient``, ``tangent``, ``phase``, ``scopes`` (outermost
        first: ``kind``, ``name``, ``file``, ``line``) and ``place`` (``file``, ``line``, ``source``). Each of ``edges``
        has the names of its ``source`` and ``target``, the operand's ``position``, ``local`` (null where it is a
        Jacobian) and ``contribution``. A value has a ``type``, a ``shape``, and up to 64 numbers as ``value`` (what is
        not finite is a word), beyond that ``min``, ``max``, ``mean`` of what is finite, and counts of ``zeros``,
        ``nans``, ``infinities``. Where there are no gradients, ``no_gradients`` says why; ``failure`` is where
        an exception came.

        Example:
            >>> import wengert
            >>> found = wengert.explain(lambda x, y: x * y)(2.0, 3.0).to_dict()
            >>> found["steps"][2]["operation"], found["steps"][0]["gradient"]["value"]
            ('x * y', 3.0)
            >>> found["edges"][0]["source"], found["edges"][0]["target"], found["edges"][0]["contribution"]["value"]
            ('x', 'v1', 3.0)
        """
        return as_dict(self)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__
