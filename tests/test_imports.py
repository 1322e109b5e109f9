"""The packages import in one direction only, and each outside library stays where it belongs.

skypicket  ->  replay  ->  adapters  ->  fusion  ->  numpy, scipy, numba, filterpy, shapely
"""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("fusion", "adapters", "replay", "skypicket")  # each may import itself and those before it
CORE_LIBRARIES = {"annotated_types", "filterpy", "numba", "numpy", "scipy", "shapely"}
# Where a library may be imported at all, beyond what the core may use: modules, or packages with all in them.
CONFINED = {
    "zmq": ("adapters.line.sockets",),
    "msgpack": ("adapters.wire",),
    "sqlite3": ("adapters.journal",),
    "mcap": ("replay.recordings",),
    "lz4": ("replay.recordings",),
    "zstandard": tuple(
        f"replay.recordings.{name}" for name in ("mcap_records", "mcap_writer", "salvage_chunks", "seeking")
    ),
    "pydantic": ("adapters", "replay", "skypicket"),
    "pydantic_core": ("adapters", "replay", "skypicket"),
    "ulid": ("adapters", "replay", "skypicket"),
    "platformdirs": ("adapters", "replay", "skypicket"),
    "matplotlib": ("replay", "skypicket"),
    "rich": ("replay", "skypicket"),
    "polars": ("replay.export.table", "replay.campaigns.results"),
    "geojson": ("replay.export.geojson_file",),
    "fastkml": ("replay.export.kml_file", "replay.kml", "replay.tracing.kml"),
    "pygeoif": ("replay.tracing.kml",),
    "optuna": ("replay.tuning.search",),
    "tomlkit": ("replay.tuning.written",),
    "ray": ("replay.campaigns.cluster",),
    "sidereon": ("adapters.heights", "adapters.site.airspace.arcs"),
}
# The core has no I/O, clock, thread, log or chance.
NOT_IN_CORE = {
    *(
        "asyncio",
        "concurrent",
        "datetime",
        "fcntl",
        "ftplib",
        "getpass",
        "glob",
        "http",
        "io",
        "logging",
        "mmap",
    ),
    *(
        "multiprocessing",
        "os",
        "pathlib",
        "queue",
        "random",
        "sched",
        "secrets",
        "select",
        "selectors",
        "shelve",
    ),
    *("shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile"),
    *("threading", "time", "urllib", "uuid", "zoneinfo", "builtins", "importlib", "ctypes"),
}
CORE_EXCEPTIONS = {
    "fusion.kernels": {
        "os",
        "pathlib",
        "tempfile",
        "importlib",
    },  # places the cache of compiled code, not data
}
NOT_CALLED_IN_CORE = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
# Their last bits change with the processor. filterpy, which the readable engine is for, uses them itself.
PROCESSOR_DEPENDENT = {"linalg", "einsum", "matmul", "dot", "vdot", "inner", "tensordot"}
SEEDED = {"PCG64", "Philox", "Generator", "SeedSequence", "default_rng"}  # of numpy.random, given a seed
READABLE_ENGINE = ("fusion.tracking.reference", "fusion.tracking.iterated")


@dataclass(frozen=True)
class Import:
    """One imported module, absolute; `typing_only`: seen by type checkers alone."""

    module: str
    line: int
    typing_only: bool


def sources() -> dict[str, str]:
    """Every module of the four packages, by its dotted name."""
    found = {}
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def imports(source: str) -> Iterator[Import]:
    """Every import of a module, wherever in it; `from a import b` counts as a and as a.b."""
    yield from _imports(ast.parse(source), False)


def _imports(node: ast.AST, typing_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, node.lineno, typing_only) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        origin = "." * node.level + (node.module or "")
        yield Import(origin, node.lineno, typing_only)
        yield from (Import(f"{origin}.{alias.name}", node.lineno, typing_only) for alias in node.names)
    elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        for child in node.body:
            yield from _imports(child, True)
        for child in node.orelse:
            yield from _imports(child, typing_only)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, typing_only)


def within(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(place + ".") for place in places)


def violations(module: str, source: str) -> list[str]:
    """What a module imports, or does, that its place does not allow."""
    layer = module.partition(".")[0]
    found = []
    for one in imports(source):
        top = one.module.partition(".")[0]
        if top in LAYERS:
            allowed = LAYERS.index(top) <= LAYERS.index(layer)
        elif top in CONFINED:
            allowed = within(module, CONFINED[top])
        elif layer == "fusion" and top in NOT_IN_CORE:
            allowed = top in CORE_EXCEPTIONS.get(module, ())
        else:
            allowed = top in CORE_LIBRARIES or top in sys.stdlib_module_names
        if not allowed:
            found.append(f"{module}:{one.line} imports {one.module}")
    return found + (core_violations(module, source) if layer == "fusion" else [])


def core_violations(module: str, source: str) -> list[str]:
    """Calls that do I/O, and arithmetic that differs between processors."""
    found = []
    for node in ast.walk(ast.parse(source)):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id
        if called in NOT_CALLED_IN_CORE:
            found.append(f"{module}:{node.lineno} calls {called}")  # type: ignore[attr-defined]
        if is_chance(node):
            found.append(f"{module}:{node.lineno} draws without a seed")  # type: ignore[attr-defined]
        if module in READABLE_ENGINE:
            continue
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
            found.append(f"{module}:{node.lineno} uses @")
        if isinstance(node, ast.Attribute) and node.attr in PROCESSOR_DEPENDENT:
            found.append(f"{module}:{node.lineno} uses .{node.attr}")
    return found


