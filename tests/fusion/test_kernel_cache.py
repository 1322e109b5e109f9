"""Compiled code is never older than what it was compiled from."""

import ast
from pathlib import Path

from fusion import kernels

FOLDER = Path(kernels.__file__).parent


def compiled_in() -> set[str]:
    """The modules of the core, outside the kernels, from which a kernel takes functions or constants."""
    found = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fusion."):
                found.add(node.module)
    return {name.removeprefix("fusion.") for name in found if not name.startswith("fusion.kernels")}


def test_the_cache_is_named_by_every_module_that_is_compiled_into_the_kernels():
    assert compiled_in() == set(kernels.COMPILED_IN)
    hashed = {path.relative_to(FOLDER.parent).with_suffix("").as_posix() for path in kernels._SOURCES}
    assert {name.replace(".", "/") for name in kernels.COMPILED_IN} <= hashed
    assert {f"kernels/{path.stem}" for path in FOLDER.glob("*.py")} <= hashed
    assert all(path.is_file() for path in kernels._SOURCES)


def has_entries(name: str) -> bool:
    return any(f"@{made}(" in (FOLDER / f"{name}.py").read_text("utf-8") for made in ("entry", "bare"))


def test_every_kernel_is_compiled_and_first_what_others_build_on():
    """A base that is missing from BASES would be compiled by each process that needs it."""
    names = [name.rpartition(".")[2] for name in kernels.modules()]
    assert sorted(names) == sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    bases = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fusion.kernels."):
                bases.add((node.module or "").removeprefix("fusion.kernels."))
    assert set(names[: len(kernels.BASES)]) == {name for name in bases if has_entries(name)}
