"""The functions of the Python array API standard, version 2024.12, each called as the standard spells it.

https://data-apis.org/array-api/2024.12/API_specification/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

F = np.array([[0.31, 1.42, 0.73], [1.15, 0.57, 1.88]])
V = np.array([0.62, -1.31, 0.24])
W = np.array([1.7, 0.4, -0.9])
S = np.array([[2.1, 0.3, 0.4], [0.3, 1.9, 0.2], [0.4, 0.2, 2.4]])
C = F + 1j * F[::-1]
I = np.array([[3, 1, 2], [5, 4, 7]])
B = np.array([True, False, True])


@dataclass(frozen=True)
class Call:
    """``f(xp, *args)``; without ``abstract`` the shape or the value of what comes out depends on values."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    abstract: bool = True


CALLS: dict[str, list[Call]] = {}


def add(name: str, *fs: Callable[..., Any], args: tuple[Any, ...] = (F,), abstract: bool = True) -> None:
    CALLS.setdefault(name, []).extend(Call(f, args, abstract) for f in fs)


def words(text: str) -> list[str]:
    return text.split()


def found(xp: Any, name: str) -> Any:
    """``linalg.det`` and the like, in a namespace."""
    for part in name.split("."):
        xp = getattr(xp, part)
    return xp


def _apply(name: str) -> Callable[..., Any]:
    return lambda xp, *args: found(xp, name)(*args)


# ---- elementwise

for _name in words(
    "abs atan asinh cos cosh exp expm1 floor ceil trunc round sign signbit sin sinh square tan tanh negative positive "
    "isfinite isinf isnan real imag conj"
):  # fmt: skip
    add(_name, _apply(_name))
for _name in words("log log10 log1p log2 sqrt reciprocal"):
    add(_name, _apply(_name))
for _name in words("acos asin atanh"):
    add(_name, lambda xp, x, n=_name: found(xp, n)(x / 2))
add("acosh", lambda xp, x: xp.acosh(x + 1))
for _name in words("abs exp log sqrt sin cos tanh conj real imag sign square negative isnan"):
    add(_name, _apply(_name), args=(C,))
for _name in words(
    "add subtract multiply divide maximum minimum hypot atan2 copysign nextafter logaddexp floor_divide remainder "
    "equal not_equal less less_equal greater greater_equal"
):  # fmt: skip
    add(_name, _apply(_name), lambda xp, x, y, n=_name: found(xp, n)(x, y[:1]), args=(V, W))
    # 2024.12: Python's numbers as operands
    add(_name, lambda xp, x, n=_name: found(xp, n)(x, 2.0), lambda xp, x, n=_name: found(xp, n)(2.0, x), args=(V,))
add("pow", _apply("pow"), lambda xp, x, y: xp.pow(x, 2), lambda xp, x, y: xp.pow(2.0, y), args=(F, V))
for _name in words("logical_and logical_or logical_xor"):
    add(_name, lambda xp, x, n=_name: found(xp, n)(x > 1, x < 1.5))
add("logical_not", lambda xp, x: xp.logical_not(x > 1))
for _name in words("bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift"):
    add(_name, lambda xp, x, n=_name: found(xp, n)(x, x), lambda xp, x, n=_name: found(xp, n)(x, 1), args=(I,))
add("bitwise_invert", _apply("bitwise_invert"), args=(I,))
add(
    "clip",
    lambda xp, x: xp.clip(x, 0.5, 1.5),
    lambda xp, x: xp.clip(x, min=0.5),
    lambda xp, x: xp.clip(x, max=xp.ones(3)),
)

# ---- creation

add("arange", lambda xp, x: x[0] * xp.arange(3), lambda xp, x: xp.arange(1, stop=4, step=1, dtype=xp.float32) * x)
add("asarray", lambda xp, x: xp.asarray(x), lambda xp, x: xp.asarray([x[0, 0], 2.0]), lambda xp, x: xp.asarray(x, dtype=xp.float32),
    lambda xp, x: xp.asarray(x, device="cpu", copy=True))  # fmt: skip
for _name in words("empty ones zeros"):
    add(_name, lambda xp, x, n=_name: found(xp, n)((2, 3), dtype=xp.float64, device="cpu") * 0 + x)
    add(f"{_name}_like", lambda xp, x, n=_name: found(xp, f"{n}_like")(x, dtype=xp.float64, device="cpu") * 0 + x)
