"""Bytes <-> maps. MessagePack, or JSON where the payload begins with "{". The one place that knows either."""

from __future__ import annotations

import base64
import json as json_text
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import msgpack
import numpy as np

from adapters.wire.envelope import Message, check_envelope
from adapters.wire.fitting import shorter
from adapters.wire.limits import COVARIANCE_WIDTH, MAX_CONTAINERS, MAX_MAP_KEYS, MAX_MESSAGE_BYTES, MAX_ROWS
from fusion.errors import MessageRejected, shorten

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")  # an escape that may leave half a character behind
_FLOAT64, _UINT64 = 0xCB, 0xCF  # MessagePack's marks of numbers of eight bytes
_UINT32: Final = 2**32 - 1  # up to here MessagePack has shorter ones
_LONGEST_DETAIL: Final = 200  # characters
_TOO_MANY: Final = f"more than {MAX_CONTAINERS} arrays and maps"
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    RecursionError,
    MemoryError,
    OverflowError,
    msgpack.UnpackException,
)


def decode(payload: bytes) -> Message:
    """A message with its envelope checked; of what is in it, nothing yet.

    Raises MessageRejected: `oversize`, `not-decodable`, `not-a-map`, `rows` (an array too long), and those of
    `check_envelope`.
    """
    message = unpack(payload)
    check_envelope(message)
    return message


def unpack(payload: bytes) -> Message:
    """The map that a payload holds, without an envelope: requests and answers. Raises as `decode` does."""
    if len(payload) > MAX_MESSAGE_BYTES:
        raise MessageRejected("oversize", f"{len(payload)} bytes; allowed is {MAX_MESSAGE_BYTES}")
    try:
        value = _from_json(payload) if payload[:1] == b"{" else _from_msgpack(payload)
    except _UNREADABLE as error:
        if "max_array_len" in str(error):
            raise MessageRejected("rows", f"an array longer than {MAX_ROWS}, what is allowed in a frame") from None
        detail = f"{len(payload)} bytes: {type(error).__name__} {error}"[:_LONGEST_DETAIL]
        raise MessageRejected("not-decodable", detail) from None
    if not isinstance(value, dict):
        raise MessageRejected("not-a-map", f"{shorten(value)}; allowed is one map")
    return value


def encode(message: Mapping[str, Any], json: bool = False) -> bytes:
    """MessagePack, or one JSON line without its line end; the same message gives the same bytes.

    Arrays of a frame's columns and a `tracks` message's covariance become `bin` in MessagePack; every other
    array, and all of them in JSON, become lists. What is not finite is null in lists. A `tracks` message that
    is too large is shortened, as `adapters.wire.fitting` says. Raises MessageRejected("not-encodable") for what
    neither can hold.
    """
    return encode_fitting(message, json)[0]


def encode_fitting(message: Mapping[str, Any], json: bool = False) -> tuple[bytes, Mapping[str, Any]]:
    """The same, and the message as it went out: shortened, it has `left_out`."""
    write = _to_json if json else _to_msgpack
    try:
        packed = write(message)
        while len(packed) > MAX_MESSAGE_BYTES and (less := shorter(message, len(packed))) is not None:
            message, packed = less, write(less)
        return packed, message
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise MessageRejected("not-encodable", f"{type(error).__name__} {error}"[:_LONGEST_DETAIL]) from error


def _to_msgpack(message: Mapping[str, Any]) -> bytes:
    """The bytes that `msgpack.packb` would give; the arrays in `columns` each in one go."""
    columns, kind = message.get("columns"), _kind(message)
    packer = msgpack.Packer(default=_BINARY.get(kind, _plain))
    packed: bytes
    if type(columns) is not dict or kind == "frame":
        packed = packer.pack(message)
        return packed
    parts: list[bytes] = [packer.pack_map_header(len(message))]
    for key, value in message.items():
        parts.append(packer.pack(key))
        if key != "columns":
            parts.append(packer.pack(value))
            continue
        parts.append(packer.pack_map_header(len(columns)))
        for name, column in columns.items():
            parts.append(packer.pack(name))
            numbers = _numbers(column)
            if numbers is None:
                parts.append(packer.pack(column))
            else:
                parts += (packer.pack_array_header(len(column)), numbers)
    return b"".join(parts)


