"""Shapes of published airspace: as strict as our own, but for edges that cross by no more than rounding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from adapters.site.zone_shapes import Shape, read_shape
from fusion.errors import ConfigError

SLIVERS: Final = 0.01  # of the area, that may lie beyond crossing edges


def read_published_shape(geometry: Mapping[str, Any]) -> Shape:
    """A GeoJSON geometry, checked; a polygon whose edges cross a little is mended. Raises ConfigError.

    Borders and arcs that touch, written to whole seconds, cross here and there: published files are full of them.
    """
    try:
        return read_shape(geometry)
    except ConfigError as error:
        parts = _mended(geometry) if error.key == "coordinates" else []
        if not parts:
            raise
    return read_shape({"type": "MultiPolygon", "coordinates": parts})


def _mended(geometry: Mapping[str, Any]) -> list[list[list[list[float]]]]:
    """A polygon of one ring as polygons that are valid; empty where more than slivers lie beyond the crossings."""
    import shapely

    rings = geometry.get("coordinates")
    if geometry["type"] != "Polygon" or not isinstance(rings, list) or len(rings) != 1:
        return []
    ring = shapely.Polygon([position[:2] for position in rings[0]])
    pieces = shapely.get_parts(shapely.get_parts([shapely.make_valid(ring)])).tolist()
    filled = [shapely.Polygon(piece.exterior) for piece in pieces if isinstance(piece, shapely.Polygon)]
    areas = [piece.area for piece in filled]
    if not areas or sum(areas) - max(areas) > SLIVERS * max(areas):
        return []
    return [[[list(position) for position in piece.exterior.coords]] for piece in filled]