add(
    "full", lambda xp, x: xp.full((2, 3), 2.0, dtype=xp.float64, device="cpu") * x, lambda xp, x: xp.full((2,), x[0, 0])
)
add("full_like", lambda xp, x: xp.full_like(x, 2.0, dtype=xp.float64, device="cpu") * x)
add("eye", lambda xp, x: x @ xp.eye(3), lambda xp, x: x @ xp.eye(3, 2, k=1, dtype=xp.float64, device="cpu"))
add("linspace", lambda xp, x: xp.linspace(0.0, 1.0, 3, dtype=xp.float64, device="cpu", endpoint=False) * x,
    lambda xp, x: xp.linspace(x[0, 0], x[1, 2], num=4))  # fmt: skip
add(
    "meshgrid",
    lambda xp, x, y: list(xp.meshgrid(x, y)),
    lambda xp, x, y: list(xp.meshgrid(x, y, indexing="ij")),
    args=(V, W),
)
add("tril", lambda xp, x: xp.tril(x), lambda xp, x: xp.tril(x, k=1))
add("triu", lambda xp, x: xp.triu(x), lambda xp, x: xp.triu(x, k=-1))
add("from_dlpack", lambda xp, x: xp.from_dlpack(np.ones(3)) * x)

# ---- data types

add("astype", lambda xp, x: xp.astype(x, xp.float32), lambda xp, x: xp.astype(x, xp.float64, copy=False),
    lambda xp, x: xp.astype(x, xp.complex128), lambda xp, x: xp.astype(x, xp.int64), lambda xp, x: xp.astype(x, xp.bool))  # fmt: skip
add("can_cast", lambda xp, x: x * xp.can_cast(xp.float32, xp.float64), lambda xp, x: x * xp.can_cast(x, xp.float32))
add("finfo", lambda xp, x: x * xp.finfo(xp.float32).eps, lambda xp, x: x * xp.finfo(x.dtype).bits)
add("iinfo", lambda xp, x: x * xp.iinfo(xp.int16).max)
add(
    "isdtype",
    lambda xp, x: x * xp.isdtype(x.dtype, "real floating"),
    lambda xp, x: x * xp.isdtype(x.dtype, ("integral", xp.bool)),
)
add(
    "result_type",
    lambda xp, x: xp.astype(x, xp.result_type(x, xp.float32)),
    lambda xp, x: xp.astype(x, xp.result_type(x, 1j)),
)

# ---- linear algebra

add("matmul", _apply("matmul"), args=(F, S))
add("matrix_transpose", _apply("matrix_transpose"))
add(
    "tensordot",
    lambda xp, x, y: xp.tensordot(x, y, axes=1),
    lambda xp, x, y: xp.tensordot(x, y, axes=((1,), (0,))),
    args=(F, S),
)
add("vecdot", lambda xp, x, y: xp.vecdot(x, y), lambda xp, x, y: xp.vecdot(x, y[:2], axis=0), args=(F, S[:2]))
for _name in words("matmul matrix_transpose tensordot vecdot"):
    for _call in CALLS[_name]:
        add(f"linalg.{_name}", lambda xp, *args, f=_call.f: f(xp.linalg, *args), args=_call.args)
add("linalg.cholesky", lambda xp, x: xp.linalg.cholesky(x), lambda xp, x: xp.linalg.cholesky(x, upper=True), args=(S,))
add(
    "linalg.cross", lambda xp, x, y: xp.linalg.cross(x, y), lambda xp, x, y: xp.linalg.cross(x, y, axis=-1), args=(V, W)
)
for _name in words("det inv pinv eigh eigvalsh svdvals slogdet"):
    add(f"linalg.{_name}", lambda xp, x, n=_name: tuple_of(found(xp.linalg, n)(x)), args=(S,))
add("linalg.pinv", lambda xp, x: xp.linalg.pinv(x, rtol=1e-12))
add("linalg.diagonal", lambda xp, x: xp.linalg.diagonal(x, offset=1))
add("linalg.matrix_norm", lambda xp, x: xp.linalg.matrix_norm(x), lambda xp, x: xp.linalg.matrix_norm(x, keepdims=True, ord=1),
    lambda xp, x: xp.linalg.matrix_norm(x, ord="nuc"))  # fmt: skip
