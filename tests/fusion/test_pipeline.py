"""The core behind its one door: order, reports, late frames, pauses."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import PLANE, START_NS, flight, frame, radar, site

from fusion.config import ZoneConfig
from fusion.errors import MessageRejected
from fusion.pipeline import Pipeline
from fusion.types import SECOND_NS, AlertStep, Picture

NORTH = radar("north")
SOUTH = radar("south", lat_deg=47.3, lon_deg=19.2, period_s=3.0)
HEADING = [20e3, 15e3, 5e3, -120.0, 90.0, 0.0]


def ahead_zone(seconds=100.0, radius_m=3000.0):
    """A circle on the path of the steady object."""
    position = np.array(HEADING[:3]) + seconds * np.array(HEADING[3:])
    lat, lon, _ = PLANE.to_geodetic(position)
    return ZoneConfig(id="ahead", floor_m=0.0, ceiling_m=9000.0, circle=(float(lon), float(lat), radius_m))


def frames(seed=1, looks=12):
    both = [f for sensor in (NORTH, SOUTH) for f, _ in flight(sensor, [HEADING], looks, seed=seed, false_alarms=2.0)]
    return sorted(both, key=lambda f: f.key)


def world(**tracker):
    return site(NORTH, SOUTH, zones=(ahead_zone(),), lateness_s=4.0, **tracker)


def run(pipeline, stream):
    events = []
    for each in stream:
        events += pipeline.receive(each)
    return events + pipeline.finish()


def final(events):
    """The last picture of each time: the last one counts."""
    return {e.time_ns: e for e in events if isinstance(e, Picture)}


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in (
            "id",
            "status",
            "existence",
            "lat_deg",
            "lon_deg",
            "alt_m",
            "covariance",
            "hits",
            "mode",
            "sensors",
        )
    )


@settings(max_examples=25)
@given(st.data())
def test_any_arrival_order_within_the_lateness_gives_the_pictures_of_the_sorted_stream(data):
    stream = frames()
    expected = final(run(Pipeline(world(), rewind=False), stream))
    delays = data.draw(st.lists(st.floats(0.0, 3.9), min_size=len(stream), max_size=len(stream)))
    arriving = sorted(zip(stream, delays, strict=True), key=lambda pair: pair[0].time_ns + pair[1] * SECOND_NS)
    pipeline = Pipeline(world())
    found = final(run(pipeline, [each for each, _ in arriving]))
    assert found.keys() == expected.keys()
    for time_ns, picture in expected.items():
        assert same(found[time_ns], picture)
    assert not pipeline.late


def test_an_earlier_first_frame_brings_the_reports_that_it_would_have_begun():
    stream = frames()
    expected = final(run(Pipeline(world(), rewind=False), stream))
    late_start = [stream[2], stream[3], *stream[:2], *stream[4:]]
    assert stream[2].time_ns > stream[1].time_ns
    found = final(run(Pipeline(world()), late_start))
    assert found.keys() == expected.keys()
    assert all(same(found[time_ns], picture) for time_ns, picture in expected.items())


def test_a_late_frame_is_counted_and_left_out_and_the_next_good_one_is_used():
    stream = frames()
    pipeline, late = Pipeline(world()), stream[2]
    for each in stream[:10]:
        pipeline.receive(each)
    with pytest.raises(MessageRejected, match=r"behind the newest; allowed is 4\.0 s"):
        pipeline.receive(late)
    assert pipeline.late == {late.sensor: 1}
    reference = Pipeline(world())
    assert same(final(run(pipeline, stream[10:]))[_last(stream)], final(run(reference, stream))[_last(stream)])


def _last(stream):
    return stream[-1].time_ns // SECOND_NS * SECOND_NS


def test_a_report_comes_at_each_whole_period_with_all_frames_up_to_it():
    stream = frames()
    config = world()
    half = replace(config, service=replace(config.service, report_period_s=0.5))
    times = [e.time_ns for e in run(Pipeline(half), stream) if isinstance(e, Picture)]
    assert times == list(range(START_NS, _last(stream) + 1, SECOND_NS // 2))


def test_the_clock_alone_brings_reports_while_the_sensors_are_silent():
    pipeline = Pipeline(world())
    for each in frames():
        pipeline.receive(each)
    newest = pipeline.newest_ns
    events = pipeline.advance(newest + 5 * SECOND_NS)
    assert [e.time_ns - newest for e in events if isinstance(e, Picture)] == [k * SECOND_NS for k in range(6)]


def test_an_hour_of_silence_keeps_no_more_than_a_late_frame_can_need():
    pipeline, stream = Pipeline(world()), frames()
    for each in stream[:-1]:
        pipeline.receive(each)
    expected = Pipeline(world())
    whole = final([event for each in stream for event in expected.receive(each)] + expected.finish())
    for second in range(3600):
        pipeline.advance(stream[-1].time_ns + second * SECOND_NS)
    assert len(pipeline._history._snapshots) < 10
    assert len(pipeline._published) < 700
    again = final(pipeline.receive(stream[-1]))
    assert same(again[_last(stream)], whole[_last(stream)])


def test_an_alert_rises_before_entry_and_clears_when_the_track_is_lost():
    events = run(Pipeline(world()), frames(looks=16))
    steps = [e for e in events if isinstance(e, AlertStep)]
    assert steps[0].state == "raised"
    assert steps[0].zone == "ahead"
    assert (steps[0].time_ns - START_NS) / SECOND_NS < 70.0


def test_what_a_late_frame_makes_untrue_is_cleared_not_unsaid():
    """Published steps keep their order, and each alert is raised once and cleared at most once."""
    stream = frames(looks=16)
    rng = np.random.default_rng(7)
    arriving = sorted(stream, key=lambda f: f.time_ns + rng.uniform(0.0, 3.9) * SECOND_NS)
    steps = [e for e in run(Pipeline(world()), arriving) if isinstance(e, AlertStep)]
    for name in {step.alert for step in steps}:
        mine = [step for step in steps if step.alert == name]
        assert [step.step for step in mine] == list(range(1, len(mine) + 1))
        assert mine[0].state == "raised"
        assert all(step.state == "updated" for step in mine[1:-1])
        assert [s.time_ns for s in mine] == sorted(s.time_ns for s in mine)


def test_a_frame_that_runs_ahead_waits_until_the_others_are_there():
    pipeline = Pipeline(world())
    pipeline.receive(frame(NORTH, [], at_s=0.0))
    early = frame(SOUTH, [], at_s=300.0)
    assert pipeline.receive(early, moves_watermark=False) == []
    assert pipeline.newest_ns == START_NS
    pipeline.receive(frame(NORTH, [], at_s=1.0, seq=1))
    assert pipeline.newest_ns == START_NS + SECOND_NS


def test_a_late_frame_after_a_long_pause_does_not_report_the_pause_second_by_second():
    pipeline = Pipeline(world())
    for k in range(5):
        pipeline.receive(frame(NORTH, [], at_s=float(k), seq=k))
    events = pipeline.receive(frame(NORTH, [], at_s=7200.5, seq=5))
    events += pipeline.receive(frame(SOUTH, [], at_s=7199.0))
    assert not pipeline.late
    assert len(events) < 200


def test_a_frame_that_waited_is_used_when_the_next_one_confirms_its_time():
    pipeline = Pipeline(world())
    pipeline.receive(frame(NORTH, [], at_s=0.0))
    pipeline.receive(frame(NORTH, [], at_s=7200.0, seq=1), moves_watermark=False)
    events = pipeline.receive(frame(NORTH, [], at_s=7210.0, seq=2))  # further on than the lateness
    assert not pipeline.late
    assert pipeline._last_key == frame(NORTH, [], at_s=7210.0, seq=2).key
    assert START_NS + 7205 * SECOND_NS in final(events)


def test_an_unknown_sensor_is_refused_by_name():
    with pytest.raises(MessageRejected, match="stranger is not registered; allowed are north, south"):
        Pipeline(world()).receive(frame(radar("stranger"), []))


def test_a_year_without_frames_and_tracks_is_not_reported_second_by_second():
    pipeline = Pipeline(world())
    pipeline.receive(frame(NORTH, [], at_s=0.0))
    events = pipeline.receive(frame(NORTH, [], at_s=365 * 86_400.0, seq=1))
    assert len(events) < 200


def test_looking_at_the_picture_changes_nothing():
    stream = frames()
    asked, quiet = Pipeline(world()), Pipeline(world())
    assert asked.picture() is None
    events = []
    for each in stream:
        events += asked.receive(each)
        asked.picture()
    expected = final(run(quiet, stream))
    for time_ns, picture in final(events + asked.finish()).items():
        assert same(picture, expected[time_ns])
