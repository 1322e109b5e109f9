"""What holds for every file of ours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("fusion", "adapters", "replay", "skypicket")
MOST_LINES = 300
# A module that is better long than split, and why.
LONGER: dict[str, str] = {}
PLACES = (*PACKAGES, "tests", "benchmarks", "docs", ".ci")
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".json",
    ".geojson",
    ".html",
    ".css",
    ".js",
    ".cfg",
    ".yml",
    ".yaml",
    "",
}
# Where packages come from is the business of whoever installs them. Cut in two, so as not to find this file.
REGISTRIES = [
    first + second
    for first, second in [
        ("pypi", ".org"),
        ("pythonhosted", ".org"),
        ("registry.npm", "js.org"),
        ("unpkg", ".com"),
        ("jsdelivr", ".net"),
        ("cdnjs.cloud", "flare.com"),
        ("index", "-url"),
        ("find", "-links"),
        ("/sim", "ple/"),
    ]
]
ALLOWED_REGISTRY_WORDS = {"--no-emit-index" + "-url"}  # the option that keeps the host out of constraints.txt


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def files() -> list[Path]:
    """Every text file of the repository: those of its folders, and those at its top."""
    inner = [path for place in PLACES for path in (ROOT / place).rglob("*")]
    found = [path for path in [*ROOT.iterdir(), *inner] if path.is_file() and path.suffix in TEXT]
    return sorted(path for path in found if "__pycache__" not in path.parts)


def registries_named(text: str) -> list[str]:
    for word in ALLOWED_REGISTRY_WORDS:
        text = text.replace(word, "")
    return [name for name in REGISTRIES if name in text]


# What each command's module has alike is said once, in `skypicket/commands/__init__.py`.
ALIKE = {"add_parser", "run"}


def undocumented(source: str, known: set[str] | None = None) -> list[str]:
    """The module, and public functions and classes at its top, that have no docstring and are not `known`."""
    tree = ast.parse(source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    public = [node for node in functions if not node.name.startswith("_") and node.name not in (known or ())]
    bare = [node.name for node in public if not ast.get_docstring(node)]
    return bare + (["the module"] if tree.body and not ast.get_docstring(tree) else [])


def test_no_file_names_a_package_registry():
    found = {str(path.relative_to(ROOT)): registries_named(path.read_text(encoding="utf-8")) for path in files()}
    assert {name: words for name, words in found.items() if words} == {}


def test_a_planted_registry_is_found():
    assert registries_named("pip install --index" + "-url https://x/simple" + "/ y")
    assert not registries_named("uv pip compile --no-emit-index" + "-url")


def test_no_module_is_longer_than_a_person_reads_at_once():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES and name not in LONGER} == {}
    assert [name for name in LONGER if lengths.get(name, 0) <= MOST_LINES] == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_public_functions_say_what_they_are_for(path):
    known = ALIKE if path.parent.name == "commands" else None
    assert undocumented(path.read_text(encoding="utf-8"), known) == []


def test_a_planted_silence_is_found():
    assert undocumented("def f(): pass") == ["f", "the module"]
    assert undocumented('"""A."""\n\ndef f():\n    """B."""\n\ndef _g(): pass') == []