def _numbers(column: Any) -> bytes | None:
    """The numbers of an array as MessagePack has them, one after another: a mark, then eight big-endian bytes. None
    where they are not all finite floats, or integers that need so many."""
    if type(column) is not np.ndarray or column.ndim != 1 or not len(column):
        return None
    if column.dtype == np.float64 and np.isfinite(column).all():
        return _marked(_FLOAT64, column.astype(">f8"))
    if column.dtype == np.int64 and column.min() > _UINT32:
        return _marked(_UINT64, column.astype(">u8"))
    return None


def _marked(mark: int, values: np.ndarray[Any, Any]) -> bytes:
    table = np.empty((len(values), 9), np.uint8)
    table[:, 0] = mark
    table[:, 1:] = values.view(np.uint8).reshape(-1, 8)
    return table.tobytes()


def _from_json(payload: bytes) -> Any:
    if payload.count(b"[") + payload.count(b"{") > MAX_CONTAINERS:  # brackets in strings too: none of ours has so many
        raise ValueError(_TOO_MANY)
    value = _DECODER.decode(payload.decode("utf-8"))
    if _SURROGATE.search(payload):
        json_text.dumps(value, ensure_ascii=False).encode("utf-8")  # raises where half a character is left
    return value


def _from_msgpack(payload: bytes) -> Any:
    left = MAX_CONTAINERS

    def counted(container: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise ValueError(_TOO_MANY)
        return container

    return msgpack.unpackb(
        payload,
        raw=False,
        strict_map_key=True,
        ext_hook=_no_extension,
        list_hook=counted,
        object_hook=counted,
        max_ext_len=0,
        max_array_len=MAX_ROWS,
        max_map_len=MAX_MAP_KEYS,
        max_str_len=MAX_MESSAGE_BYTES,
        max_bin_len=MAX_MESSAGE_BYTES,
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_extension(code: int, data: bytes) -> NoReturn:
    raise ValueError(f"extension type {code}")


def _to_json(message: Mapping[str, Any]) -> bytes:
    plain = _without_bins(message)
    try:
        text = _JSON.encode(plain)
    except ValueError:  # a NaN outside an array: rare, so only then is every value looked at
        text = _JSON.encode(_finite(plain))
    return text.encode("utf-8")


def _without_bins(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message with the `bin` columns that the contract knows as arrays again."""
    columns = message.get("columns")
    if _kind(message) not in _BINARY or not isinstance(columns, dict):
        return message
    if not any(isinstance(column, bytes) for column in columns.values()):
        return message
    return {**message, "columns": {name: _array(name, column) for name, column in columns.items()}}


def _kind(message: Mapping[str, Any]) -> str:
    kind = message.get("type")
    return kind if isinstance(kind, str) else ""


def _array(name: str, column: Any) -> Any:
    width = 8 * COVARIANCE_WIDTH if name == "covariance" else 8
    if not isinstance(column, bytes) or len(column) % width:
        return column
    values = np.frombuffer(column, dtype="<i8" if name == "time_ns" else "<f8")
    return values.reshape(-1, COVARIANCE_WIDTH) if name == "covariance" else values


def _finite(value: Any) -> Any:
    """`value` with None for every float that is not finite, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value


def _plain(value: Any) -> Any:
    """What neither JSON nor MessagePack knows, as what both know."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            return _finite(value.tolist())
        return value.tolist()
    if isinstance(value, np.generic):
        scalar = value.item()
        return _finite(scalar)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, int):
        return float(value)  # beyond 64 bits, where MessagePack ends
    raise TypeError(f"{type(value).__name__} has no place in a message")


def _frame_column(value: Any) -> Any:
    """A frame's numeric columns travel as `bin`."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fi":
        return value.astype("<f8" if value.dtype.kind == "f" else "<i8", copy=False).tobytes()
    return _plain(value)


def _tracks_column(value: Any) -> Any:
    """The covariance of tracks, the one table among their columns, travels as `bin`."""
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return value.astype("<f8", copy=False).tobytes()
    return _plain(value)


_DECODER: Final = json_text.JSONDecoder(parse_constant=_no_constant)
_JSON: Final = json_text.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), skipkeys=True, default=_plain
)
_BINARY: Final[dict[str, Callable[[Any], Any]]] = {"frame": _frame_column, "tracks": _tracks_column}
