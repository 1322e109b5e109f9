"""The map: truth, tracks, detections, sensors and zones, north up, to scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fusion.types import Floats
from replay.pictures.plot_style import Theme, dress, track_colour
from replay.pictures.scene import Path, Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN = 0.06  # of the extent, left free on each side
LEAST_EXTENT_M = 20.0
KILOMETRES_FROM_M = 4000.0  # extents from here on are labelled in km
MOST_LABELS = 14  # track numbers on the map
LABEL_DISTANCE = 0.035  # of the extent: a number nearer than this to another one is left out
OUTLIERS = 0.5  # % of the track points on each side that do not widen the map


def draw_map(axes: Axes, scene: Scene, theme: Theme, box: float) -> None:
    """Draw all of the scene. box: width over height of the axes on the page."""
    low, high = extent(scene, box)
    unit, name = (1000.0, "km") if (high - low).max() >= KILOMETRES_FROM_M else (1.0, "m")
    dress(axes, theme)
    axes.set_aspect("equal")
    axes.set_xlim(low[0] / unit, high[0] / unit)
    axes.set_ylim(low[1] / unit, high[1] / unit)
    axes.set_xlabel(f"east, {name}")
    axes.set_ylabel(f"north, {name}")
    _zones(axes, scene, theme, unit)
    _detections(axes, scene, theme, unit)
    _tracks(axes, scene, theme, unit)
    _objects(axes, scene, theme, unit)
    apart = LABEL_DISTANCE * float((high - low).max())
    _stations(axes, scene, theme, unit, apart)
    _track_numbers(axes, scene, theme, unit, apart, (low, high))
    _scale_and_north(axes, scene, theme, unit, (low, high))


def extent(scene: Scene, box: float) -> tuple[Floats, Floats]:
    """The corners of the map, m: all but far-flung track points, a margin, and the shape of the box."""
    points = [path.xy for path in scene.objects if not path.faint.all()]
    points += [ring for _, polygons in scene.zones for polygon in polygons for ring in polygon]
    points += [station.xy for station in scene.stations]
    if scene.tracks:
        tracks = np.concatenate([path.xy for path in scene.tracks])
        points.append(np.percentile(tracks, [OUTLIERS, 100.0 - OUTLIERS], axis=0))
    if not points and len(scene.dots):
        points.append(np.percentile(scene.dots, [OUTLIERS, 100.0 - OUTLIERS], axis=0))
    places = np.concatenate(points) if points else np.zeros((1, 2))
    low, high = places.min(axis=0), places.max(axis=0)
    size = np.maximum((high - low) * (1.0 + 2.0 * MARGIN), LEAST_EXTENT_M)
    size = np.array([max(size[0], size[1] * box), max(size[1], size[0] / box)])
    middle = (low + high) / 2.0
    return middle - size / 2.0, middle + size / 2.0


def _zones(axes: Axes, scene: Scene, theme: Theme, unit: float) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    for zone, polygons in scene.zones:
        for polygon in polygons:
            rings = [_wound(ring / unit, anticlockwise=k == 0) for k, ring in enumerate(polygon)]
            outline = Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))
            axes.add_patch(PathPatch(outline, facecolor=theme.zone, alpha=0.10, linewidth=0.0, zorder=1.0))
            axes.add_patch(PathPatch(outline, fill=False, edgecolor=theme.zone, alpha=0.75, linewidth=1.3, zorder=1.1))
        top = max((polygon[0] for polygon in polygons), key=lambda ring: float(np.ptp(ring[:, 0])))
        middle = (top.min(axis=0) + top.max(axis=0)) / 2.0
        text = f"{zone.name or zone.id}\n{zone.floor_m:,.0f} to {zone.ceiling_m:,.0f} m"
        _write(axes, theme, (middle[0] / unit, top[:, 1].max() / unit), text, theme.zone, offset=(0, 5), size=9.5)


def _wound(ring: Floats, anticlockwise: bool) -> Floats:
    """The ring run through in the given sense: holes stay empty where they run against their outer ring."""
    x, y = ring.T
    area = float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())
    return ring if (area > 0.0) == anticlockwise else ring[::-1]


def _detections(axes: Axes, scene: Scene, theme: Theme, unit: float) -> None:
    from matplotlib.collections import LineCollection

    if len(scene.rays):
        strength = min(0.30, 0.05 + 20.0 / len(scene.rays))
        axes.add_collection(
            LineCollection(list(scene.rays / unit), colors=theme.rays, linewidths=0.6, alpha=strength, zorder=1.5),
            autolim=False,
        )
    if len(scene.dots):
        strength = min(0.55, 0.12 + 400.0 / len(scene.dots))
        x, y = (scene.dots / unit).T
        axes.scatter(x, y, s=7.0, c=theme.dots, alpha=strength, linewidths=0.0, zorder=2.0)


def _tracks(axes: Axes, scene: Scene, theme: Theme, unit: float) -> None:
    from matplotlib.collections import LineCollection

    thick, dot = (1.0, 2.5) if scene.crowded else (2.6, 4.5)
    for number, path in enumerate(scene.tracks):
        segments, faint = path.segments()
        colour = track_colour(number)
        for part, width, strength in ((segments[~faint], thick, 0.9), (segments[faint], thick * 0.6, 0.45)):
            if len(part):
                axes.add_collection(
                    LineCollection(
                        list(part / unit),
                        colors=colour,
                        linewidths=width,
                        alpha=strength,
                        capstyle="round",
                        zorder=3.0,
                    ),
                    autolim=False,
                )
        axes.plot(*(path.xy[-1] / unit), "o", color=colour, markersize=dot, zorder=3.2)


def _objects(axes: Axes, scene: Scene, theme: Theme, unit: float) -> None:
    from matplotlib.collections import LineCollection

    thin, ring = (0.5, 3.0) if scene.crowded else (1.1, 6.5)
    for path in scene.objects:
        if path.faint.all():
            x, y = path.xy[-1] / unit
            axes.plot(x, y, "x", color=theme.soft, markersize=8, markeredgewidth=1.6, zorder=4.0)
            _write(axes, theme, (x, y), path.name, theme.soft, offset=(0, 9), size=9)
            continue
        segments, _ = path.segments()
        axes.add_collection(
            LineCollection(list(segments / unit), colors=theme.truth, linewidths=thin, zorder=3.5),
            autolim=False,
        )
        axes.plot(
            *(path.xy[0] / unit), "o", markersize=ring, zorder=3.6,
            markerfacecolor=theme.background, markeredgecolor=theme.truth, markeredgewidth=thin * 1.2,
        )  # fmt: skip
    if len([path for path in scene.objects if not path.faint.all()]) <= MOST_LABELS:
        for path in scene.objects:
            if not path.faint.all():
                _write(axes, theme, tuple(path.xy[0] / unit), path.name, theme.truth, offset=(0, -15), size=9.5)


def _stations(axes: Axes, scene: Scene, theme: Theme, unit: float, apart: float) -> None:
    """Sensors that stand nearly together share one label."""
    groups: list[tuple[Floats, list[str]]] = []
    for station in scene.stations:
        if len(station.xy) > 1:
            x, y = (station.xy / unit).T
            axes.plot(x, y, ":", color=theme.soft, linewidth=1.4, zorder=2.5)
        here = station.xy[-1]
        marker = {"radar": "^", "infrared": "s", "position": "D"}[station.kind]
        axes.plot(*(here / unit), marker, color=theme.station, markersize=9, markeredgecolor=theme.panel, zorder=5.0)
        group = next((names for place, names in groups if math.hypot(*(place - here)) < apart), None)
        if group is None:
            groups.append((here, [station.name]))
        else:
            group.append(station.name)
    for place, names in groups:
        text = ", ".join(names)
        _write(axes, theme, tuple(place / unit), text, theme.station, offset=(0, 8), size=9.5, weight="bold")


def _track_numbers(
    axes: Axes, scene: Scene, theme: Theme, unit: float, apart: float, corners: tuple[Floats, Floats]
) -> None:
    """Number the tracks that lasted longest, where there is room."""
    low, high = corners
    taken: list[Floats] = []
    for number in sorted(range(len(scene.tracks)), key=lambda k: _lasted(scene.tracks[k]), reverse=True):
        end = scene.tracks[number].xy[-1]
        near = any(math.hypot(*(end - other)) < apart for other in taken)
        if near or ((end < low) | (end > high)).any() or len(taken) >= MOST_LABELS:
            continue
        taken.append(end)
        place = tuple(end / unit)
        _write(axes, theme, place, f"{number + 1}", track_colour(number), offset=(9, 3), size=10, weight="bold")


def _lasted(path: Path) -> int:
    return int(path.times_ns[-1] - path.times_ns[0])


def _write(
    axes: Axes,
    theme: Theme,
    place: tuple[float, ...],
    text: str,
    colour: str,
    offset: tuple[float, float],
    size: float,
    weight: str = "normal",
) -> None:
    """A label that stays readable on whatever lies beneath."""
    from matplotlib.patheffects import withStroke

    axes.annotate(
        text,
        (place[0], place[1]),
        offset,
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=colour,
        fontsize=size,
        fontweight=weight,
        linespacing=1.25,
        annotation_clip=True,
        clip_on=True,
        zorder=6.0,
        path_effects=[withStroke(linewidth=3.0, foreground=theme.panel)],
    )


def _scale_and_north(axes: Axes, scene: Scene, theme: Theme, unit: float, corners: tuple[Floats, Floats]) -> None:
    """A scale bar and an arrow to north, in the corner where the least is drawn."""
    low, high = corners
    width = float(high[0] - low[0])
    length = nice_length(width / 5.0)
    share = length / width
    right, top = _emptiest_corner(scene, low, high)
    x, y = (0.97 - share if right else 0.03), (0.90 if top else 0.03)
    text = f"{length / 1000.0:g} km" if length >= 1000.0 else f"{length:g} m"
    style: dict[str, Any] = {"color": theme.ink, "transform": axes.transAxes, "zorder": 7.0}
    axes.plot([x, x + share], [y, y], linewidth=3.0, solid_capstyle="butt", **style)
    axes.text(x + share / 2.0, y + 0.008, text, ha="center", va="bottom", fontsize=10, **style)
    arrow = {"arrowstyle": "-|>", "color": theme.ink, "linewidth": 1.4, "shrinkA": 1.0, "shrinkB": 0.0}
    beside = x - 0.025 if right else x + share + 0.025
    axes.annotate(
        "N",
        (beside, y + 0.068),
        (beside, y + 0.012),
        xycoords="axes fraction",
        textcoords="axes fraction",
        ha="center",
        va="center",
        color=theme.ink,
        fontsize=11,
        fontweight="bold",
        zorder=7.0,
        arrowprops=arrow,
    )


def _emptiest_corner(scene: Scene, low: Floats, high: Floats) -> tuple[bool, bool]:
    """Right or not, top or not: bottom left where all are as empty."""
    drawn = [path.xy for path in (*scene.objects, *scene.tracks)] + [station.xy for station in scene.stations]
    drawn += [ring for _, polygons in scene.zones for polygon in polygons for ring in polygon]
    share = (np.concatenate([np.zeros((0, 2)), *drawn]) - low) / (high - low)

    def count(corner: tuple[bool, bool]) -> int:
        across = share[:, 0] > 0.65 if corner[0] else share[:, 0] < 0.35
        along = share[:, 1] > 0.85 if corner[1] else share[:, 1] < 0.15
        return int((across & along).sum())

    return min([(False, False), (True, False), (True, True), (False, True)], key=count)


def nice_length(most: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is at most `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= most * (1.0 + 1e-9))
