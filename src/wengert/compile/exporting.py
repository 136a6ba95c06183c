"""Machine code as files: an object, a C header, a shared library, and a loader for NumPy.

The function in the object is ``int32_t name(inputs…, results…, workspace)``. It puts the addresses of its arguments,
and of the constants, which lie in the object too, into the table that a core reads, and calls the core. It returns 0,
or a code that says why it failed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from wengert import pytree
from wengert.compile.core import Core, emit_core
from wengert.compile.emit import I64, PTR, Emitter
from wengert.compile.engine import object_code
from wengert.compile.making import prepared
from wengert.compile.names import PREFIX
from wengert.compile.target import alone
from wengert.compile.values import I32, Value
from wengert.core.program import Equation, Program
from wengert.core.types import Aval
from wengert.errors import CompileError
from wengert.files import write_atomically

__all__ = ["Exported", "export_files"]

C_TYPES: Final = {
    "f4": "float", "f8": "double", "b1": "bool", "c8": "float", "c16": "double",
    **{f"{k}{n}": f"{'u' if k == 'u' else ''}int{8 * n}_t" for k in "iu" for n in (1, 2, 4, 8)},
}  # fmt: skip
WORDS: Final = frozenset(
    [
        "auto",
        "bool",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "workspace",
    ]
)
LINE: Final = 64


@final
@dataclass(frozen=True)
class Exported:
    """The files that were written; ``library`` is None where there is no C compiler."""

    name: str
    object: Path
    header: Path
    loader: Path
    library: Path | None


@final
@dataclass(frozen=True)
class _Argument:
    """An argument of the C function."""

    name: str
    path: str  # what the user calls it
    aval: Aval

    @property
    def c_type(self) -> str:
        """The type of its elements; a complex number is a pair."""
        return C_TYPES[self.aval.dtype.str[1:]]

    @property
    def shape(self) -> str:
        """For a comment."""
        shape = "".join(f"[{n}]" for n in self.aval.shape) or "one number"
        return f"{shape}, each a pair of real and imaginary part" if self.aval.dtype.kind == "c" else shape


def export_files(lowered: Any, path: str | os.PathLike[str], cpu: str = "host") -> Exported:
    """Write all files of a lowered function."""
    path = Path(path)
    name = _identifier(path.name)
    if any(lowered.donated):
        raise CompileError("code that is exported writes its results to memory of the caller's: nothing is donated")
    if lowered.form.traced:
        raise CompileError(
            "a function that closes over traced values cannot be exported: its numbers are not known yet"
        )
    program = prepared(_closed(lowered))
    core = emit_core(program, name=f"{name}_core", target=alone(cpu))
    _refuse(core)
    inputs, results = _arguments(lowered, program)
    code = object_code(_text(core, name, program), core.emitter.target, relocatable=True)
    there = {k: path.with_name(path.name + end) for k, end in (("object", ".o"), ("header", ".h"), ("loader", ".py"))}
    files = Exported(name=name, **there, library=None)
    write_atomically(files.object, code)
    write_atomically(files.header, _header(name, inputs, results, core).encode())
    write_atomically(files.loader, _loader(name, lowered, inputs, results).encode())
    return replace(files, library=_linked(files.object))


def _closed(lowered: Any) -> Program:
    """The Program with what the function reads besides its arguments as constants."""
    program: Program = lowered.program
    hidden = [np.array(read.now()) for read, _ in lowered.form.hidden]
    count = len(program.inputs) - len(hidden)
    more = tuple(zip(program.inputs[count:], hidden, strict=True))
    return replace(program, inputs=program.inputs[:count], constants=(*program.constants, *more), cache={})


def _refuse(core: Core) -> None:
    """Only what needs nothing but the C library can be exported."""
    foreign = [n for n in core.emitter.symbols if not n.startswith((PREFIX["c"], "python"))]
    if not core.called and not foreign:
        return
    lines = [f"  {_described(equation)}" for equation in core.called]
    lines += [f"  {name.partition('_')[2]}, a routine of SciPy's" for name in foreign]
    raise CompileError(
        "this function cannot be exported: these operations have no machine code of their own, or call libraries that "
        "C programs may not have\n" + "\n".join(lines) + "\n  write: NumPy functions that compile, or export the parts "
        "before and after; wengert.lower(f)(...).report() shows what compiles"
    )


def _described(equation: Equation) -> str:
    return equation.primitive.name + (f": {equation.line}" if equation.line else "")


# ---- the function


def _text(core: Core, name: str, program: Program) -> str:
    """The module with the C function in it."""
    e = core.emitter
    n, m = len(program.inputs), len(program.outputs)
    constants = [e.data(np.ascontiguousarray(x).tobytes() or b"\0") for x in core.constants]
    with e.function(name, [PTR] * (n + m + 1), I32) as (*given, workspace):
        table = e.alloca(PTR, max(1, n + m + len(constants)), align=LINE)
        for k, address in enumerate([*given, *constants]):
            e.store(address, table, k)
        e.ret(_called(e, f"{name}_core", table, workspace))
    with e.function(f"{name}_workspace_bytes", [], I64):
        e.ret(e.const(I64, core.arena + LINE))
    text = e.text().replace(f"define i32 @{name}_core(", f"define internal i32 @{name}_core(")
    return re.sub(rf"@{PREFIX['c']}(\w+)", r"@\1", text)


def _called(e: Emitter, core: str, table: Value, workspace: Value) -> Value:
    number = e.value(I64, f"ptrtoint {workspace} to i64")
    arena = e.value(PTR, f"inttoptr {(number + (LINE - 1)) & -LINE} to ptr")
    return e.call(core, I32, table, arena, e.const(I64, 0), e.const(PTR, 0))


def _identifier(text: str) -> str:
    """A name for C."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "f"
    return f"{name}_" if name in WORDS else f"_{name}" if name[0].isdigit() else name


