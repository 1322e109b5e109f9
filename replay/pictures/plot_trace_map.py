"""The map of a trace: detections, path, origin, zones, sensors, times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Floats, Place
from replay.pictures.plot_style import Theme, dress
from replay.scoring.volumes import outlines
from replay.text import utc
from replay.tracing.origin import Region
from replay.tracing.trace import Trace, Way

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN: Final = 0.07
KILOMETRES_FROM_M: Final = 4000.0
TICKS: Final = 8  # times marked along the path, about
STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MOST_DOTS: Final = 4000
NEAR_M: Final = 2.0  # nothing farther off than so many times the length of the path widens the map
BAND: Final = 2.0  # sigmas
ORIGIN: Final = "#d98a1f"
MARKS: Final = {"radar": "^", "infrared": "s", "position": "D"}


def _plane(found: Trace) -> Plane:
    middle = len(found.times_ns) // 2
    return Plane(Place(float(found.smoothed.lat_deg[middle]), float(found.smoothed.lon_deg[middle]), 0.0))


def _flat(plane: Plane, lat: Floats, lon: Floats) -> Floats:
    """East and north of the points beneath: (n, 2) m."""
    return np.asarray(plane.to_local(lat, lon, np.zeros(np.shape(lat)))[..., :2])


def draw_map(axes: Axes, found: Trace, theme: Theme, box: float) -> None:
    """Draw all of it. box: width over height of the axes on the page."""
    plane = _plane(found)
    path = _flat(plane, found.smoothed.lat_deg, found.smoothed.lon_deg)
    low, high = _extent(found, plane, path, box)
    unit, name = (1000.0, "km") if float((high - low).max()) >= KILOMETRES_FROM_M else (1.0, "m")
    dress(axes, theme)
    axes.set_aspect("equal")
    axes.set_xlim(low[0] / unit, high[0] / unit)
    axes.set_ylim(low[1] / unit, high[1] / unit)
    axes.set_xlabel(f"east, {name}")
    axes.set_ylabel(f"north, {name}")
    _zones(axes, found, plane, theme, unit)
    _regions(axes, found, plane, theme, unit)
    dots = _flat(plane, found.points[:, 0], found.points[:, 1]) / unit
    dots = dots[np.linspace(0, len(dots) - 1, min(len(dots), MOST_DOTS)).astype(np.int64)] if len(dots) else dots
    axes.scatter(dots[:, 0], dots[:, 1], s=5.0, c=theme.dots, alpha=0.35, linewidths=0.0, zorder=2.0)
    _band(axes, found.smoothed, path, theme, unit)
    thin = _flat(plane, found.filtered.lat_deg, found.filtered.lon_deg) / unit
    axes.plot(thin[:, 0], thin[:, 1], color=theme.soft, linewidth=0.8, alpha=0.8, zorder=3.0)
    axes.plot(path[:, 0] / unit, path[:, 1] / unit, color=theme.parts[0], linewidth=2.6, zorder=3.5)
    axes.plot(*(path[0] / unit), "o", color=theme.background, markeredgecolor=theme.parts[0], markersize=9,
              markeredgewidth=2.0, zorder=4.0)  # fmt: skip
    _times(axes, found, path, theme, unit)
    _stations(axes, found, plane, theme, unit, (low, high))


def _extent(found: Trace, plane: Plane, path: Floats, box: float) -> tuple[Floats, Floats]:
    """The path, sensors and zones near it, and the regions as far as they are not far larger; the shape of the box."""
    low, high = path.min(axis=0), path.max(axis=0)
    size = max(float((high - low).max()), 200.0)
    parts = [path]
    for sensor in found.site.sensor:
        if sensor.pose is not None and any(one.sensor == sensor.id for one in found.sensors):
            parts.append(_flat(plane, np.array([sensor.pose.lat_deg]), np.array([sensor.pose.lon_deg])))
    for rings in _areas(found):
        ring = _flat(plane, rings[:, 1], rings[:, 0])
        if float(np.ptp(ring, axis=0).max()) <= size:
            parts.append(ring)
    visited = {visit.zone for visit in found.visits}
    for zone in found.zones:
        if zone.id in visited:
            ring = np.concatenate([_flat(plane, one[0][:, 0], one[0][:, 1]) for one in outlines(zone)])
            parts.append(np.clip(ring, low - 0.5 * size, high + 0.5 * size))
    every = np.clip(np.concatenate(parts), low - NEAR_M * size, high + NEAR_M * size)
    low, high = every.min(axis=0), every.max(axis=0)
    span = np.maximum((high - low) * (1.0 + 2.0 * MARGIN), 100.0)
    span = np.array([max(span[0], span[1] * box), max(span[1], span[0] / box)])
    return (low + high) / 2.0 - span / 2.0, (low + high) / 2.0 + span / 2.0


def _areas(found: Trace) -> list[Floats]:
    return [polygon[0] for region in found.origin.regions for polygons in region.polygons for polygon in polygons]


def _zones(axes: Axes, found: Trace, plane: Plane, theme: Theme, unit: float) -> None:
    from matplotlib.patches import Polygon

    for zone in found.zones:
        for polygon in outlines(zone):
            ring = _flat(plane, polygon[0][:, 0], polygon[0][:, 1]) / unit
            axes.add_patch(Polygon(ring, facecolor=theme.zone, alpha=0.08, linewidth=0.0, zorder=1.0))
            axes.add_patch(Polygon(ring, fill=False, edgecolor=theme.zone, alpha=0.75, linewidth=1.3, zorder=1.1))
            top = ring[ring[:, 1].argmax()]
            text = f"{zone.name or zone.id}, {zone.floor_m:,.0f} to {zone.ceiling_m:,.0f} m"
            _write(axes, theme, (float(top[0]), float(top[1])), text, theme.zone, (0, 5))


def _regions(axes: Axes, found: Trace, plane: Plane, theme: Theme, unit: float) -> None:
    """From the farthest back, faint, to the nearest; 90 % outlined, 50 % filled."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    drawn_regions = [region for region in found.origin.regions if _fits(region, axes, unit)]
    for region in reversed(drawn_regions):
        for place, polygons in enumerate(region.polygons):
            rings = [ring for polygon in polygons for ring in polygon]
            drawn = [Path(_flat(plane, ring[:, 1], ring[:, 0]) / unit, closed=True) for ring in rings]
            outline = Path.make_compound_path(*drawn)
            strength = 0.16 if place == 0 else 0.05
            axes.add_patch(PathPatch(outline, facecolor=ORIGIN, alpha=strength, linewidth=0.0, zorder=1.3))
            if place == 1:
                axes.add_patch(
                    PathPatch(outline, fill=False, edgecolor=ORIGIN, alpha=0.8, linewidth=0.9, zorder=1.4,
                              linestyle=(0, (4, 2)))
                )  # fmt: skip
                corners = np.concatenate([np.asarray(one.vertices, float) for one in drawn])
                top = corners[corners[:, 1].argmax()]
                text = f"{region.back_s:.0f} s before"
                _write(axes, theme, (float(top[0]), float(top[1])), text, ORIGIN, (0, 3), size=8.5)


