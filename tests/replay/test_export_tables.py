from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.wire import Sender, tracks_message
from fusion.types import TRACK_STATUSES, Picture
from replay.export import table
from replay.export.run import export
from replay.export.source import SHOWN, Wanted
from replay.recordings.files import open_writer
from replay.recordings.moments import parse_moment
from replay.scoring.run import load

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 10**9
EVERYTHING = Wanted(statuses=frozenset(TRACK_STATUSES))
NAMES = st.sampled_from(["north", "east-2", "a"])
TEXTS = st.one_of(st.none(), st.text(st.characters(categories=("Lu", "Ll", "Nd", "Po", "Sm")), min_size=1, max_size=9))
ROWS = st.tuples(
    st.integers(1, 12),  # id
    st.sampled_from(TRACK_STATUSES),
    st.floats(0, 1),
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.one_of(st.just(math.nan), st.floats(-1e4, 1e4)),  # a velocity
    st.lists(NAMES, max_size=2).map(tuple),
    TEXTS,
    st.one_of(st.none(), st.integers(1, 2**62)),
)


def picture_of(second: float, rows: list[tuple[Any, ...]]) -> Picture:
    """A picture with the given rows; the rest of each row follows from its place."""
    n = len(rows)
    ids, status, existence, lat, lon, speed, sensors, texts, diverted = zip(*rows, strict=True) if rows else ((),) * 9
    numbers = np.arange(n, dtype=np.float64)
    covariance = np.arange(21.0 * n).reshape(n, 21) / 7
    if n > 1:
        covariance[1] = np.nan
    return Picture(
        time_ns=START_NS + round(second * SECOND_NS), id=np.array(ids, dtype=np.int64), status=status,
        existence=np.array(existence, dtype=np.float64), lat_deg=np.array(lat, dtype=np.float64),
        lon_deg=np.array(lon, dtype=np.float64), alt_m=numbers / 3, east_mps=np.array(speed, dtype=np.float64),
        north_mps=numbers, up_mps=-numbers, covariance=covariance, mode=("cruise",) * n,
        mode_probability=np.full(n, 0.5),
        updated_ns=np.full(n, START_NS), created_ns=np.full(n, START_NS - 7), hits=np.arange(n, dtype=np.int64),
        sensors=sensors, identity=texts, diverted_ns=diverted, reason=texts[::-1],
    )  # fmt: skip


def record(path: Path, pictures: list[Picture]) -> Path:
    sender = Sender("test", "e")
    with open_writer(path) as out:
        for picture in pictures:
            message = sender.stamp("tracks", tracks_message(picture))
            out.write("tracks", message, picture.time_ns)
    return path


def plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def rows_expected(path: Path, wanted: frozenset[str]) -> list[dict[str, Any]]:
    """The rows of the table in plain Python, from the pictures as scoring takes them in."""
    found = []
    for picture in load(str(path), None).pictures:
        for k, status in enumerate(picture.status):
            if status not in wanted:
                continue
            row = {"time_ns": picture.time_ns, "id": int(picture.id[k]), "status": status}
            for name in ("existence", "lat_deg", "lon_deg", "alt_m", "east_mps", "north_mps", "up_mps"):
                row[name] = plain(float(getattr(picture, name)[k]))
            row |= {name: plain(float(picture.covariance[k, j])) for j, name in enumerate(table.COVARIANCE)}
            row |= {"mode": picture.mode[k], "mode_probability": float(picture.mode_probability[k])}
            row |= {name: int(getattr(picture, name)[k]) for name in ("updated_ns", "created_ns", "hits")}
            row |= {"sensors": list(picture.sensors[k]), "identity": picture.identity[k]}
            row |= {"diverted_ns": picture.diverted_ns[k], "reason": picture.reason[k]}
            found.append(row)
    return found


