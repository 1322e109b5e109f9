"""A site's own files, as text to put beside what was made with them."""

from __future__ import annotations

from pathlib import Path

from fusion.config import SiteConfig
from skypicket import __version__


def metadata(path: str | Path, site: SiteConfig) -> dict[str, str]:
    """For the head of a recording: the version, the configuration and the zones that made it."""
    found = {"skypicket": __version__, "site.toml": Path(path).read_text("utf-8")}
    for name in site.service.zones:
        found[name] = (Path(path).parent / name).read_text("utf-8", errors="replace")
    return found


def copy_site(path: Path, site: SiteConfig, folder: Path) -> Path:
    """Copy a configuration and the zone files beside it into a folder. Returns the copy's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in (path, *(path.parent / name for name in site.service.zones)):
        (folder / source.name).write_bytes(source.read_bytes())
    return folder / path.name
