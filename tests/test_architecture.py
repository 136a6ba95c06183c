"""The plan of the house, held: who may import whom, what is exported, how long a file may be."""

import ast
import graphlib
import importlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "wengert"

# ---- the tables -------------------------------------------------------------------------------

GROUND = {"errors", "files", "pytree"}
NAMESPACES = {"numpy", "scipy", "random", "convolution", "control"}
# What the rooms from `nn` up are written against: the public face of differentiation.
PUBLIC = GROUND | NAMESPACES | {"transforms"}
NETWORKS = {"nn", "optim", "data"}

# room -> rooms it may import (and always itself)
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "pytree": {"errors"},
    "files": {"errors"},
    "core": GROUND,
    "ops": GROUND | {"core"},
    "frontend": GROUND | {"core", "ops"},
    "numpy": GROUND | {"core", "ops", "frontend"},
    "scipy": GROUND | {"core", "ops", "frontend", "numpy"},
    "random": GROUND | {"core", "ops", "frontend", "numpy"},
    "convolution": GROUND | {"core", "ops", "frontend", "numpy"},
    "transforms": GROUND | {"core", "ops", "frontend", "numpy", "scipy", "random"},
    "lowered": GROUND | {"core", "transforms", "rewrite"},
    "control": GROUND | {"transforms"},
    # for those who add operations: their records, and the laws that try them
    "extend": GROUND | {"core", "ops", "frontend", "transforms"},
    "rewrite": GROUND | {"core", "ops"},
    "compile": GROUND | {"core", "ops", "transforms", "rewrite"},
    "nn": PUBLIC,
    "optim": PUBLIC,
    "data": PUBLIC,
    "training": PUBLIC | NETWORKS,
    "explain": PUBLIC | NETWORKS | {"lowered", "core", "ops", "rewrite", "compile", "training"},
    "estimators": PUBLIC | NETWORKS | {"training", "explain"},
    "sklearn": {"estimators"},
    "cli": PUBLIC | NETWORKS | {"frontend", "training", "explain", "estimators"},
    # The public façade. It loads the rooms by name on first use; no room imports it.
    "__init__": {"errors", "pytree", "transforms"},
    "__main__": {"cli"},
}

# installed package -> rooms that may import it. NumPy and the standard library are everywhere.
THIRD_PARTY: dict[str, set[str]] = {
    "scipy": {"ops", "frontend", "scipy", "compile"},
    "threadpoolctl": {"compile", "training"},
    "llvmlite": {"compile"},
    "rich": {"training", "cli"},
    "narwhals": {"data"},
    "polars": {"data"},
    "safetensors": {"training"},
    "sklearn": {"data", "estimators"},
    "matplotlib": {"training", "explain"},
    "sympy": {"explain"},
    "PIL": {"explain"},
}
# Not there after a plain installation, or slow to load: imported where they are used, in a function.
LAZY_PACKAGES = set(THIRD_PARTY) - {"threadpoolctl", "llvmlite"}
# Modules that nobody loads before the package they import, by the beginning of their names.
LOADED_WITH = {"scipy": ("wengert.ops.special", "wengert.frontend.special", "wengert.scipy.special")}
# (module, what it imports inside a function), and why
LAZY_FACADES: set[tuple[str, str]] = {
    # it loads SciPy, and is loaded with the first of SciPy's ufuncs that a traced value meets
    ("wengert.frontend.tables", "wengert.frontend.special"),
    # its weight is paid only by those who draw
    ("wengert.training.history", "wengert.explain.report"),
    # LLVM's weight is paid by those who compile, and the interpreter needs none of it
    ("wengert.transforms.loading", "wengert.compile"),
    # most of the room, which what comes from the disk does not need
    ("wengert.compile.compiler", "wengert.compile.making"),
    # every stage before machine code can be looked at without llvmlite
    ("wengert.transforms.jit", "wengert.lowered"),
    ("wengert.lowered", "wengert.compile.expanding"),
    ("wengert.lowered", "wengert.compile.exporting"),
    ("wengert.lowered", "wengert.compile.reporting"),
    # Ctrl-C while it loads has to be caught
    ("wengert.cli", "wengert.cli._main"),
    # it loads SciPy's special functions, which no other command needs
    ("wengert.cli._coverage", "wengert.frontend.coverage"),
}
# Functions that import the module their first argument names; a literal there counts as an import.
IMPORTERS = {"import_module", "__import__", "import_extra"}
# Modules where that name may be computed: the façades load rooms and names, the command its parts, `import_extra` what it is asked for.
DYNAMIC_IMPORTS = {"wengert", "wengert.cli._main", "wengert.explain", "wengert.scipy", "wengert.data._read"}

