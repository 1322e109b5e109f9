"""Data from a file into the dataclasses of the core, or every mistake in it, in plain words.

What is allowed stands once, in the type of each field (`Annotated` limits); pydantic checks against it, and
`describe` puts the same type into words.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import math
import re
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

from annotated_types import DocInfo, Ge, Gt, Le, Lt, MinLen

from fusion.config import is_id
from fusion.errors import CombinedConfigError, ConfigError

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

T = TypeVar("T")
Steps = tuple[str | int, ...]
CHECKED = {"extra": "forbid", "strict": True, "allow_inf_nan": False}  # pydantic's words; inherited downwards
DEEPEST = 40  # levels of nesting; no file of ours has more than 10, and parsers recurse
NUMBER_TEXT = "a number"


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """Something found that is not a value: shown as it reads, without quotes."""

    text: str

    def __repr__(self) -> str:
        return self.text


MISSING = Said("missing")


def read_text(path: Path, limit: int, latin: bool = False) -> str:
    """A whole UTF-8 file of at most `limit` bytes. Raises ConfigError.

    latin: what is not UTF-8 is read as Latin-1, as older formats have it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise ConfigError("file", MISSING, "the path of a file that exists", str(path)) from None
    except OSError as error:
        found = Said(f"not readable ({(error.strerror or str(error)).lower()})")
        raise ConfigError("file", found, "a file that can be read", str(path)) from None
    except ValueError:  # a null byte in the path
        raise ConfigError("file", str(path), "the path of a file") from None
    if len(content) > limit:
        raise ConfigError("file", Said(f"more than {limit} bytes long"), f"up to {limit} bytes", str(path))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if latin:
            return content.decode("latin-1")
        line = content.count(b"\n", 0, error.start) + 1
        found = Said(f"not UTF-8 (byte {content[error.start]:#04x} at {error.start})")
        raise ConfigError("file", found, "text in UTF-8", str(path), line) from None


def check(
    kind: type[T],
    data: object,
    file: str,
    line_of: Callable[[Steps], int | None] = lambda _steps: None,
    place: Callable[[Steps], str] | None = None,
) -> T:
    """`data` (maps, lists and scalars as a parser gives them) as a `kind`, a dataclass marked with `CHECKED`.

    line_of: where in the file a path of keys stands. place: how to write that path.
    Raises ConfigError, or CombinedConfigError where there are several, in the order of the fields.
    """
    from pydantic import ValidationError

    place = place or dotted(data)
    if too_deep(data):
        raise ConfigError("file", Said("nested too deeply"), f"at most {DEEPEST} levels", file)
    try:
        # JSON, since pydantic's strict mode takes maps and lists for dataclasses and tuples from JSON alone.
        text = json.dumps(data, default=_refused, ensure_ascii=False).encode()
        return cast(T, _adapter(cast(Any, kind)).validate_json(text))
    except UnicodeEncodeError as error:
        found = Said(f"not Unicode: {error.object[error.start : error.start + 1]!r}, half a character")
        raise ConfigError(place(()), found, "text in Unicode", file) from None
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    mistakes = [_mistake(kind, data, detail, file, line_of, place) for detail in details]
    raise combined(sorted(mistakes, key=lambda mistake: mistake.line or 0))


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """pydantic's validator of a type: some milliseconds to build, so once."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def combined(mistakes: Sequence[ConfigError]) -> ConfigError:
    """One error for one or more mistakes."""
    return mistakes[0] if len(mistakes) == 1 else CombinedConfigError(mistakes)


def dotted(data: object) -> Callable[[Steps], str]:
    """Writes a path of keys for people, list elements with their id: `sensor[1] "north".sigma.range_m`."""

    def write(steps: Steps) -> str:
        text, inner = "", data
        for step in steps:
            inner = dig(inner, (step,))
            if isinstance(step, int):
                name = inner.get("id") if isinstance(inner, dict) else None
                text += f"[{step}]" + (f" {quoted(name)}" if isinstance(name, str) else "")
            else:
                name = step if is_id(step) else quoted(step)
                text += f".{name}" if text else name
        return text or "file"

    return write


def quoted(name: str) -> str:
    """A name from outside in double quotes, cut to the length of an id and fit for any terminal."""
    return json.dumps(name[:64])


def dig(data: object, steps: Steps) -> object:
    """What stands at a path of keys; MISSING where there is nothing."""
    for step in steps:
        inside = isinstance(data, dict) and step in data
        if not inside and not (isinstance(data, list) and isinstance(step, int) and step < len(data)):
            return MISSING
        data = data[step]  # type: ignore[index]
    return data


def too_deep(data: object) -> bool:
    """Whether maps and lists stand in one another deeper than `DEEPEST`; without recursion."""
    level = [data]
    for _ in range(DEEPEST):
        inner = [v for v in level if isinstance(v, dict | list)]
        level = [child for v in inner for child in (v.values() if isinstance(v, dict) else v)]
        if not level:
            return False
    return True


def unknown_key(name: str, known: Sequence[str]) -> tuple[Said, str]:
    """What was found and what is allowed, for a key that nobody knows."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return Said("not a known key"), ", ".join(known) + (f" (did you mean {near[0]}?)" if near else "")


