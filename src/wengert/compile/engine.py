"""From the text of LLVM IR to functions in memory.

Text is parsed, verified and turned into an object file, which is linked: the object is what a cache keeps. One
just-in-time linker serves the process; each unit has a library of its own, and dropping it frees its memory.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

import llvmlite.binding as llvm
from llvmlite.binding import ffi

from wengert.compile.target import Target, host, machine, new_machine
from wengert.errors import CompileError

__all__ = ["Part", "Unit", "assembly", "hold", "let_go", "link", "object_code"]

_lock = threading.RLock()
_names = itertools.count()
_linker: list[Any] = []  # and how many libraries it has linked
LIBRARIES = 256


@functools.lru_cache(maxsize=16)
def _layout(target: Target) -> str:
    return str(machine(target).target_data)


def _parsed(text: str, target: Target, context: Any = None) -> Any:
    try:
        module = llvm.parse_assembly(text, context)
        module.verify()
    except RuntimeError as problem:
        raise CompileError(f"LLVM refuses the code that was made for this function: {problem}") from problem
    module.triple = target.triple
    module.data_layout = _layout(target)
    return module


def object_code(text: str, target: Target | None = None, *, relocatable: bool = False, level: int = 1) -> bytes:
    """The object file of a module of LLVM IR."""
    target = target or host()
    with _lock:
        return machine(target, relocatable=relocatable, level=level).emit_object(_parsed(text, target))


@functools.cache
def _generator() -> tuple[Any, Any] | None:
    """LLVM's code generator as a plain C function, and what reads its buffers; None where llvmlite has them otherwise.

    llvmlite runs one of LLVM's functions at a time. LLVM asks less: that threads have contexts and target machines of
    their own.
    """
    try:
        path = ffi.lib._name  # pyright: ignore[reportPrivateUsage]
        emit, quick = ctypes.CDLL(path).LLVMPY_TargetMachineEmitToMemory, ctypes.PyDLL(path)
        start, size, dispose = quick.LLVMPY_GetBufferStart, quick.LLVMPY_GetBufferSize, quick.LLVMPY_DisposeMemoryBuffer
    except (AttributeError, OSError, TypeError):
        return None
    emit.argtypes = [ffi.LLVMTargetMachineRef, ffi.LLVMModuleRef, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)]
    start.argtypes = size.argtypes = dispose.argtypes = [ffi.LLVMMemoryBufferRef]
    emit.restype, start.restype, size.restype = ffi.LLVMMemoryBufferRef, ctypes.c_void_p, ctypes.c_size_t
    dispose.restype = None

    def content(buffer: Any) -> bytes:
        try:
            return ctypes.string_at(start(buffer), size(buffer))
        finally:
            dispose(buffer)

    return emit, content


_idle: defaultdict[tuple[Target, int], list[Any]] = defaultdict(list)  # target machines that nobody uses


@final
class Part:
    """A module, read and verified, that any thread may turn into an object file beside others.

    A thread that comes back from LLVM waits for the interpreter, for as long as 5 ms where another one computes: so
    all but the code generation is done by the thread that makes the part, and costs the other one nothing.
    """

    def __init__(self, text: str, target: Target, level: int = 1) -> None:
        self.text, self.target, self.level = text, target, level
        self.context = llvm.create_context()
        self.module = _parsed(text, target, self.context)
        try:  # several threads may ask at once: whoever finds none makes one
            self.machine = _idle[target, level].pop()
        except IndexError:
            self.machine = new_machine(target, level=level)

    def object_code(self) -> bytes:
        """The object file; the part is of no use afterwards."""
        generator = _generator()
        if generator is None:
            return object_code(self.text, self.target, level=self.level)
        emit, content = generator
        problem = ctypes.c_char_p()
        buffer = emit(self.machine, self.module, 1, ctypes.byref(problem))
        if not buffer:
            raise CompileError(f"LLVM makes no machine code of this: {problem.value}")
        _idle[self.target, self.level].append(self.machine)
        return content(buffer)

    def close(self) -> None:
        """Free LLVM's memory of it: the module before its context, which garbage collection would not mind."""
        self.module.close()
        self.context.close()


def hold() -> None:
    """Wait until no other thread has a lock of LLVM's, and let none take one: the process is about to fork."""
    _lock.acquire()
    ffi.lib._lock.__enter__()  # pyright: ignore[reportPrivateUsage]


def let_go() -> None:
    """After :func:`hold`, in the parent and in the child."""
    ffi.lib._lock.__exit__(None, None, None)  # pyright: ignore[reportPrivateUsage]
    _lock.release()


def assembly(text: str, target: Target | None = None) -> str:
    """The module as assembly language, to be read."""
    target = target or host()
    with _lock:
        made = machine(target)
        made.set_asm_verbosity(False)
        return made.emit_assembly(_parsed(text, target))


@final
class Unit:
    """Linked code: ``unit[name]`` is the address of a function. Its memory lasts as long as the unit."""

    def __init__(self, library: Any, exports: Iterable[str], keep: Any, linker: Any) -> None:
        self._library = library  # goes before the linker that it came from
        self._linker = linker
        self._addresses = {name: library[name] for name in exports}
        self._keep = keep  # what the code refers to by address: constants, callbacks

    def __getitem__(self, name: str) -> int:
        return self._addresses[name]

    def function(self, name: str, result: Any, *arguments: Any, holds_gil: bool = False) -> Any:
        """A function to be called through ctypes; it runs without the interpreter's lock unless ``holds_gil``."""
        make = ctypes.PYFUNCTYPE if holds_gil else ctypes.CFUNCTYPE
        made = make(result, *arguments)(self._addresses[name])
        made.unit = self  # type: ignore[attr-defined]
        return made


def link(
    code: bytes | Sequence[bytes], exports: Iterable[str], symbols: Mapping[str, int] | None = None, keep: Any = None
) -> Unit:
    """Load an object file, or several that belong together; ``symbols`` are the addresses of what they import."""
    exports = list(exports)
    with _lock:
        linker = _present_linker()
        builder = llvm.JITLibraryBuilder()
        for each in (code,) if isinstance(code, bytes) else code:
            builder.add_object_img(each)
        builder.add_current_process()
        for name, address in (symbols or {}).items():
            builder.import_symbol(name, address)
        for name in exports:
            builder.export_symbol(name)
        try:
            library = builder.link(linker, f"unit{next(_names)}")
        except RuntimeError as problem:
            raise CompileError(f"compiled code cannot be linked: {problem}") from problem
    return Unit(library, exports, keep, linker)


def _present_linker() -> Any:
    """A linker. Each library leaves some kilobytes in it for ever.

    So after some of them a new linker is made, and the old one goes with the last of its units.
    """
    if not _linker or _linker[1] >= LIBRARIES:
        host()
        _linker[:] = [llvm.create_lljit_compiler(machine_for_linker(), use_jit_link=False), 0]
    _linker[1] += 1
    return _linker[0]


def machine_for_linker() -> Any:
    """A target machine that the linker takes over."""
    target = host()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=1, jit=True
    )