def _fits(region: Region, axes: Axes, unit: float) -> bool:
    """Whether a region has an outline, and is not larger than the map."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return bool(region.polygons) and 2.0 * region.ellipse[0] <= unit * min(right - left, top - bottom)


def _band(axes: Axes, way: Way, path: Floats, theme: Theme, unit: float) -> None:
    """Two sigmas to either side of the path, across it."""
    from matplotlib.collections import PolyCollection

    if len(path) < 2:
        return
    speed = np.maximum(np.hypot(way.velocity_mps[:, 0], way.velocity_mps[:, 1]), 1e-3)
    across = np.stack([-way.velocity_mps[:, 1], way.velocity_mps[:, 0]], axis=1) / speed[:, None]
    variance = (across[:, :, None] * across[:, None, :] * way.covariance[:, :2, :2]).sum(axis=(1, 2))
    off = BAND * np.sqrt(np.maximum(variance, 0.0))[:, None] * across
    left, right = path + off, path - off
    quads = np.stack([left[:-1], left[1:], right[1:], right[:-1]], axis=1) / unit
    axes.add_collection(
        PolyCollection(list(quads), facecolors=theme.parts[0], alpha=0.22, linewidths=0.0, zorder=2.5), autolim=False
    )


def _times(axes: Axes, found: Trace, path: Floats, theme: Theme, unit: float) -> None:
    """Marks along the path at round times."""
    seconds = (found.times_ns - found.times_ns[0]) / SECOND_NS
    step_s = next((step for step in STEPS_S if seconds[-1] / step <= TICKS), STEPS_S[-1])
    first = -(-int(found.times_ns[0]) // (step_s * SECOND_NS)) * step_s * SECOND_NS
    for time_ns in range(first, int(found.times_ns[-1]) + 1, step_s * SECOND_NS):
        own = (time_ns - int(found.times_ns[0])) / SECOND_NS
        x, y = (float(np.interp(own, seconds, path[:, axis])) / unit for axis in range(2))
        axes.plot(x, y, "o", color=theme.ink, markersize=3.5, zorder=4.5)
        _write(axes, theme, (x, y), utc(time_ns)[11:19], theme.ink, (6, 5), size=8.5, left=True)


def _stations(
    axes: Axes, found: Trace, plane: Plane, theme: Theme, unit: float, corners: tuple[Floats, Floats]
) -> None:
    for sensor in found.site.sensor:
        if sensor.pose is None:
            continue
        place = _flat(plane, np.array([sensor.pose.lat_deg]), np.array([sensor.pose.lon_deg]))[0]
        if ((place < corners[0]) | (place > corners[1])).any():
            continue
        x, y = (place / unit).tolist()
        axes.plot(x, y, MARKS[sensor.kind], color=theme.station, markersize=8, markeredgecolor=theme.panel, zorder=5.0)
        _write(axes, theme, (x, y), sensor.id, theme.station, (0, -19), size=9.5, weight="bold")


def _write(
    axes: Axes, theme: Theme, place: tuple[float, float], text: str, colour: str, offset: tuple[float, float],
    size: float = 9.0, weight: str = "normal", left: bool = False,
) -> None:  # fmt: skip
    """A label that stays readable on whatever lies beneath."""
    from matplotlib.patheffects import withStroke

    axes.annotate(
        text, place, xytext=offset, textcoords="offset points", color=colour, fontsize=size, fontweight=weight,
        ha="left" if left else "center", va="bottom", zorder=6.0, annotation_clip=True, clip_on=True,
        path_effects=[withStroke(linewidth=2.6, foreground=theme.panel, alpha=0.9)],
    )  # fmt: skip
