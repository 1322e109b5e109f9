"""Messages <-> types, checked: the only place that knows MessagePack and JSON lines.

    decode(payload) -> message, a map with its envelope checked      encode(message, json=False) -> payload
    read_frame, read_truth, read_tracks, read_alert: message -> checked types
    frame_message: a complete message; truth_message, tracks_message, alert_message, status_message,
    zones_message: bodies, which a Sender stamps with its envelope

Whatever the bytes, reading raises MessageRejected and nothing else. Its codes:

    oversize, not-decodable, not-a-map                  the payload
    version, type, source, seq, epoch, time, sensor     the envelope
    columns, rows, pose, swept, alert                   the content
    not-encodable                                       what `encode` was given
"""

from adapters.wire.alerts import LEVELS, STATES, alert_message, alert_step, read_alert
from adapters.wire.checks import is_id, is_integer, is_text, is_time
from adapters.wire.codec import decode, encode, encode_fitting, unpack
from adapters.wire.envelope import (
    TYPES,
    Message,
    Sender,
    alert_topics,
    check_envelope,
    topic_of,
)
from adapters.wire.frames import FrameReader, frame_message, read_frame
from adapters.wire.limits import MAX_MESSAGE_BYTES, MAX_ROWS, VERSION, registered_sigmas
from adapters.wire.rows import MAX_REASONS, RejectedRows
from adapters.wire.service import HEALTH, ZONE_STATES, status_message, zones_message
from adapters.wire.tracks import MAX_TRACK_ID, read_tracks, tracks_message
from adapters.wire.truth import read_truth, truth_message

__all__ = [
    "HEALTH",
    "LEVELS",
    "MAX_MESSAGE_BYTES",
    "MAX_REASONS",
    "MAX_ROWS",
    "MAX_TRACK_ID",
    "STATES",
    "TYPES",
    "VERSION",
    "ZONE_STATES",
    "FrameReader",
    "Message",
    "RejectedRows",
    "Sender",
    "alert_message",
    "alert_step",
    "alert_topics",
    "check_envelope",
    "decode",
    "encode",
    "encode_fitting",
    "frame_message",
    "is_id",
    "is_integer",
    "is_text",
    "is_time",
    "read_alert",
    "read_frame",
    "read_tracks",
    "read_truth",
    "registered_sigmas",
    "status_message",
    "topic_of",
    "tracks_message",
    "truth_message",
    "unpack",
    "zones_message",
]