# file -> why it may be longer than MAX_LINES
MAX_LINES = 400
LONG_FILES: dict[str, str] = {
    "compile/emit.py": "one class, each instruction once",
}

HEAVY = [
    "llvmlite",
    "matplotlib",
    "polars",
    "rich",
    "scipy",
    "sklearn",
    "wengert.cli",
    "wengert.data",
    "wengert.explain",
    "wengert.nn",
    "wengert.optim",
    "wengert.training",
]


# ---- reading the source -----------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """One imported module, where it stands, whether in a function, and whether for types alone."""

    target: str
    line: int
    hidden: bool = False
    typing: bool = False


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        """The room the file stands in."""
        parts = self.path.relative_to(SOURCE).with_suffix("").parts
        return parts[0]

    @property
    def label(self) -> str:
        """The path as shown in messages."""
        return self.path.relative_to(SOURCE).as_posix()


@cache
def modules() -> dict[str, Module]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path)))
    return found


def targets(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The modules an import statement names; `from package import module` names the module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    assert node.level == 0, "relative import"
    base = node.module or ""
    for alias in node.names:
        full = f"{base}.{alias.name}"
        yield full if full in modules() else base


def called_import(node: ast.AST) -> ast.expr | None:
    """The first argument of a call that imports, if this is one."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in IMPORTERS and node.args:
        return node.args[0]
    return None


def imports(module: Module) -> list[Import]:
    """Every import of a module: at its top, inside functions, for types alone."""
    found: list[Import] = []

    def walk(node: ast.AST, hidden: bool, typing: bool) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.extend(Import(target, node.lineno, hidden, typing) for target in targets(node))
        elif isinstance(name := called_import(node), ast.Constant):
            found.append(Import(str(name.value), name.lineno, hidden, typing))
        hidden = hidden or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = typing or (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
        for child in ast.iter_child_nodes(node):
            walk(child, hidden, typing)

    walk(module.tree, hidden=False, typing=False)
    return found


def room_of(target: str) -> str:
    """The room of a module of ours: `wengert.nn.layers` is in `nn`, `wengert` itself is the façade."""
    parts = target.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def is_ours(target: str) -> bool:
    """Whether a module belongs to this package."""
    return target.split(".")[0] == "wengert"


def complaint(module: Module, line: int, text: str) -> str:
    """One line of a failure, with the place."""
    return f"{module.label}:{line}: {text}"


def show(found: list[str], rule: str) -> str:
    """The message of a failed test."""
    return "\n".join([rule, *found])


# ---- the rules --------------------------------------------------------------------------------


def test_imports_are_found_wherever_they_stand():
    source = """
import numpy as np
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from wengert.core import trace
def f():
    import rich.console
    polars = import_extra("polars", "tables", "reading")
    return importlib.import_module(name)
"""
    module = Module("wengert.nn.sample", SOURCE / "nn" / "sample.py", ast.parse(source))
    assert imports(module) == [
        Import("numpy", 2),
        Import("typing", 3),
        Import("wengert.core.trace", 5, typing=True),
        Import("rich.console", 7, hidden=True),
        Import("polars", 8, hidden=True),
    ]
    assert room_of("wengert.core.trace") == "core" not in MAY_IMPORT[module.room]
    assert room_of("wengert") == "__init__"


def test_every_room_is_in_the_table():
    unknown = sorted({m.room for m in modules().values()} - set(MAY_IMPORT))
    assert not unknown, f"rooms without a row in MAY_IMPORT: {unknown}"


def test_table_has_no_cycle():
    list(graphlib.TopologicalSorter(MAY_IMPORT).static_order())


def test_rooms_import_only_rooms_below():
    found = [
        complaint(module, found.line, f"{module.room} imports {found.target}")
        for module in modules().values()
        for found in imports(module)
        if is_ours(found.target)
        and (module.name, found.target) not in LAZY_FACADES
        and room_of(found.target) not in MAY_IMPORT.get(module.room, set()) | {module.room}
    ]
    assert not found, show(found, "a room imports one that it may not (MAY_IMPORT)")


def test_other_packages_stay_in_their_rooms():
    free = set(sys.stdlib_module_names) | {"numpy", "wengert"}
    found = [
        complaint(module, found.line, f"{module.room} imports {found.target}")
        for module in modules().values()
        for found in imports(module)
        if (package := found.target.split(".")[0]) not in free and module.room not in THIRD_PARTY.get(package, set())
    ]
    assert not found, show(found, "a package is imported outside its rooms (THIRD_PARTY)")


def test_imports_stand_at_the_top():
    found = [
        complaint(module, found.line, f"{found.target} is imported inside a function")
        for module in modules().values()
        for found in imports(module)
        if found.hidden
        and found.target.split(".")[0] not in LAZY_PACKAGES
        and (module.name, found.target) not in LAZY_FACADES
    ]
    assert not found, show(found, "only optional packages and named façades are imported in functions")


def test_optional_packages_are_imported_where_they_are_used():
    found = [
        complaint(module, found.line, f"{found.target} is imported with the module")
        for module in modules().values()
        for found in imports(module)
        if not (found.hidden or found.typing) and (package := found.target.split(".")[0]) in LAZY_PACKAGES
        if not module.name.startswith(LOADED_WITH.get(package, ("-",)))
    ]
    assert not found, show(found, "a plain installation must be able to import every module")


def test_nothing_is_imported_by_a_computed_name():
    found = [
        complaint(module, node.lineno, "imports by a computed name")
        for module in modules().values()
        if module.name not in DYNAMIC_IMPORTS
        for node in ast.walk(module.tree)
        if (name := called_import(node)) is not None and not isinstance(name, ast.Constant)
    ]
    assert not found, show(found, "the import table cannot see these (DYNAMIC_IMPORTS)")


def test_modules_do_not_import_in_circles():
    graph = {
        module.name: {
            found.target
            for found in imports(module)
            if not (found.hidden or found.typing) and found.target in modules() and found.target != module.name
        }
        for module in modules().values()
    }
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail("modules import one another in a circle: " + " → ".join(error.args[1]))


def is_facade(module: Module) -> bool:
    """Whether a module is a package's `__init__` that defines nothing itself."""
    defines = any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in module.tree.body)
    return module.path.name == "__init__.py" and not defines