add("linalg.matrix_power", lambda xp, x: xp.linalg.matrix_power(x, 3), args=(S,))
add(
    "linalg.matrix_rank",
    lambda xp, x: xp.linalg.matrix_rank(x),
    lambda xp, x: xp.linalg.matrix_rank(x, rtol=1e-3),
    args=(S,),
)
add("linalg.outer", lambda xp, x, y: xp.linalg.outer(x, y), args=(V, W))
add(
    "linalg.qr",
    lambda xp, x: tuple_of(xp.linalg.qr(x)),
    lambda xp, x: tuple_of(xp.linalg.qr(x, mode="reduced")),
    args=(S,),
)
add("linalg.qr", lambda xp, x: xp.abs(xp.linalg.qr(x, mode="complete").R), args=(S,))
add("linalg.solve", lambda xp, a, b: xp.linalg.solve(a, b), args=(S, V))
add("linalg.svd", lambda xp, x: tuple_of(xp.linalg.svd(x, full_matrices=False)), args=(F,))
add("linalg.svd", lambda xp, x: tuple_of(xp.linalg.svd(x, full_matrices=True)), args=(S,))
add("linalg.trace", lambda xp, x: xp.linalg.trace(x), lambda xp, x: xp.linalg.trace(x, offset=1, dtype=xp.float64))
add("linalg.vector_norm", lambda xp, x: xp.linalg.vector_norm(x), lambda xp, x: xp.linalg.vector_norm(x, axis=0, keepdims=True, ord=3),
    lambda xp, x: xp.linalg.vector_norm(x, axis=(0, 1), ord=xp.inf))  # fmt: skip


def tuple_of(out: Any) -> Any:
    """The parts of a named tuple, as a plain one."""
    return tuple(out) if isinstance(out, tuple) else out


# ---- manipulation

add("broadcast_arrays", lambda xp, x, y: list(xp.broadcast_arrays(x, y)), args=(F, V))
add("broadcast_to", lambda xp, x: xp.broadcast_to(x, (2, 3)), args=(V,))
add("concat", lambda xp, x, y: xp.concat((x, y), axis=0), lambda xp, x, y: xp.concat([x, y], axis=None), args=(F, S))
add("expand_dims", lambda xp, x: xp.expand_dims(x, axis=1), lambda xp, x: xp.expand_dims(x, axis=-1))
add("flip", lambda xp, x: xp.flip(x), lambda xp, x: xp.flip(x, axis=0), lambda xp, x: xp.flip(x, axis=(0, 1)))
add("moveaxis", lambda xp, x: xp.moveaxis(x, 0, 1), lambda xp, x: xp.moveaxis(x, (0,), (-1,)))
add("permute_dims", lambda xp, x: xp.permute_dims(x, axes=(1, 0)))
add("repeat", lambda xp, x: xp.repeat(x, 2), lambda xp, x: xp.repeat(x, xp.asarray([1, 0, 2]), axis=1))
add("reshape", lambda xp, x: xp.reshape(x, (3, 2)), lambda xp, x: xp.reshape(x, shape=(6,), copy=True))
add("roll", lambda xp, x: xp.roll(x, 1), lambda xp, x: xp.roll(x, (1, 2), axis=(0, 1)))
add("squeeze", lambda xp, x: xp.squeeze(x[:1], axis=0))
add("stack", lambda xp, x, y: xp.stack((x, y)), lambda xp, x, y: xp.stack([x, y], axis=1), args=(V, W))
add("tile", lambda xp, x: xp.tile(x, (2, 1)))
add("unstack", lambda xp, x: list(xp.unstack(x)), lambda xp, x: list(xp.unstack(x, axis=1)))

# ---- searching, sets, sorting

for _name in ("argmax", "argmin"):
    add(_name, _apply(_name), lambda xp, x, n=_name: found(xp, n)(x, axis=1, keepdims=True))
add("count_nonzero", lambda xp, x: xp.count_nonzero(x), lambda xp, x: xp.count_nonzero(x > 1, axis=0, keepdims=True))
add("nonzero", lambda xp, x: list(xp.nonzero(x > 1)), abstract=False)
add("searchsorted", lambda xp, x, v: xp.searchsorted(x, v), lambda xp, x, v: xp.searchsorted(x, v, side="right"),
    args=(np.array([0.1, 0.5, 1.5]), V))  # fmt: skip
add("searchsorted", lambda xp, x, v: xp.searchsorted(x, v, sorter=xp.argsort(x)), args=(W, V))
add("where", lambda xp, x, y: xp.where(x > 0, x, y), lambda xp, x, y: xp.where(x > 0, x, 1.0), args=(V, W))
for _name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    add(_name, lambda xp, x, n=_name: tuple_of(found(xp, n)(x)), args=(np.array([1.5, 0.5, 1.5, 2.5]),), abstract=False)
add("argsort", lambda xp, x: xp.argsort(x), lambda xp, x: xp.argsort(x, axis=0, stable=True))
add("sort", lambda xp, x: xp.sort(x), lambda xp, x: xp.sort(x, axis=0, stable=True))
add("take", lambda xp, x: xp.take(x, xp.asarray([2, 0]), axis=1), args=(F,))
add("take", lambda xp, x: xp.take(x, xp.asarray([2, 0])), args=(V,))
add("take_along_axis", lambda xp, x: xp.take_along_axis(x, xp.argsort(x, axis=1), axis=1),
    lambda xp, x: xp.take_along_axis(x, xp.asarray([[0], [1]])))  # fmt: skip