def unique(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return list({row[0]: row for row in rows}.values())


PICTURES = st.lists(
    st.builds(picture_of, st.integers(0, 6), st.lists(ROWS, max_size=4).map(unique)), min_size=1, max_size=8
)


@given(PICTURES, st.sampled_from([SHOWN, frozenset(TRACK_STATUSES), frozenset(["ended"])]))
@settings(max_examples=40)
def test_parquet_and_csv_hold_the_pictures_exactly(pictures, statuses):
    """In any order, with pictures published again: polars reads back what scoring takes the pictures for."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = record(folder / "x.mcap", pictures)
        wanted = rows_expected(path, statuses)
        for ending in ("parquet", "csv"):
            done = export(str(path), str(folder / f"x.{ending}"), Wanted(statuses))
            assert done.rows == len(wanted)
            assert (folder / f"x.{ending}").exists() == bool(wanted)
        if not wanted:
            return
        parquet = pl.read_parquet(folder / "x.parquet")
        schema = {**table.SCHEMA, "sensors": pl.String, "time_utc": pl.String}
        csv = pl.read_csv(folder / "x.csv", schema=schema)
    assert parquet.schema == pl.Schema(table.SCHEMA)
    assert parquet["time_utc"].cast(pl.Int64).to_list() == [row["time_ns"] for row in wanted]
    assert parquet.drop("time_utc").to_dicts() == wanted
    times = csv["time_utc"].str.to_datetime("%Y-%m-%dT%H:%M:%S%.9fZ", time_unit="ns").cast(pl.Int64)
    assert times.to_list() == [row["time_ns"] for row in wanted]
    rows = csv.drop("time_utc").to_dicts()
    for row in rows:
        row["sensors"] = row["sensors"].split() if row["sensors"] else []
    assert rows == wanted


ROW = (1, "confirmed", 1.0, 47.0, 19.0, 5.0, ("north",), "abc", None)


def rows_of(path: Path, wanted: Wanted) -> list[tuple[int, int]]:
    """(second, id) of each exported row."""
    out = path.with_suffix(".parquet")
    out.unlink(missing_ok=True)
    export(str(path), str(out), wanted)
    if not out.exists():
        return []
    seconds = (pl.col("time_ns") - START_NS) // SECOND_NS
    return list(pl.read_parquet(out).select(seconds, "id").iter_rows())


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (Wanted(), [(0, 1), (1, 1), (2, 1), (2, 2), (3, 2)]),
        (Wanted(begin=parse_moment("1"), end=parse_moment("3")), [(1, 1), (2, 1), (2, 2)]),
        (Wanted(begin=parse_moment("2023-11-14T22:13:22Z")), [(2, 1), (2, 2), (3, 2)]),
        (Wanted(tracks=frozenset([2])), [(2, 2), (3, 2)]),
        (Wanted(statuses=frozenset(["ended"])), [(3, 1)]),
        (Wanted(every_s=2.0), [(0, 1), (2, 1), (2, 2)]),
        (Wanted(tracks=frozenset([77])), []),
    ],
)
def test_only_what_was_asked_for_is_exported(wanted, left, tmp_path):
    two, gone = (2, *ROW[1:]), (1, "ended", *ROW[2:])
    looks = [picture_of(0, [ROW]), picture_of(1, [ROW]), picture_of(2, [ROW, two]), picture_of(3, [gone, two])]
    assert rows_of(record(tmp_path / "x.mcap", looks), wanted) == left


def test_a_picture_that_is_published_again_but_cannot_be_read_leaves_the_one_before(tmp_path):
    sender = Sender("test", "e")
    good, bad = tracks_message(picture_of(1, [ROW])), tracks_message(picture_of(1, [ROW]))
    bad["columns"]["lat_deg"] = [200.0]
    path = tmp_path / "x.mcap"
    with open_writer(path) as out:
        for body in (good, bad):
            out.write("tracks", sender.stamp("tracks", body), START_NS)
    done = export(str(path), str(tmp_path / "x.csv"), Wanted())
    assert done.rows == 1
    assert [(problem.code, problem.count) for problem in done.problems] == [("tracks columns", 1)]


def test_batches_follow_one_another_without_a_seam(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "BATCH_ROWS", 7)
    looks = [picture_of(second, [(k, *ROW[1:]) for k in range(5)]) for second in range(40)]
    path = record(tmp_path / "x.mcap", looks)
    wanted = [(second, k) for second in range(40) for k in range(5)]
    assert rows_of(path, Wanted()) == wanted
    assert len(pl.read_parquet(path.with_suffix(".parquet"))) == 200


def test_a_table_is_made_while_the_recording_is_read_and_not_after(tmp_path, monkeypatch):
    """Batches are given on before the next pictures are read: never all of them at once."""
    monkeypatch.setattr(table, "BATCH_ROWS", 10)
    read, made = [0], []

    def pictures():
        for second in range(50):
            read[0] += 1
            yield picture_of(second, [(k, *ROW[1:]) for k in range(5)])

    batches = table._Batches(pictures())
    for batch in batches._give(None, None, None, None):
        made.append((read[0], batch.height))
    assert made == [(2 * k, 10) for k in range(1, 26)]


def test_the_columns_have_units_and_the_covariance_the_order_of_the_contract():
    assert len(table.COVARIANCE) == 21
    assert table.COVARIANCE[:2] == ("covariance_east_east_m2", "covariance_east_north_m2")
    assert table.COVARIANCE[3] == "covariance_east_east_rate_m2_per_s"
    assert table.COVARIANCE[15] == "covariance_east_rate_east_rate_m2_per_s2"
    assert table.COVARIANCE[-1] == "covariance_up_rate_up_rate_m2_per_s2"


def test_an_error_while_polars_reads_keeps_its_own_kind(tmp_path):
    def pictures():
        yield picture_of(0, [ROW] * 1)
        raise KeyError("from within")

    with pytest.raises(KeyError, match="from within"):
        table.write_parquet(str(tmp_path / "x.parquet"), pictures())


@pytest.mark.parametrize("ending", ["parquet", "csv", "geojson", "kml"])
def test_what_was_there_stays_until_the_new_file_is_whole(ending, tmp_path):
    path = record(tmp_path / "x.mcap", [picture_of(0, [ROW])])
    out = tmp_path / f"x.{ending}"
    out.write_text("of before")
    assert export(str(path), str(out), Wanted(tracks=frozenset([5]))).rows == 0
    assert out.read_text() == "of before"
    assert export(str(path), str(out), Wanted()).rows == 1
    assert out.read_bytes()[:9] != b"of before"
    assert {child.name for child in tmp_path.iterdir()} == {out.name, path.name}
