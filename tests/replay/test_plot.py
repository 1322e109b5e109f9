"""Where things are drawn, and that every picture is one."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.wire import read_tracks, read_truth
from fusion.config import SensorConfig, ServiceConfig, SiteConfig, ZoneConfig
from fusion.errors import RecordingError
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Coverage, Frame, Picture, Place, Pose, Truth
from replay.pictures.plot import draw, plot_run
from replay.pictures.plot_map import extent, nice_length
from replay.pictures.scene import compose
from replay.scoring.results import ScoreOptions
from replay.scoring.score import score

START_NS = 1_700_000_000 * SECOND_NS
PLANE = Plane(Place(47.5, 19.0, 0.0))
RADAR = SensorConfig(
    "north", "radar", ("range_m", "azimuth_deg", "elevation_deg"),
    {"range_m": 30.0, "azimuth_deg": 0.1, "elevation_deg": 0.2},
    Coverage(range_m=(500.0, 80_000.0), azimuth_deg=(0.0, 360.0)), Pose(47.6, 19.1, 200.0, yaw_deg=30.0),
)  # fmt: skip
CAMERA = SensorConfig(
    "camera", "infrared", ("azimuth_deg",), {"azimuth_deg": 0.1},
    Coverage(range_m=(100.0, 9000.0), azimuth_deg=(0.0, 360.0)),
)  # fmt: skip
ZONES = (
    ZoneConfig(
        "airport", 0.0, 3000.0, name="Airport",
        polygons=((((19.2, 47.4), (19.4, 47.4), (19.4, 47.5), (19.2, 47.5), (19.2, 47.4)),
                   ((19.25, 47.43), (19.3, 47.43), (19.3, 47.46), (19.25, 47.46), (19.25, 47.43))),),
    ),
    ZoneConfig("plant", 0.0, 1500.0, circle=(18.7, 47.55, 5000.0)),
)  # fmt: skip
SITE = SiteConfig(ServiceConfig(Place(47.5, 19.0, 0.0)), sensor=(RADAR, CAMERA), zones=ZONES)


def run() -> tuple[list[Truth], list[Picture]]:
    truth, pictures = [], []
    for second in range(30):
        time_ns = START_NS + second * SECOND_NS
        spots = np.array([(200.0 * second, 1000.0, 0.0), (0.0, -150.0 * second, 0.0)])
        lat, lon, _ = PLANE.to_geodetic(spots)
        columns: dict[str, Any] = {
            "lat_deg": lat.tolist(),
            "lon_deg": lon.tolist(),
            "alt_m": [900.0, 20.0 * second],
        }
        status = ["confirmed", "coasting" if second > 20 else "confirmed"]
        body = {"type": "tracks", "time_ns": time_ns, "columns": columns | {"id": [5, 3], "status": status}}
        pictures.append(read_tracks(body))
        zero = [0.0, 0.0]
        rates: dict[str, Any] = {
            "east_mps": zero,
            "north_mps": zero,
            "up_mps": zero,
            "ignore": [False, second < 0],
        }
        body = {"type": "truth", "time_ns": time_ns, "columns": columns | {"id": ["a", "b"]} | rates}
        truth.append(read_truth(body))
    return truth, pictures


def frame(sensor: str, values: Any, pose: Pose | None = None) -> Frame:
    rows = np.array(values, dtype=float)
    return Frame("s", sensor, 0, "e", START_NS, rows, rows, np.full(len(rows), START_NS), pose=pose)


def size(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    return width, height


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_full_run_is_drawn_at_the_promised_size(tmp_path: Path, theme: Any) -> None:
    truth, pictures = run()
    found = score(pictures, truth, ScoreOptions(c_m=100.0))
    frames = [
        frame("north", [[9000.0, 1.0, 0.05]]),
        frame("camera", [[1.0], [2.0]], Pose(47.5, 19.0, 100.0)),
        frame("camera", [[1.1]], Pose(47.501, 19.0, 100.0)),
        frame("stranger", [[1.0]]),
    ]
    plot_run(tmp_path / "run.png", truth, pictures, frames, SITE, score=found, title="A run", theme=theme)
    assert size(tmp_path / "run.png") == (1400, 1000)


def test_whatever_is_left_out_a_picture_comes(tmp_path: Path) -> None:
    truth, pictures = run()
    for number, parts in enumerate(
        ({}, {"truth": truth}, {"pictures": pictures}, {"site": SITE}, {"zones": ZONES}, {"truth": truth[:1]})
    ):
        plot_run(tmp_path / f"{number}.png", **parts)  # type: ignore[arg-type]
        assert size(tmp_path / f"{number}.png") == (1400, 1000)


def test_detections_stand_where_their_objects_are() -> None:
    from fusion.tracking.sensors import place

    truth, _ = run()
    plane = Plane(Place(47.6, 19.1, 0.0))
    assert RADAR.pose is not None
    placement = place(RADAR.pose, plane)
    offset = plane.to_local(truth[7].lat_deg, truth[7].lon_deg, truth[7].alt_m) - placement.position
    right, forward, up = (offset @ axis for axis in placement.axes)
    rows = np.stack(
        [
            np.sqrt((offset**2).sum(axis=1)),
            np.arctan2(right, forward),
            np.arctan2(up, np.hypot(right, forward)),
        ],
        axis=1,
    )
    scene = compose(truth=truth, frames=[frame("north", rows)], site=SITE)
    objects = np.array([path.xy[7] for path in scene.objects])
    assert np.abs(scene.dots - objects).max() < 5.0  # heights lean by a few metres where nothing else moves them


def test_a_bearing_runs_from_the_moving_camera_to_the_end_of_its_coverage() -> None:
    pose = Pose(47.5, 19.0, 0.0, yaw_deg=90.0)
    scene = compose(frames=[frame("camera", [[0.0]], pose)], site=SITE)
    ((start, end),) = scene.rays
    step = end - start
    assert np.hypot(*step) == pytest.approx(9000.0, rel=1e-4)
    assert np.degrees(np.arctan2(*step)) == pytest.approx(90.0, abs=0.2)
    assert [station.name for station in scene.stations] == ["north", "camera"]


def test_tracks_are_broken_where_pictures_without_them_lie() -> None:
    _, pictures = run()
    hole = [picture for k, picture in enumerate(pictures) if k < 10 or k > 20]
    scene = compose(pictures=hole)
    assert [path.name for path in scene.tracks] == ["3", "5"]
    segments, faint = scene.tracks[1].segments()
    assert (len(segments), int(faint.sum())) == (len(hole) - 2, 0)


def test_the_map_holds_all_objects_zones_and_sensors_in_the_shape_of_its_box() -> None:
    truth, pictures = run()
    scene = compose(truth, pictures, site=SITE, zones=ZONES)
    low, high = extent(scene, 1.5)
    assert (high - low)[0] / (high - low)[1] == pytest.approx(1.5)
    drawn = [path.xy for path in scene.objects] + [station.xy for station in scene.stations]
    drawn += [ring for _, polygons in scene.zones for polygon in polygons for ring in polygon]
    assert (np.concatenate(drawn) > low).all()
    assert (np.concatenate(drawn) < high).all()


@pytest.mark.parametrize(("most", "length"), [(1.0, 1.0), (0.99, 0.5), (1999.0, 1000.0), (4.2e4, 2e4), (50.0, 50.0)])
def test_a_scale_bar_is_a_round_length(most: float, length: float) -> None:
    assert nice_length(most) == pytest.approx(length)


def test_the_map_is_true_to_scale_and_nothing_lies_outside_the_page() -> None:
    truth, pictures = run()
    scene = compose(truth, pictures, site=SITE, zones=ZONES)
    figure = draw(scene, score(pictures, truth), "A run")
    figure.canvas.draw()
    axes = figure.axes[0]
    (x0, y0), (x1, y1) = axes.transData.transform([(0.0, 0.0), (1.0, 1.0)])
    assert x1 - x0 == pytest.approx(y1 - y0, rel=1e-6)
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0.0
        assert box.x1 <= figure.bbox.x1
    bottoms = [text.get_position()[1] for text in figure.texts]
    tops = [panel.get_position().y1 for panel in figure.axes[1:]]
    assert min(bottoms) > max(tops)


def test_a_picture_that_cannot_be_written_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"run\.png"):
        plot_run(tmp_path / "none" / "run.png")
