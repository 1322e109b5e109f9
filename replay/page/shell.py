"""The frame of a page: style, scripts and data in one file that loads nothing, and the parts that pages share."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fusion.errors import RecordingError
from replay.text import Rows, numeric

ASSETS = Path(__file__).parent / "assets"
STYLES = ("vendor/uPlot.min.css", "vendor/leaflet.css", "page.css")
LICENCES = {"vendor/uPlot.iife.min.js": "vendor/uPlot.LICENSE.txt", "vendor/leaflet.js": "vendor/leaflet.LICENSE.txt"}
CURVES = ("vendor/uPlot.iife.min.js", "curves.js")
MAP = ("vendor/leaflet.js", "map.js")
# What JSON may hold and a <script> may not, or JavaScript once could not.
UNSAFE = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def document(
    title: str, parts: Iterable[str], data: Mapping[str, Any] | None = None, scripts: Iterable[str] = ()
) -> str:
    """A whole page. parts: of its body, as HTML. data: what the scripts read. scripts: names under `assets`.

    The page's policy lets no script run but these, by their hashes, and nothing be loaded.
    """
    names = list(scripts)
    code = [_asset(name) for name in names]
    licences = [f"<!-- {name}\n{_asset(LICENCES[name])} -->" for name in names if name in LICENCES]
    hashes = " ".join(f"'sha256-{_sha256(text)}'" for text in code) or "'none'"
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {hashes}"
    lines = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title>",
        *(f"<style>{_asset(name)}</style>" for name in STYLES),
        "</head>\n<body>",
        *parts,
    ]
    if data is not None:
        lines.append(f'<script type="application/json" id="data">{inline_json(data)}</script>')
    lines += [*licences, *(f"<script>{text}</script>" for text in code)]
    return "\n".join([*lines, "</body>\n</html>\n"])


def write(out: str | Path, content: str) -> None:
    """Write a page. Raises RecordingError where it cannot be written."""
    try:
        Path(out).write_text(content, encoding="utf-8")
    except OSError as error:
        raise RecordingError(str(out), f"cannot be written: {error.strerror or error}") from error


def inline_json(data: Mapping[str, Any]) -> str:
    """JSON that may stand inside a <script>, whatever its strings hold. Raises ValueError for NaN."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).translate(UNSAFE)


def table(rows: Rows) -> str:
    """The first row is the head, left out where it is empty."""
    if not rows:
        return '<p class="soft">None.</p>'
    right = [place > 0 and numeric(rows, place) for place in range(len(rows[0]))]
    lines = [_row(row, right, "td") for row in rows[1:]]
    if any(rows[0]):
        lines.insert(0, _row(rows[0], right, "th"))
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def cards(shown: Iterable[tuple[str, str]]) -> str:
    """Cards of (value, name)."""
    each = (
        f'<div class="card"><b>{html.escape(value)}</b><span>{html.escape(name)}</span></div>' for value, name in shown
    )
    return f'<div class="cards">{"".join(each)}</div>'


def remarks(texts: Iterable[str]) -> list[str]:
    """A list of remarks under its heading; nothing where there are none."""
    items = [f"<li>{html.escape(text)}</li>" for text in texts]
    return ["<h2>Remarks</h2>", "<ul>", *items, "</ul>"] if items else []


def picture(light: bytes, dark: bytes, words: str) -> str:
    """The same PNG for light and for dark pages; its size is in its own header."""
    width, height = (int.from_bytes(light[place : place + 4], "big") for place in (16, 20))
    return (
        f'<picture><source media="screen and (prefers-color-scheme: dark)" srcset="{_data_uri(dark)}">'
        f'<img src="{_data_uri(light)}" width="{width}" height="{height}" alt="{html.escape(words)}"></picture>'
    )


def _row(row: tuple[str, ...], right: list[bool], tag: str) -> str:
    cells = (
        f"<{tag}{' class=n' if number_cell else ''}>{html.escape(cell)}</{tag}>"
        for cell, number_cell in zip(row, right, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _asset(name: str) -> str:
    """The text of a file, less what would make a browser look for others: images of controls, source maps."""
    text = (ASSETS / name).read_text(encoding="utf-8")
    found = r"url\([^)]*\)" if name.endswith(".css") else r"^//# sourceMappingURL=.*$"
    return re.sub(found, "none" if name.endswith(".css") else "", text, flags=re.MULTILINE).strip()


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _data_uri(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")
