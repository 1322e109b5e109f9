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
