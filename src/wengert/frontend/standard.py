"""What the Python array API standard asks of arrays beside NumPy's methods: namespace, device, exchange.

https://data-apis.org/array-api/2024.12/
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.trace import Constant, Tracer
from wengert.errors import EscapeError, at_line
from wengert.frontend.asking import answer, stand_in
from wengert.frontend.tables import implements

# wengert.numpy, which enters itself
NAMESPACE: list[Any] = []
_ARRAY = np.empty(0)


def namespace(_x: Tracer, /, *, api_version: Any = None) -> Any:
    """The module whose functions are for such arrays: ``wengert.numpy``."""
    _ARRAY.__array_namespace__(api_version=api_version)  # NumPy's own error for a version that it has not
    return NAMESPACE[0]


def to_device(x: Tracer, device: Any, /, *, stream: Any = None) -> Any:
    """``x`` itself: NumPy's arrays are on the CPU, and nowhere else."""
    _ARRAY.to_device(device, stream=stream)
    return x


def to_dlpack(x: Tracer, *, copy: bool | None = None, **options: Any) -> Any:
    """A capsule with a copy of a constant array; of a traced one there are only numbers without derivatives."""
    if type(x) is not Constant:
        raise EscapeError(
            f"a traced {x.aval} would be handed to another library by __dlpack__, without its derivative{at_line()}\n"
            "  write: hand over a plain array outside of the function, or wengert.stop_gradient(x) where no\n"
            "  derivative is wanted of it"
        )
    if copy is False:
        raise BufferError("an array of a traced function is exported as a copy: its memory is the function's own")
    return x.v.copy().__dlpack__(**options)


def install() -> None:
    """Give tracers these methods and attributes."""
    methods: dict[str, Any] = {
        "__array_namespace__": namespace, "to_device": to_device, "device": property(lambda _x: "cpu"),
        "__dlpack__": to_dlpack, "__dlpack_device__": lambda _x: _ARRAY.__dlpack_device__(),
    }  # fmt: skip
    for name, method in methods.items():
        setattr(Tracer, name, method)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    answer(np.astype, stand_in(x), dtype, copy=copy, device=device)  # NumPy's own error
    return x.astype(dtype, copy=copy)


if hasattr(np, "astype"):
    implements(np.astype)(astype)


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """By the type alone: NumPy's promotion does not look at values."""
    return np.can_cast(stand_in(from_), to, casting)


install()
