"""A file that is written in whole pieces, so that a full disk leaves nothing torn behind."""

from __future__ import annotations

import errno
import io
import os
from contextlib import suppress

from fusion.errors import RecordingError


class PieceFile:
    """Replaces what was at `path`. `size`: bytes of the whole pieces in it.

    Nothing is held back: what was appended is with the system, and outlives the process.
    """

    def __init__(self, path: str) -> None:
        try:
            self._file = io.FileIO(path, "wb")
        except (OSError, ValueError) as error:  # ValueError: a null byte in the path
            raise RecordingError(path, f"cannot be written: {getattr(error, 'strerror', None) or error}") from error
        self.size = 0

    def append(self, piece: bytes) -> None:
        """Raises OSError where there is no room for all of it: then none of it is there."""
        rest = memoryview(piece)
        try:
            while rest:
                written = self._file.write(rest)
                if not written:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                rest = rest[written:]
        except BaseException:
            with suppress(OSError):  # a device has no length to cut
                self._file.seek(self.size)
                self._file.truncate()
            raise
        self.size += len(piece)

    def close(self) -> None:
        self._file.close()