# ---- statistics and utilities

for _name in words("sum prod mean max min"):
    add(_name, _apply(_name), lambda xp, x, n=_name: found(xp, n)(x, axis=(0, 1), keepdims=True))
for _name in ("sum", "prod", "cumulative_sum", "cumulative_prod"):
    add(_name, lambda xp, x, n=_name: found(xp, n)(x, axis=1, dtype=xp.float32))
for _name in ("cumulative_sum", "cumulative_prod"):
    add(_name, lambda xp, x, n=_name: found(xp, n)(x, axis=0, include_initial=True))
    add(_name, _apply(_name), args=(V,))
for _name in ("var", "std"):
    add(_name, _apply(_name), lambda xp, x, n=_name: found(xp, n)(x, axis=1, correction=1.0, keepdims=True))
add("all", lambda xp, x: xp.all(x), lambda xp, x: xp.all(x > 1, axis=0, keepdims=True))
add("any", lambda xp, x: xp.any(x), lambda xp, x: xp.any(x > 1, axis=(0,)))
add("diff", lambda xp, x: xp.diff(x), lambda xp, x: xp.diff(x, axis=0, n=1, prepend=x[:1], append=xp.ones((1, 3))))

# ---- Fourier transforms

for _name in words("fft ifft rfft irfft hfft ihfft"):
    add(
        f"fft.{_name}",
        lambda xp, x, n=_name: found(xp.fft, n)(x),
        lambda xp, x, n=_name: found(xp.fft, n)(x, n=4, axis=0, norm="ortho"),
    )
for _name in words("fftn ifftn rfftn irfftn"):
    add(
        f"fft.{_name}",
        lambda xp, x, n=_name: found(xp.fft, n)(x),
        lambda xp, x, n=_name: found(xp.fft, n)(x, s=(4, 2), axes=(0, 1), norm="forward"),
    )
for _name in words("fftshift ifftshift"):
    add(
        f"fft.{_name}",
        lambda xp, x, n=_name: found(xp.fft, n)(x),
        lambda xp, x, n=_name: found(xp.fft, n)(x, axes=(1,)),
    )
for _name in words("fftfreq rfftfreq"):
    add(f"fft.{_name}", lambda xp, x, n=_name: found(xp.fft, n)(4, d=x[0, 0], device="cpu") * x[1, 1])

# ---- what stands in the namespace beside functions

CONSTANTS = ("e", "inf", "nan", "newaxis", "pi")
DTYPES = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "complex64",
    "complex128",
)
# called with shapes or dtypes alone
OF_NO_ARRAY = {
    "broadcast_shapes": lambda xp: xp.broadcast_shapes((2, 1), (3,)),
    "__array_namespace_info__": lambda xp: xp.__array_namespace_info__().default_device(),
}

# every function of the standard, of its extensions for linear algebra and Fourier transforms too
NAMES = words(
    "abs acos acosh add all any arange argmax argmin argsort asarray asin asinh astype "
    "atan atan2 atanh bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor "
    "broadcast_arrays broadcast_to can_cast ceil clip concat conj copysign cos cosh count_nonzero cumulative_prod "
    "cumulative_sum diff divide empty empty_like equal exp expand_dims expm1 eye finfo flip floor floor_divide "
    "from_dlpack full full_like greater greater_equal hypot iinfo imag isdtype isfinite isinf isnan less less_equal "
    "linspace log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor matmul matrix_transpose "
    "max maximum mean meshgrid min minimum moveaxis multiply negative nextafter nonzero not_equal ones ones_like "
    "permute_dims positive pow prod real reciprocal remainder repeat reshape result_type roll round searchsorted "
    "sign signbit sin sinh sort sqrt square squeeze stack std subtract sum take take_along_axis tan tanh tensordot "
    "tile tril triu trunc unique_all unique_counts unique_inverse unique_values unstack var vecdot where zeros "
    "zeros_like linalg.cholesky linalg.cross linalg.det linalg.diagonal linalg.eigh linalg.eigvalsh linalg.inv "
    "linalg.matmul linalg.matrix_norm linalg.matrix_power linalg.matrix_rank linalg.matrix_transpose linalg.outer "
    "linalg.pinv linalg.qr linalg.slogdet linalg.solve linalg.svd linalg.svdvals linalg.tensordot linalg.trace "
    "linalg.vecdot linalg.vector_norm fft.fft fft.fftfreq fft.fftn fft.fftshift fft.hfft fft.ifft fft.ifftn "
    "fft.ifftshift fft.ihfft fft.irfft fft.irfftn fft.rfft fft.rfftfreq fft.rfftn "
)
