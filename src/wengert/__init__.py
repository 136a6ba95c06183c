"""Derivatives of the NumPy code you already have, and networks trained with them.

Every public name is loaded on its first use. ``import wengert`` itself loads nothing but this table.

Example:
    >>> import numpy as np
    >>> import wengert
    >>> wengert.grad(lambda x: np.sum(np.sin(x) ** 2))(np.array([0.0, np.pi / 4]))
    array([0., 1.])
"""

from importlib import import_module

__version__ = "0.1.0"

_TRANSFORMS = (
    "check_grads", "checkpoint", "custom_jvp", "custom_vjp", "debug", "elementwise_grad", "grad", "hessian", "hvp",
    "jacfwd", "jacobian", "jacrev", "jit", "jvp", "linearize", "make_program", "report_kinks", "stop_gradient",
    "value_and_grad", "vjp", "vmap",
)  # fmt: skip
_ERRORS = (
    "ConcretizationError", "DataError", "DerivativeError", "DivergenceError", "EscapeError", "FlatDerivativeWarning",
    "GradientCheckError", "InterpretedWarning", "LeakError", "ModelError", "NonFiniteError", "RetraceWarning",
    "ShapeError", "UnsupportedError", "WengertError",
)  # fmt: skip
# `explain` is a room that can be called: wengert.explain(f)(x), wengert.explain.report
_MODULES = (
    "control", "convolution", "data", "errors", "explain", "extend", "nn", "numpy", "optim", "pytree", "random",
    "scipy", "training",
)  # fmt: skip
_WHERE = (
    dict.fromkeys(_TRANSFORMS, "wengert.transforms")
    | dict.fromkeys(_ERRORS, "wengert.errors")
    | dict.fromkeys(("export", "lower"), "wengert.lowered")
    | dict.fromkeys(("compare_derivatives", "diagnose", "draw", "draw_surface", "summary"), "wengert.explain")
    | dict.fromkeys(("get_threads", "set_threads"), "wengert.compile.threads")
)

# written out in __init__.pyi for type checkers
__all__ = ["__version__", *_WHERE, *_MODULES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name in _WHERE:
        value = getattr(import_module(_WHERE[name]), name)
    elif name in _MODULES:
        value = import_module(f"wengert.{name}")
    else:
        raise AttributeError(f"module 'wengert' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
