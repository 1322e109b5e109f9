"""The number of an air picture in its data folder: ids of tracks and alerts depend on it and stay unique."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fusion.errors import ConfigError

FILE: Final = "pictures"  # in the data folder: how many air pictures there were


def next_picture(folder: Path, least: int = 0) -> int:
    """A number that no earlier picture of this folder had, from `least`; it is taken on the disk before it is used.

    The alert journal's lock keeps a second service out of the folder. Raises ConfigError.
    """
    file, fresh = folder / FILE, folder / f"{FILE}.new"
    try:
        text = file.read_text("ascii").strip() if file.exists() else "0"
        if not text.isdecimal():
            raise ConfigError("file", text, "a whole number: of air pictures before", str(file))
        number = max(int(text), least)
        fresh.write_text(f"{number + 1}\n", "ascii")
        fresh.replace(file)
    except (OSError, UnicodeError) as error:
        raise ConfigError("service.data", str(folder), f"a folder for the journal ({error})") from None
    return number