def is_chance(node: ast.AST) -> bool:
    """Whether a piece of code is a draw of numpy's that no seed decides."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SEEDED:
        return not node.args and not node.keywords
    name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
    return name.startswith(("np.random.", "numpy.random.")) and name.split(".")[2] not in SEEDED


def graph(modules: dict[str, str]) -> dict[str, set[str]]:
    """Which of our modules each one imports at run time. A package imported by its parts is no cycle."""
    edges: dict[str, set[str]] = {}
    for module, source in modules.items():
        found = {one.module for one in imports(source) if not one.typing_only and one.module in modules}
        edges[module] = {other for other in found if other != module and not module.startswith(other + ".")}
    return edges


@pytest.mark.parametrize("module", sources())
def test_a_module_imports_only_what_its_place_allows(module):
    assert violations(module, sources()[module]) == []


def test_no_modules_import_each_other_in_a_circle():
    assert list(graphlib.TopologicalSorter(graph(sources())).static_order())


def libraries(source: str) -> set[str]:
    return {one.module.partition(".")[0] for one in imports(source)}


def test_every_exception_is_still_needed():
    modules = sources()
    for name, needed in CORE_EXCEPTIONS.items():
        assert needed <= libraries(modules[name])
    places = [(library, place) for library, places in CONFINED.items() for place in places if "." in place]
    users = {place: [name for name in modules if within(name, (place,))] for _, place in places}
    idle = [pair for pair in places if not any(pair[0] in libraries(modules[name]) for name in users[pair[1]])]
    assert idle == []


DISTRIBUTIONS = {
    "zmq": "pyzmq",
    "ulid": "python-ulid",
    "annotated_types": "annotated-types",
    "pydantic_core": "pydantic",
}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=!~ ;\[]", line)[0] for line in declared}
    used = {library for source in sources().values() for library in libraries(source)}
    outside = {name for name in used if name not in sys.stdlib_module_names and name not in LAYERS}
    assert {DISTRIBUTIONS.get(name, name) for name in outside} == names


PLANTED = [
    ("fusion.tracking.tracks", "import adapters.wire"),
    ("fusion.tracking.tracks", "from replay.playing import player"),
    ("fusion.tracking.tracks", "import time"),
    ("fusion.tracking.tracks", "def f():\n    from pathlib import Path"),
    ("fusion.tracking.tracks", "if TYPE_CHECKING:\n    import socket"),
    ("fusion.tracking.tracks", "from os.path import join"),
    ("fusion.tracking.tracks", "import requests"),
    ("fusion.tracking.tracks", "import pydantic"),
    ("fusion.tracking.tracks", "print(1)"),
    ("fusion.tracking.tracks", "with open('x') as f: pass"),
    ("fusion.tracking.tracks", "y = a @ b"),
    ("fusion.tracking.tracks", "a @= b"),
    ("fusion.tracking.tracks", "import numpy as np\ny = np.linalg.inv(a)"),
    ("fusion.tracking.tracks", "y = np.random.normal()"),
    ("fusion.tracking.tracks", "y = np.random.default_rng()"),
    ("fusion.tracking.tracks", "from numpy.random import default_rng\nimport random"),
    ("fusion.kernels", "import time"),
    ("fusion.kernels.update", "import os"),
    ("adapters.intake.ingest", "import msgpack"),
    ("adapters.intake.ingest", "import zmq"),
    ("adapters.intake.ingest", "import replay"),
    ("adapters.wirework", "import msgpack"),
    ("adapters.wire.codec", "import zmq"),
    ("adapters.site.zones", "from matplotlib import pyplot"),
    ("replay.playing.player", "import zmq.green"),
    ("replay.scoring.score", "from skypicket.cli import main"),
    ("replay.scoring.score", "import mcap"),
    ("skypicket.serving.service", "import flask"),
    ("skypicket.serving.service", "from . import cli"),
]


@pytest.mark.parametrize(("module", "source"), PLANTED)
def test_a_planted_violation_is_found(module, source):
    assert violations(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("fusion.tracking.tracks", "import numpy as np\nfrom fusion.types import Frame\nimport math"),
        ("fusion.kernels", "import os"),
        ("fusion.tracking.reference", "y = a @ b"),
        ("fusion.tracking.tracks", "y = np.random.PCG64(5)"),
        ("adapters.wire.codec", "import msgpack"),
        ("adapters.line.sockets", "import zmq\nimport time\nfrom fusion import types"),
        ("skypicket.cli", "from replay.scoring.score import score\nfrom rich.table import Table"),
    ],
)
def test_what_is_allowed_is_not_found(module, source):
    assert violations(module, source) == []


def test_a_planted_circle_is_found():
    modules = {
        "fusion.a": "import fusion.b",
        "fusion.b": "def f():\n    from fusion import a",
        "fusion.c": "",
    }
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(graph(modules)).static_order())
    modules["fusion.b"] = "if TYPE_CHECKING:\n    from fusion import a"
    assert list(graphlib.TopologicalSorter(graph(modules)).static_order())


HEAVY = ("filterpy", "matplotlib", "mcap", "numba", "pydantic", "rich", "scipy", "shapely", "sidereon", "zmq")


def test_the_command_line_starts_without_the_heavy_libraries():
    code = f"import sys, skypicket.cli; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
