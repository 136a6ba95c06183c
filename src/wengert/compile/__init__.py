"""Machine code: Programs lowered to LLVM IR, compiled and linked in this process.

Loading this room puts it in the place of the interpreter: ``jit`` compiles what it stages, and Programs that have been
interpreted for a while are compiled too.
"""

from __future__ import annotations

from wengert.compile.compiler import Compiled, compile_program
from wengert.compile.executing import compiled, execute
from wengert.transforms.call import EXECUTE
from wengert.transforms.jit import COMPILE

__all__ = ["Compiled", "compile_program", "compiled", "execute"]

COMPILE.append(compiled)
EXECUTE.append(execute)
