"""A builder of LLVM IR as text: values with types and operators, loops, memory.

Text costs a fraction of a microsecond a line, where LLVM's own builders cost ten times that. A :class:`Value` is
a name with a type; its operators emit instructions, so that vector mathematics reads as mathematics::

    e = Emitter()
    with e.function("axpy", ["ptr", "ptr", "i64"]) as (x, y, n):
        e.loop(n, lambda i: e.store(2.0 * e.load(x, F32, i) + e.load(y, F32, i), y, i))
    text = e.text()

Floating-point arithmetic is IEEE 754's: nothing is contracted or reordered unless it is written so (``fma``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wengert.compile.target import Target, host
from wengert.compile.values import BOOL, F32, F64, I8, I16, I32, I64, LLVM, PTR, Type, Value, type_of

__all__ = ["BOOL", "F32", "F64", "I8", "I16", "I32", "I64", "PTR", "Emitter", "Type", "Value", "type_of"]

SHORT = 128  # bits of the machine's shortest vectors


def _hex(value: float, element: str) -> str:
    """A float constant with all its bits. Not kept: to a table -0.0 is 0.0."""
    if element == "f32":
        value = float(np.float32(value))
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


# how each byte stands in a string of LLVM's
_BYTES = [chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:02X}" for b in range(256)]


@final
@dataclass(eq=False)
class Gap:
    """Instructions in front of a loop, and the block that they are in by now."""

    lines: list[Any]
    block: str


@final
class Emitter:
    """A module under construction."""

    def __init__(self, target: Target | None = None) -> None:
        self.target = target or host()
        self._head: dict[str, str] = {}  # declarations and globals, by name
        self.functions: list[Function] = []
        self.turns = 0.0  # how often, about, the innermost loops of what is being written will go round in a call
        self.written: Callable[[Emitter], None] | None = None  # called after each function
        self._lines: list[Any] = []  # instructions, and lists of instructions that are still being written
        self._allocas: list[str] = []
        self._count = 0
        self.block = ""
        self.exports: list[str] = []
        self.defined: set[str] = set()  # functions, by name: helpers are written once
        self.symbols: dict[str, int] = {}  # addresses of what the module imports
        self.helpers: set[str] = set()  # functions that lowering rules have put into the module

    # ---- names, constants, instructions

    def fresh(self, prefix: str = "v") -> str:
        """A name that was not given yet."""
        self._count += 1
        return f"{prefix}{self._count}"

    def value(self, t: Type, instruction: str) -> Value:
        """Emit an instruction with a result."""
        self._count += 1
        name = f"%v{self._count}"
        self._lines.append(f" {name} = {instruction}")
        return Value(self, name, t)

    def gap(self) -> Gap:
        """A place in the text that may be written to later: what a loop does not change is put before it."""
        gap = Gap([], self.block)
        self._lines.append(gap.lines)
        after = self.fresh("P")
        self.jump(after)
        self.begin(after)
        return gap

    @contextmanager
    def writing(self, gap: Gap) -> Generator[None]:
        """Emit into a gap."""
        lines, block = self._lines, self.block
        self._lines, self.block = gap.lines, gap.block
        yield
        gap.block = self.block
        self._lines, self.block = lines, block

    def line(self, instruction: str) -> None:
        """Emit an instruction without a result."""
        self._lines.append(" " + instruction)

    def const(self, t: Type, number: Any) -> Value:
        """A constant; of a vector type, the same number in all lanes."""
        if t.is_float:
            text = _hex(float(number), t.element)
        elif t.element == "i1":
            text = "true" if number else "false"
        elif t.element == "ptr":
            text = "null"
        else:
            n = int(number)
            bits = t.bits
            n &= (1 << bits) - 1
            text = str(n - (1 << bits) if n >> (bits - 1) else n)
        if not t.lanes:
            return Value(self, text, t)
        if text in ("0", "false", "0x0000000000000000"):
            return Value(self, "zeroinitializer", t)
        return Value(self, f"splat ({t.scalar} {text})", t)

    def constants(self, t: Type, numbers: Sequence[Any]) -> Value:
        """A vector of different constants."""
        parts = ", ".join(str(self.const(t.scalar, n)) for n in numbers)
        return Value(self, f"<{parts}>", t.wide(len(numbers)))

    def undefined(self, t: Type) -> Value:
        """A value that nobody will read."""
        return Value(self, "poison", t)

    def pair(self, a: Any, b: Any) -> tuple[Value, Value]:
        """Two operands of one type: numbers become constants, scalars are spread over the other's lanes."""
        if not isinstance(a, Value):
            a = self.const(b.type, a)
        elif not isinstance(b, Value):
            b = self.const(a.type, b)
        if a.type.lanes != b.type.lanes:
            if not a.type.lanes:
                a = self.splat(a, b.type.lanes)
            else:
                b = self.splat(b, a.type.lanes)
        return a, b

    def _binary(self, f: str, i: str, a: Any, b: Any) -> Value:
        a, b = self.pair(a, b)
        t = a.type
        return self.value(t, f"{f if t.is_float else i} {t.text} {a.name}, {b.name}")

    def add(self, a: Any, b: Any) -> Value:
        return self._binary("fadd", "add", a, b)

    def sub(self, a: Any, b: Any) -> Value:
        return self._binary("fsub", "sub", a, b)

    def mul(self, a: Any, b: Any) -> Value:
        return self._binary("fmul", "mul", a, b)

    def div(self, a: Any, b: Any) -> Value:
        """Of floats; of integers towards zero, and undefined for a divisor of zero."""
        return self._binary("fdiv", "sdiv", a, b)

    def neg(self, a: Value) -> Value:
        return self.value(a.type, f"fneg {a}") if a.type.is_float else self.sub(self.const(a.type, 0), a)

    def bitand(self, a: Any, b: Any) -> Value:
        return self._binary("?", "and", a, b)

    def bitor(self, a: Any, b: Any) -> Value:
        return self._binary("?", "or", a, b)

    def bitxor(self, a: Any, b: Any) -> Value:
        return self._binary("?", "xor", a, b)

    def shl(self, a: Any, b: Any) -> Value:
        return self._binary("?", "shl", a, b)

    def shr(self, a: Any, b: Any, *, signed: bool = False) -> Value:
        """To the right; zeros come in, or copies of the sign."""
        return self._binary("?", "ashr" if signed else "lshr", a, b)

    def compare(self, how: str, a: Any, b: Any, *, unsigned: bool = False) -> Value:
        """lt, le, gt, ge, eq, ne. Beside a NaN all but ne are false."""
        a, b = self.pair(a, b)
        if a.type.is_float:
            code = "fcmp " + ("une" if how == "ne" else "o" + how)
        else:
            code = "icmp " + (how if how in ("eq", "ne") else ("u" if unsigned else "s") + how)
        return self.value(a.type.of("i1"), f"{code} {a.type} {a.name}, {b.name}")

    def is_nan(self, a: Value) -> Value:
        return self.value(a.type.of("i1"), f"fcmp uno {a.type} {a.name}, {a.name}")

    def select(self, condition: Value, a: Any, b: Any) -> Value:
        """``a`` where the condition holds, else ``b``."""
        a, b = self.pair(a, b)
        if condition.type.lanes and not a.type.lanes:
            a, b = self.splat(a, condition.type.lanes), self.splat(b, condition.type.lanes)
        return self.value(a.type, f"select {condition}, {a}, {b}")

    def invert(self, a: Value) -> Value:
        """All bits turned; of booleans the negation."""
        return self.bitxor(a, self.const(a.type, -1 if a.type.element != "i1" else 1))

    # ---- intrinsics and calls

    def intrinsic(self, name: str, *operands: Any, result: Type | None = None, extra: str = "") -> Value:
        """An LLVM intrinsic overloaded on the type of its first operand, such as ``fma`` or ``rint``."""
        values = list(operands)
        like = next(v for v in values if isinstance(v, Value) and (v.type.lanes or len(values) == 1)) if any(
            isinstance(v, Value) and v.type.lanes for v in values
        ) else next(v for v in values if isinstance(v, Value))  # fmt: skip
        values = [
            v if isinstance(v, Value) and v.type.lanes == like.type.lanes else self.pair(v, like)[0] for v in values
        ]
        t = result or values[0].type
        full = f"llvm.{name}.{_suffix(values[0].type)}"
        types = ", ".join(str(v.type) for v in values) + (", i1" if extra else "")
        self.declare(full, f"declare {t} @{full}({types})")
        return self.value(t, f"call {t} @{full}({', '.join(map(str, values))}{extra})")

    def fma(self, a: Any, b: Any, c: Any) -> Value:
        """A b + c, rounded once; where the processor has no such instruction, the sum of the rounded product."""
        if not self.target.fused:
            return self.add(self.mul(a, b), c)
        return self.intrinsic("fma", a, b, c)

    def sqrt(self, a: Value) -> Value:
        return self.intrinsic("sqrt", a)

    def fabs(self, a: Value) -> Value:
        return self.intrinsic("fabs", a)

    def rint(self, a: Value) -> Value:
        """To the nearest integer, ties to even, as a float."""
        return self.intrinsic("rint", a)

    def declare(self, name: str, text: str) -> None:
        """A declaration or global, once."""
        self._head.setdefault(name, text)

    def call(self, name: str, result: Type | None, *operands: Value, tail: str = "") -> Any:
        """Call a function of this module, or one that was declared."""
        args = ", ".join(map(str, operands))
        if result is None:
            self.line(f"call void @{name}({args}){tail}")
            return None
        return self.value(result, f"call {result} @{name}({args}){tail}")

    def external(self, name: str, address: int, result: Type | None, *types: Type) -> None:
        """A function that lives at an address of this process."""
        self.declare(name, f"declare {result or 'void'} @{name}({', '.join(map(str, types))})")
        self.symbols[name] = address

    # ---- conversions and lanes

    def convert(self, a: Value, t: Type, *, unsigned: bool = False) -> Value:
        """To another element type with NumPy's meaning of astype; ``unsigned`` concerns the source's integers."""
        t = t.wide(a.type.lanes)
        if a.type == t:
            return a
        source, wanted = a.type, t
        if source.is_float and wanted.is_float:
            return self.value(t, f"{'fpext' if wanted.bits > source.bits else 'fptrunc'} {a} to {t}")
        if source.is_float:
            if wanted.element == "i1":
                return self.compare("ne", a, 0.0)
            return self.value(t, f"fptosi {a} to {t}")
        unsigned = unsigned or source.element == "i1"
        if wanted.is_float:
            return self.value(t, f"{'uitofp' if unsigned else 'sitofp'} {a} to {t}")
        if wanted.element == "i1":
            return self.compare("ne", a, 0)
        if wanted.bits > source.bits:
            return self.value(t, f"{'zext' if unsigned else 'sext'} {a} to {t}")
        return a if wanted.bits == source.bits else self.value(t, f"trunc {a} to {t}")

    def bitcast(self, a: Value, t: Type) -> Value:
        """The same bits as another type."""
        return self.value(t, f"bitcast {a} to {t}")

    def splat(self, a: Any, lanes: int, t: Type | None = None) -> Value:
        """The same number in all lanes."""
        if not isinstance(a, Value):
            assert t is not None
            return self.const(t.wide(lanes), a)
        if not lanes or a.type.lanes == lanes:
            return a
        if a.name[0] not in "%@" and a.type.element != "ptr":
            return self._respread(a, lanes)
        wide = a.type.wide(lanes)
        one = self.value(wide, f"insertelement {wide} poison, {a}, i64 0")
        return self.value(wide, f"shufflevector {one}, {wide} poison, <{lanes} x i32> zeroinitializer")

    def _respread(self, a: Value, lanes: int) -> Value:
        if a.name in ("0", "false", "0x0000000000000000"):
            return Value(self, "zeroinitializer", a.type.wide(lanes))
        return Value(self, f"splat ({a})", a.type.wide(lanes))

    def extract(self, a: Value, lane: int | Value) -> Value:
        """One lane."""
        index = lane if isinstance(lane, Value) else self.const(I64, lane)
        return self.value(a.type.scalar, f"extractelement {a}, {index}")

    def insert(self, a: Value, one: Value, lane: int | Value) -> Value:
        """``a`` with another value in one lane."""
        index = lane if isinstance(lane, Value) else self.const(I64, lane)
        return self.value(a.type, f"insertelement {a}, {one}, {index}")

    def shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """Lanes of two vectors, by number: those of ``b`` follow those of ``a``."""
        t = a.type.wide(len(lanes))
        mask = ", ".join(f"i32 {k}" for k in lanes)
        return self.value(t, f"shufflevector {a}, {b}, <{len(lanes)} x i32> <{mask}>")

    def lane_numbers(self, lanes: int, t: Type = I64) -> Value:
        """0, 1, 2, …"""
        return self.constants(t, range(lanes))

    def fold(self, a: Value, combine: Callable[[Value, Value], Value]) -> Value:
        """All lanes combined to one value, by halves."""
        n = a.type.lanes
        while n > 1:
            half = n // 2
            if n * a.type.bits > SHORT:
                low = self.shuffle(a, self.undefined(a.type), range(half))
                high = self.shuffle(a, self.undefined(a.type), range(half, n))
            else:  # shorter vectors are none of the machine's
                low, high = a, self.shuffle(a, self.undefined(a.type), [half + k % half for k in range(a.type.lanes)])
            a, n = combine(low, high), half
        return self.extract(a, 0)

    def any_lane(self, a: Value) -> Value:
        """Whether a lane of truth values is on."""
        bits = Type(f"i{a.type.lanes}")
        return self.compare("ne", self.bitcast(a, bits), 0)

    # ---- memory

    def offset(self, base: Value, index: Any, t: Type) -> Value:
        """The address of element ``index``, counted in elements of ``t`` (in bytes for i8)."""
        index = index if isinstance(index, Value) else self.const(I64, index)
        if index.name == "0":
            return base
        element = "i8" if t.element == "i1" else LLVM.get(t.element, t.element)
        return self.value(PTR, f"getelementptr inbounds {element}, {base}, {index}")

    def load(self, base: Value, t: Type, index: Any = 0, mask: Value | None = None, note: str = "") -> Value:
        """Element ``index``, or as many elements from there as ``t`` has lanes; masked lanes give zero."""
        address = self.offset(base, index, t)
        if t.element == "i1":
            return self.compare("ne", self.load(address, t.of("i8"), mask=mask, note=note), 0)
        if mask is not None:
            name = f"llvm.masked.load.{_suffix(t)}.p0"
            self.declare(name, f"declare {t} @{name}(ptr, i32, {mask.type}, {t})")
            return self.value(t, f"call {t} @{name}({address}, i32 {t.size}, {mask}, {t} zeroinitializer)")
        return self.value(t, f"load {t}, {address}, align {t.size}{note}")

    def store(self, a: Value, base: Value, index: Any = 0, mask: Value | None = None, note: str = "") -> None:
        """Write a value, or its unmasked lanes, from element ``index`` on."""
        address = self.offset(base, index, a.type)
        if a.type.element == "i1":
            a = self.value(a.type.of("i8"), f"zext {a} to {a.type.of('i8')}")
        if mask is not None and mask.name.count("i1 true") == 1:
            # the one lane of a constant: where the vector was narrowed, LLVM 22 writes it as wide as it was before
            lane = mask.name[: mask.name.index("true")].count(",")
            address, a, mask = self.offset(address, lane, a.type), self.extract(a, lane), None
        if mask is not None:
            name = f"llvm.masked.store.{_suffix(a.type)}.p0"
            self.declare(name, f"declare void @{name}({a.type}, ptr, i32, {mask.type})")
            self.line(f"call void @{name}({a}, {address}, i32 {a.type.size}, {mask})")
            return
        self.line(f"store {a}, {address}, align {a.type.size}{note}")

    def gather(self, base: Value, t: Type, indices: Value, mask: Value | None = None) -> Value:
        """Elements at a vector of indices, counted in elements; masked lanes give zero."""
        if t.element == "i1":
            return self.compare("ne", self.gather(base, t.of("i8"), indices, mask), 0)
        pointers = self._addresses(base, t, indices)
        mask = mask or self.const(BOOL.wide(t.lanes), 1)
        name = f"llvm.masked.gather.{_suffix(t)}.{_suffix(pointers.type)}"
        self.declare(name, f"declare {t} @{name}({pointers.type}, i32, {mask.type}, {t})")
        return self.value(t, f"call {t} @{name}({pointers}, i32 {t.size}, {mask}, {t} zeroinitializer)")

    def scatter(self, a: Value, base: Value, indices: Value, mask: Value | None = None) -> None:
        """Write lanes to a vector of indices; of two that meet the later lane stays."""
        if a.type.element == "i1":
            a = self.value(a.type.of("i8"), f"zext {a} to {a.type.of('i8')}")
        pointers = self._addresses(base, a.type, indices)
        mask = mask or self.const(BOOL.wide(a.type.lanes), 1)
        name = f"llvm.masked.scatter.{_suffix(a.type)}.{_suffix(pointers.type)}"
        self.declare(name, f"declare void @{name}({a.type}, {pointers.type}, i32, {mask.type})")
        self.line(f"call void @{name}({a}, {pointers}, i32 {a.type.size}, {mask})")

    def _addresses(self, base: Value, t: Type, indices: Value) -> Value:
        element = LLVM.get(t.element, t.element)
        return self.value(PTR.wide(t.lanes), f"getelementptr {element}, {base}, {indices}")

    def alloca(self, t: Type, n: int = 1, align: int = 64) -> Value:
        """Memory on the stack, taken once at the function's entry."""
        name = f"%{self.fresh('s')}"
        self._allocas.append(f" {name} = alloca {t}, i64 {n}, align {align}")
        return Value(self, name, PTR)

    def data(self, content: bytes, align: int = 64) -> Value:
        """Constant bytes that live in the module."""
        name = self.fresh("@d")
        text = "".join(map(_BYTES.__getitem__, content))
        self._head[name] = f'{name} = private unnamed_addr constant [{len(content)} x i8] c"{text}", align {align}'
        return Value(self, name, PTR)

    # ---- control

    @contextmanager
    def function(
        self, name: str, types: Sequence[str | Type], result: Type | None = None, *,
        export: bool = True, attributes: str = "", argument_notes: Sequence[str] = (),
    ) -> Generator[list[Value]]:  # fmt: skip
        """A function's body; gives its arguments. It returns by ``ret``; without a result at its end by itself."""
        saved = (self._lines, self._allocas, self.block)
        self.defined.add(name)
        self._lines, self._allocas, self.block = [], [], "entry"
        kinds = [t if isinstance(t, Type) else Type(t) for t in types]
        args = [Value(self, f"%a{k}", t) for k, t in enumerate(kinds)]
        notes = list(argument_notes) + [""] * (len(args) - len(argument_notes))
        head = ", ".join(f"{a.type} {n + ' ' if n else ''}{a.name}" for a, n in zip(args, notes, strict=True))
        yield args
        if result is None and not self._ended():
            self.ret()
        linkage = "" if export else "internal "
        wide = ' "min-legal-vector-width"="512"' if self.target.bytes == 64 else ""
        body = "\n".join(["entry:", *self._allocas, *_flattened(self._lines)])
        self.functions.append(Function(
            f"declare {result or 'void'} @{name}({', '.join(str(a.type) for a in args)})", linkage,
            f"{result or 'void'} @{name}({head}) nounwind{wide} {attributes}{{\n{body}\n}}\n", self.turns,
        ))  # fmt: skip
        self.defined.add(name)
        if export:
            self.exports.append(name)
        self._lines, self._allocas, self.block = saved
        if self.written:
            self.written(self)

    def _ended(self) -> bool:
        return bool(self._lines) and self._lines[-1].lstrip().startswith(("ret ", "br ", "unreachable"))

    def ret(self, a: Value | None = None) -> None:
        """Return."""
        self.line("ret void" if a is None else f"ret {a}")

    def begin(self, label: str) -> None:
        """Start a block."""
        self._lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        self.line(f"br label %{label}")

    def branch(self, condition: Value, yes: str, no: str) -> None:
        self.line(f"br {condition}, label %{yes}, label %{no}")

    def phi(self, t: Type, incoming: Sequence[tuple[Value, str]]) -> Value:
        """The value that belongs to the block one came from."""
        parts = ", ".join(f"[ {v.name}, %{label} ]" for v, label in incoming)
        return self.value(t, f"phi {t} {parts}")

    def loop(
        self, n: int | Value, body: Callable[..., Any], carry: Sequence[Value] = (), *,
        start: int | Value = 0, step: int = 1,
    ) -> list[Value]:  # fmt: skip
        """``for i in range(start, n, step): carry = body(i, *carry)``; gives the last carry.

        Where bounds are numbers, no loop is written for less than two rounds.
        """
        carry = list(carry)
        after: list[Value]
        if isinstance(n, int) and isinstance(start, int):
            rounds = max(0, -(-(n - start) // step))
            if rounds == 0:
                return carry
            if rounds == 1:
                return list(body(self.const(I64, start), *carry) or ())
        start_value = start if isinstance(start, Value) else self.const(I64, start)
        n_value = n if isinstance(n, Value) else self.const(I64, n)
        sure = isinstance(n, int) and isinstance(start, int)
        head, done, before = self.fresh("L"), self.fresh("X"), self.block
        if sure:
            self.jump(head)
        else:
            self.branch(self.compare("lt", start_value, n_value), head, done)
        self.begin(head)
        at = len(self._lines)  # phis go here when what comes back is known
        i = Value(self, f"%{self.fresh('i')}", I64)
        inside = [Value(self, f"%{self.fresh('c')}", c.type) for c in carry]
        after = list(body(i, *inside) or ())
        following = self.add(i, self.const(I64, step))
        again = self.compare("lt", following, n_value)
        end = self.block
        phis = [f" {i.name} = phi i64 [ {start_value.name}, %{before} ], [ {following.name}, %{end} ]"]
        for c, p, a in zip(carry, inside, after, strict=True):
            phis.append(f" {p.name} = phi {p.type} [ {c.name}, %{before} ], [ {a.name}, %{end} ]")
        self._lines[at:at] = phis
        self.branch(again, head, done)
        self.begin(done)
        if sure:
            return after
        return [self.phi(c.type, [(a, end), (c, before)]) for c, a in zip(carry, after, strict=True)]

    def if_(self, condition: Value, yes: Callable[[], Any], no: Callable[[], Any] | None = None) -> list[Value]:
        """Either branch; both give as many values, of the same types."""
        then, other, done = self.fresh("T"), self.fresh("E"), self.fresh("X")
        self.branch(condition, then, other if no else done)
        origin = self.block
        self.begin(then)
        first = list(yes() or ())
        left = self.block
        self.jump(done)
        second: list[Value] = []
        right = origin
        if no:
            self.begin(other)
            second = list(no() or ())
            right = self.block
            self.jump(done)
        self.begin(done)
        return [self.phi(a.type, [(a, left), (b, right)]) for a, b in zip(first, second, strict=True)]

    def while_(self, test: Callable[..., Value], body: Callable[..., Any], carry: Sequence[Value] = ()) -> list[Value]:
        """``while test(*carry): carry = body(*carry)``."""
        head, inner, done, before = self.fresh("W"), self.fresh("B"), self.fresh("X"), self.block
        self.jump(head)
        self.begin(head)
        at = len(self._lines)
        inside = [Value(self, f"%{self.fresh('c')}", c.type) for c in carry]
        self.branch(test(*inside), inner, done)
        self.begin(inner)
        after = list(body(*inside) or ())
        end = self.block
        self.jump(head)
        self._lines[at:at] = [
            f" {p.name} = phi {p.type} [ {c.name}, %{before} ], [ {a.name}, %{end} ]"
            for c, p, a in zip(carry, inside, after, strict=True)
        ]
        self.begin(done)
        return inside

    def tail_mask(self, lanes: int, count: int | Value) -> Value:
        """Lanes below ``count`` are on."""
        t = BOOL.wide(lanes)
        if isinstance(count, Value) and count.name.isdigit():
            count = int(count.name)
        if isinstance(count, int):
            return self.constants(BOOL, [k < count for k in range(lanes)])
        return self.compare("lt", self.lane_numbers(lanes), self.splat(count, lanes)) if lanes else self.undefined(t)

    def size_of(self, body: Callable[[], Any]) -> int:
        """How many lines a body would emit; they are dropped."""
        saved = self._lines, self.block
        self._lines = []
        body()
        count = len(self._lines)
        self._lines, self.block = saved
        return count

    def text(self) -> str:
        """The module."""
        return "\n".join([*self._head.values(), *map(str, self.functions)])

    def part(self, numbers: Sequence[int]) -> str:
        """A module of some of the functions written so far, which may call the others."""
        own = set(numbers)
        others = [f.declaration for k, f in enumerate(self.functions) if k not in own]
        return "\n".join([*self._head.values(), *others, *(f"define {self.functions[k].definition}" for k in numbers)])


@final
@dataclass(frozen=True, slots=True)
class Function:
    """A function's text: how other modules declare it, and its definition without ``define`` and its linkage.

    ``turns``: how often its innermost loops go round in a call, as far as that is known.
    """

    declaration: str
    linkage: str
    definition: str
    turns: float = 0.0

    @property
    def lines(self) -> int:
        """How long it is."""
        return self.definition.count("\n")

    def __str__(self) -> str:
        return f"define {self.linkage}{self.definition}"


def _flattened(lines: list[Any]) -> Generator[str]:
    for line in lines:
        if isinstance(line, str):
            yield line
        else:
            yield from _flattened(line)


def _suffix(t: Type) -> str:
    element = t.element if t.element != "ptr" else "p0"
    return f"v{t.lanes}{element}" if t.lanes else element