def describe(hint: Any) -> str:
    """A type of a configuration field in plain words: what may stand there."""
    base, limits = _plain(hint)
    doc = [limit.documentation for limit in limits if isinstance(limit, DocInfo)]
    if doc:
        return doc[0]
    if dataclasses.is_dataclass(base):
        return f"a table with {', '.join(names(base))}"
    args = get_args(base)
    if get_origin(base) is Literal:
        return f"one of {', '.join(map(repr, args))}" if len(args) > 1 else f"{args[0]!r} alone"
    if get_origin(base) is dict:
        return f"a table of {', '.join(get_args(args[0]))}, each {describe(args[1])}"
    if get_origin(base) is tuple and args[-1] is not ...:
        return f"[low, high], each {describe(args[0])}"
    if get_origin(base) is tuple:
        least = [limit.min_length for limit in limits if isinstance(limit, MinLen)]
        return f"a list{f' of at least {least[0]}' if least else ''}, each {describe(args[0])}"
    if base is float or base is int:
        return _number(limits, NUMBER_TEXT if base is float else "a whole number")
    return {bool: "true or false", str: "a text"}.get(base, str(base))


def names(kind: Any) -> list[str]:
    """The keys of a dataclass, in its order."""
    return [field.name for field in dataclasses.fields(kind)]


def found_as(value: object) -> object:
    """A value as it is written in a file: JSON and TOML say true, not True."""
    if value is None or isinstance(value, bool):
        return Said(json.dumps(value))
    return value


def _mistake(
    kind: type,
    data: object,
    detail: ErrorDetails,
    file: str,
    line_of: Callable[[Steps], int | None],
    place: Callable[[Steps], str],
) -> ConfigError:
    """One error of pydantic's, with the file, line and path, in plain words."""
    steps = tuple(detail["loc"])
    inner = detail.get("ctx", {}).get("error")
    if isinstance(inner, ConfigError):  # raised by a dataclass of ours on construction
        steps = (*steps, *_split(inner.key))
        found = MISSING if inner.found is None else inner.found
        return ConfigError(place(steps), found, inner.allowed, file, line_of(steps))
    if steps and steps[-1] == "[key]":
        return _unknown(steps[:-1], get_args(get_args(_follow(kind, steps[:-2]))[0]), file, line_of, place)
    hint = _follow(kind, steps)
    if hint is None:
        parent, _ = _plain(_follow(kind, steps[:-1]))
        return _unknown(steps, names(parent) if dataclasses.is_dataclass(parent) else (), file, line_of, place)
    found, allowed = dig(data, steps), describe(hint)
    if isinstance(found, float) and not math.isfinite(found):
        allowed = allowed.replace(NUMBER_TEXT, "a finite number")
    return ConfigError(place(steps), found_as(found), allowed, file, line_of(steps))


def _unknown(
    steps: Steps,
    known: Sequence[str],
    file: str,
    line_of: Callable[[Steps], int | None],
    place: Callable[[Steps], str],
) -> ConfigError:
    found, allowed = unknown_key(str(steps[-1]), known)
    return ConfigError(place(steps), found, allowed, file, line_of(steps))


def _follow(hint: Any, steps: Steps) -> Any:
    """The type at a path of keys below a type; None where there is none."""
    for step in steps:
        base, _ = _plain(hint)
        args = get_args(base)
        if dataclasses.is_dataclass(base):
            hint = typing.get_type_hints(base, include_extras=True).get(str(step))
        elif get_origin(base) is tuple:
            place = step if isinstance(step, int) and args[-1] is not ... else 0
            hint = args[place] if place < len(args) else None
        elif get_origin(base) is dict:
            hint = args[1]
        else:
            hint = None
    return hint


def _plain(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without `Annotated` and `| None`, and its limits."""
    limits: tuple[Any, ...] = ()
    while True:
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            limits = (*limits, *more)
        elif get_origin(hint) in (Union, types.UnionType):
            hint = next(arg for arg in get_args(hint) if arg is not type(None))
        else:
            return hint, limits


def _number(limits: tuple[Any, ...], text: str) -> str:
    low = next((limit for limit in limits if isinstance(limit, Ge | Gt)), None)
    high = next((limit for limit in limits if isinstance(limit, Le | Lt)), None)
    if isinstance(low, Ge) and isinstance(high, Le):
        return f"{text} from {low.ge} to {high.le}"
    if low is not None:
        text += f" of {low.ge} or more" if isinstance(low, Ge) else f" greater than {low.gt}"
    if high is not None:
        text += f"{',' if low else ''} up to {high.le}" if isinstance(high, Le) else f", less than {high.lt}"
    return text


def _split(key: str) -> Steps:
    """`sensor[2].id` as steps: the key of an error raised by a dataclass."""
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", key))


def _refused(value: object) -> dict[str, str]:
    """A date or time of TOML: no field of ours takes one, so it goes in as a map, which none takes either."""
    return {"date or time": str(value)}
