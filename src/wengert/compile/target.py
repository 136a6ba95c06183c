"""The machine that code is made for: its name, its features, how wide its vectors are."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass, replace
from typing import Any, final

import llvmlite
import llvmlite.binding as llvm

from wengert.errors import CompileError

__all__ = ["Target", "alone", "host", "machine", "new_machine"]


@final
@dataclass(frozen=True)
class Target:
    """A processor: ``cpu`` and ``features`` as LLVM names them, vectors of ``bytes``, whether lanes can be masked.

    ``registers`` is the number of vector registers; ``blas``: whether large products may call BLAS.
    """

    triple: str
    cpu: str
    features: str
    bytes: int
    masks: bool
    registers: int
    blas: bool = True

    def lanes(self, itemsize: int) -> int:
        """How many elements of this size a vector holds."""
        return self.bytes // itemsize

    @property
    def arm(self) -> bool:
        """Whether it is a 64-bit ARM."""
        return self.triple.startswith(("aarch64", "arm64"))

    @property
    def fused(self) -> bool:
        """Whether it multiplies and adds with one rounding; without, LLVM would call the C library for each."""
        return self.arm or "+fma" in self.features.split(",")

    @property
    def key(self) -> str:
        """What code for this machine is known by in a cache."""
        return f"{self.triple}/{self.cpu}/{self.features}/llvm{'.'.join(map(str, llvm.llvm_version_info))}"


@functools.cache
def host() -> Target:
    """The machine that this process runs on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    triple = llvm.get_process_triple()
    arm = triple.startswith(("aarch64", "arm64"))
    wide = bool(features.get("avx512f") and features.get("avx512vl") and features.get("avx512dq"))
    size = 64 if wide else 32 if features.get("avx2") and features.get("fma") else 16
    return Target(triple, llvm.get_host_cpu_name(), features.flatten(), size, wide, 32 if wide or arm else 16)


# Levels of x86-64, each with all that the ones before it have: features beside LLVM's own, bytes of a vector.
_LEVELS = {
    "x86-64": ("", 16), "x86-64-v2": ("", 16), "x86-64-v3": ("+avx2,+fma,+bmi,+bmi2,+f16c,+lzcnt,+movbe", 32),
    "x86-64-v4": ("+avx2,+fma,+bmi,+bmi2,+f16c,+lzcnt,+movbe,+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl", 64),
}  # fmt: skip


def alone(cpu: str = "host") -> Target:
    """A processor whose code stands alone, without BLAS: this one, or the least that an architecture's level has.

    Raises:
        CompileError: ``cpu`` is no level of this architecture.
    """
    here = host()
    if cpu == "host":
        return replace(here, blas=False)
    if here.arm and cpu == "generic":
        return Target(here.triple, "generic", "", 16, False, 32, False)
    if here.arm or cpu not in _LEVELS:
        names = ["generic"] if here.arm else list(_LEVELS)
        raise CompileError(f"cpu={cpu!r} is no name of a processor here\n  write: one of {', '.join(['host', *names])}")
    features, size = _LEVELS[cpu]
    return Target(here.triple, cpu, features, size, size == 64, 32 if size == 64 else 16, False)


_local = threading.local()


def machine(target: Target, *, relocatable: bool = False, level: int = 1) -> Any:
    """An LLVM target machine. Codegen level 1: code comes vectorised, and level 2 takes four times as long.

    Level 0 takes a tenth of the time of level 1, and is for code without loops that matter.
    """
    name = f"{'relocatable' if relocatable else 'jit'}{level}"
    found = getattr(_local, name, None)
    if found is None or found[0] is not target:
        found = (target, new_machine(target, relocatable=relocatable, level=level))
        setattr(_local, name, found)
    return found[1]


def new_machine(target: Target, *, relocatable: bool = False, level: int = 1) -> Any:
    """An LLVM target machine for one thread at a time."""
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=level, jit=not relocatable,
        reloc="pic" if relocatable else "default",
    )  # fmt: skip


_ = llvmlite
