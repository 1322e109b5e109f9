"""The messages among MCAP records, and the channels that give them their topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcap.opcode import Opcode
from mcap.records import Channel

from adapters.wire import MAX_MESSAGE_BYTES, decode
from fusion.errors import MessageRejected, shorten
from replay.recordings.mcap_records import ENCODINGS, HEAD, MESSAGE_HEAD, is_opening, stream
from replay.recordings.record import Record, topic_of


class Messages:
    """Remembers the channels of one file. `problem` is told, by code and in words, what could not be used.

    found: messages, whether they could be used or not. profile: as the file's header has it.
    """

    def __init__(self, problem: Callable[[str, str], None]) -> None:
        self.found = 0
        self.profile = ""
        self._problem = problem
        self._channels: dict[int, tuple[str, bool] | str] = {}  # a string: why it is none of ours

    def read(self, data: bytes) -> Iterator[Record]:
        """The messages among whole records. Raises ValueError or struct.error where one does not end."""
        unpack_head, unpack_message, channels = HEAD.unpack_from, MESSAGE_HEAD.unpack_from, self._channels
        position, end = 0, len(data)
        while position < end:
            opcode, length = unpack_head(data, position)
            start = position + HEAD.size
            position = start + length
            if position > end:
                raise ValueError(f"a record of {length} bytes runs past the end of its chunk")
            if opcode == Opcode.MESSAGE:
                number, sequence, log_ns, time_ns = unpack_message(data, start)
                payload = data[start + MESSAGE_HEAD.size : position]
                channel = channels.get(number)
                self.found += 1
                if len(payload) > MAX_MESSAGE_BYTES:
                    self._problem("too large", f"a message of {len(payload)} bytes; allowed are {MAX_MESSAGE_BYTES}")
                elif channel is None:
                    yield from self._without_channel(log_ns, payload, sequence)
                elif isinstance(channel, str):
                    self._problem("encoding", channel)
                else:
                    yield Record(channel[0], time_ns, log_ns, payload, None, sequence, channel[1])
            elif opcode == Opcode.CHANNEL:
                self.learn(Channel.read(stream(data[start:position])))

    def learn(self, channel: Channel) -> None:
        """Messages that name this channel are on its topic from here on."""
        self._channels[channel.id] = channel.topic, is_opening(channel)
        if channel.message_encoding not in ENCODINGS:
            profile = f" of a file with the profile {shorten(self.profile)}" if self.profile else ""
            self._channels[channel.id] = (
                f"a channel{profile}, {shorten(channel.topic)}, whose messages are in "
                f"{shorten(channel.message_encoding)}: neither msgpack nor json"
            )

    def _without_channel(self, log_ns: int, payload: bytes, sequence: int) -> Iterator[Record]:
        """A message whose channel stood in a chunk that was damaged: its own fields give the topic."""
        try:
            message = decode(payload)
            topic = topic_of(message)
        except MessageRejected as error:
            self._problem("unknown channel", f"a message of a channel that is not defined, and {error}")
        else:
            yield Record(topic, message["time_ns"], log_ns, payload, message, sequence)