def _arguments(lowered: Any, program: Program) -> tuple[list[_Argument], list[_Argument]]:
    """The arguments, each with a name of its own."""
    taken: set[str] = set()

    def named(path: str, var: Any) -> _Argument:
        name = first = _identifier(path)
        k = 2
        while name in taken:
            name, k = f"{first}_{k}", k + 1
        taken.add(name)
        return _Argument(name, path, var.aval)

    inputs = [named(path, v) for path, v in zip(lowered.names, program.inputs, strict=True)]
    out = pytree.unflatten(lowered.form.out_def, range(lowered.form.out_def.size))
    paths = [path for k, (path, _) in enumerate(pytree.flatten_with_paths(out)) if k not in lowered.form.kept]
    return inputs, [named(f"result{path}", a) for path, a in zip(paths, program.outputs, strict=True)]


# ---- the header


def _header(name: str, inputs: Sequence[_Argument], results: Sequence[_Argument], core: Core) -> str:
    libm = sorted(n.removeprefix(PREFIX["c"]) for n in core.emitter.symbols)
    calls = f"calls {', '.join(libm)} of the C library" if libm else "calls no mathematical function of the C library"
    parameters = ", ".join(
        [f"const {a.c_type} *{a.name}" for a in inputs]
        + [f"{a.c_type} *{a.name}" for a in results]
        + ["void *workspace"]
    )
    rows = [f" *   {a.name}: {a.shape}{_also(a)}" for a in (*inputs, *results)]
    guard, machine = f"{name.upper()}_H", core.emitter.target
    return "\n".join([
        f"/* {name}: machine code made from a NumPy function; for {machine.cpu}, {machine.triple}.",
        " *",
        " * Arrays lie row by row (C order), aligned to their elements; results overlap nothing.",
        *rows,
        f" *   workspace: {name}_workspace_bytes() bytes, one for each thread that calls at the same time",
        " *",
        " * Returns 0; 1 where an index is out of bounds. It allocates no memory, keeps no state, and",
        f" * {calls}.",
        " */",
        f"#ifndef {guard}", f"#define {guard}", "", "#include <stdbool.h>", "#include <stdint.h>", "",
        "#ifdef __cplusplus", 'extern "C" {', "#endif", "",
        f"int64_t {name}_workspace_bytes(void);", f"int32_t {name}({parameters});", "",
        "#ifdef __cplusplus", "}", "#endif", f"#endif /* {guard} */", "",
    ])  # fmt: skip


def _also(a: _Argument) -> str:
    return f", in Python {a.path}" if a.path != a.name else ""


# ---- the library and its loader


def _linked(code: Path) -> Path | None:
    """The object as a shared library, where there is a compiler that links it."""
    begin, end = {"win32": ("", ".dll"), "darwin": ("lib", ".dylib")}.get(sys.platform, ("lib", ".so"))
    compiler = os.environ.get("CC") or next(filter(shutil.which, ("cc", "gcc", "clang")), None)
    if compiler is None:
        return None
    library = code.with_name(begin + code.name.removesuffix(".o") + end)
    libm = [] if sys.platform == "win32" else ["-lm"]
    command = [*compiler.split(), "-shared", "-o", str(library), str(code), *libm]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return None
    return library if done.returncode == 0 else None


def _structure(treedef: pytree.TreeDef, kept: Collection[int] = ()) -> Any:
    """A tree of numbers, where it consists of Python's own containers; None else."""
    numbers = iter(range(treedef.size))
    tree = pytree.unflatten(treedef, [None if k in kept else next(numbers) for k in range(treedef.size)])

    def plain(x: Any) -> bool:
        if type(x) in (list, tuple):
            return all(map(plain, x))
        return all(map(plain, x.values())) and all(type(k) is str for k in x) if type(x) is dict else type(x) is int

    return tree if plain(tree) else None


def _loader(name: str, lowered: Any, inputs: Sequence[_Argument], results: Sequence[_Argument]) -> str:
    arguments, out = _structure(lowered.form.key[0]), _structure(lowered.form.out_def, lowered.form.kept)
    if arguments is None:
        arguments = (tuple(range(len(inputs))), {})
    if out is None:
        out = tuple(range(len(results)))
    specs = [[(a.path, a.aval.dtype.str[1:], a.aval.shape) for a in part] for part in (inputs, results)]
    numbers = [a.aval.kind != "array" for a in results]
    template = Path(__file__).with_name("loader.txt").read_text(encoding="utf-8")
    for key, value in {
        "NAME": name, "INPUTS": repr(specs[0]), "RESULTS": repr(specs[1]), "ARGUMENTS": repr(arguments),
        "OUT": repr(out), "NUMBERS": repr(numbers), "PARAMETERS": ", ".join(a.path for a in inputs),
    }.items():  # fmt: skip
        template = template.replace(f"<{key}>", value)
    return template