def public_imports(module: Module) -> set[str]:
    """The names a package's `__init__` takes from its own modules and does not hide by an underscore."""
    names = {
        alias.asname or alias.name
        for node in module.tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(module.name + ".")
        for alias in node.names
    }
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(modules()))
def test_exported_names_exist(name):
    loaded = importlib.import_module(name)
    exported = getattr(loaded, "__all__", [])
    assert len(exported) == len(set(exported)), "a name is exported twice"
    missing = [export for export in exported if not hasattr(loaded, export)]
    assert not missing, f"{name}.__all__ names what is not there: {missing}"


def test_packages_export_all_they_gather():
    found = [
        complaint(module, 1, f"{sorted(gathered - exported)} not in __all__")
        for module in modules().values()
        if is_facade(module)
        and (exported := set(getattr(importlib.import_module(module.name), "__all__", ())))
        and not (gathered := public_imports(module)) <= exported
    ]
    assert not found, show(found, "a package imports a public name and does not export it")


@pytest.mark.parametrize("name", sorted(modules()))
def test_exported_names_are_described(name):
    loaded = importlib.import_module(name)
    bare = [
        export
        for export in getattr(loaded, "__all__", [])
        if getattr(getattr(loaded, export), "__module__", None) == name
        and not (getattr(loaded, export).__doc__ or "").strip()
    ]
    assert not bare, f"exported by {name} without a docstring: {bare}"


def test_files_are_short():
    found = [
        complaint(module, length, f"{length} lines")
        for module in modules().values()
        if (length := len(module.path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
        and module.label not in LONG_FILES
    ]
    assert not found, show(found, f"over {MAX_LINES} lines: split by idea, or give the reason in LONG_FILES")


def test_nothing_is_excused_in_vain():
    lengths = {m.label: len(m.path.read_text(encoding="utf-8").splitlines()) for m in modules().values()}
    assert [path for path in LONG_FILES if lengths.get(path, 0) <= MAX_LINES] == []


def test_functions_are_short():
    lengths = sorted(
        code_lines(node)
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
    )
    assert lengths[len(lengths) * 9 // 10] <= 30, "nine functions in ten are at most 30 lines long"


def code_lines(node: ast.FunctionDef) -> int:
    """The lines of a function after its docstring."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_importing_is_light():
    program = f"import sys, wengert; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", "`import wengert` loads what only some of its users need"


@pytest.mark.parametrize(
    ("program", "unneeded"),
    [
        ("import wengert.explain.report", "wengert.explain.doctor wengert.explain.drawing wengert.explain.surface"),
        ("import wengert; wengert.explain(abs)(1.0)", "wengert.explain.doctor wengert.explain.comparing"),
        ("import wengert.cli._main", "wengert.explain wengert.cli._train wengert.cli._diagnose"),
    ],
)
def test_what_is_not_asked_for_is_not_loaded(program, unneeded):
    asked = f"import sys; {program}; print([name for name in {unneeded.split()!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
