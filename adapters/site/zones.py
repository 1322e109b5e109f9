"""Protected volumes from files, whatever their format, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

from adapters.site.airspace.eurocae import is_ed269, is_ed318, read_ed269, read_ed318
from adapters.site.airspace.openair import read_openair
from adapters.site.airspace.published import ZoneFile, zones_of
from adapters.site.airspace.settings import AirspaceConfig
from adapters.site.checking import combined, read_text
from adapters.site.geojson import parse_json, read_geojson, zone_features
from fusion.config import ZoneConfig

__all__ = ["LARGEST_FILE", "OPENAIR_ENDINGS", "load_zones", "read_zones", "zone_features"]

LARGEST_FILE: Final = 16 << 20  # bytes: some 10 000 zones of a usual size
OPENAIR_ENDINGS: Final = (".txt", ".air", ".openair")


def load_zones(path: str | Path, settings: AirspaceConfig | None = None) -> tuple[ZoneConfig, ...]:
    """Every zone of a file, in its order. See `read_zones`; here anything that cannot be used is an error.

    Raises ConfigError (CombinedConfigError for several mistakes): file, line or feature, key, found, allowed.
    """
    read = read_zones(path, settings)
    if read.left_out:
        raise combined([mistake for error in read.left_out for mistake in error.mistakes])
    return read.zones


def read_zones(path: str | Path, settings: AirspaceConfig | None = None) -> ZoneFile:
    """The zones of a GeoJSON, OpenAir, ED-269 or ED-318 file, and what of it cannot be used.

    The content tells the format: JSON begins with a brace; what of it is not GeoJSON of ours is known by its members.
    settings: what published files do not say; None: defaults.  Heights come back above the ellipsoid.
    Raises ConfigError for a file that cannot be read at all.
    """
    settings = settings or AirspaceConfig()
    file, ending = str(path), Path(path).suffix.lower()
    text = read_text(Path(path), LARGEST_FILE, latin=ending in OPENAIR_ENDINGS)
    if ending in OPENAIR_ENDINGS and not text.lstrip().startswith("{"):
        volumes, mistakes = read_openair(text, file)
        return zones_of("OpenAir", volumes, settings, file, mistakes)
    data = parse_json(text, file)
    if is_ed269(data):
        volumes, mistakes = read_ed269(cast("dict[str, Any]", data), file)
        return zones_of("ED-269", volumes, settings, file, mistakes)
    if is_ed318(data):
        volumes, mistakes = read_ed318(cast("dict[str, Any]", data), file)
        return zones_of("ED-318", volumes, settings, file, mistakes)
    return read_geojson(data, file, settings)
