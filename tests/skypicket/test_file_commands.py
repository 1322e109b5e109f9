"""`convert`, `filter`, `cat`, `info` and `export`, as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from replay.recordings.files import open_reader, open_writer
from skypicket.cli import main
from tests.replay.test_convert import alert, frame
from tests.replay.test_export_tables import ROW, picture_of, record

ROOT = Path(__file__).parents[2]
SECOND_NS = 10**9


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Ten frames, a second apart, of two sensors, and an alert step on two topics."""
    with open_writer(tmp_path / "run.mcap", {"version": "0"}) as out:
        for seq in range(10):
            message = frame(seq) | {"time_ns": frame(0)["time_ns"] + seq * SECOND_NS}
            message["sensor"] = "east" if seq % 2 else "north"
            out.write(f"frame.{message['sensor']}", message, message["time_ns"] + 5)
        step = alert(0) | {"time_ns": message["time_ns"]}
        out.write("alert.gate.imminent", step, step["time_ns"])
        out.write("alert.gate.predicted", step, step["time_ns"])
    return tmp_path / "run.mcap"


def seqs(path: Path, kind: str = "frame") -> list[int]:
    with open_reader(path) as reader:
        return [record.message["seq"] for record in reader if record.kind == kind]


def test_convert_says_what_json_lines_lack(run, capsys):
    out = run.with_suffix(".jsonl")
    assert main(["convert", str(run), str(out)]) == 0
    said = capsys.readouterr().out
    assert "11 messages" in said
    assert "that of 10 messages is lost" in said
    assert "1 alert steps" in said
    assert "left out version" in said
    assert seqs(out) == list(range(10))


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--from", "3"], [3, 4, 5, 6, 7, 8, 9]),
        (["--to", "2.5"], [0, 1, 2]),
        (["--from", "2023-11-14T22:13:22Z", "--to", "2023-11-14T22:13:25Z"], [2, 3, 4]),
        (["--topics", "frame.east"], [1, 3, 5, 7, 9]),
        (["--regex", "th$"], [0, 2, 4, 6, 8]),
        (["--exclude-regex", "east", "--from", "5"], [6, 8]),
        (["--sensors", "east", "--to", "4"], [1, 3]),
    ],
)
@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_filter_writes_the_part_that_was_asked_for(run, options, left, ending, tmp_path):
    out = tmp_path / f"part.{ending}"
    assert main(["filter", str(run), str(out), *options]) == 0
    assert seqs(out) == left


def test_filter_with_nothing_left_writes_nothing_and_says_what_there_is(run, tmp_path, capsys):
    assert main(["filter", str(run), str(tmp_path / "part.mcap"), "--from", "60"]) == 4
    assert not (tmp_path / "part.mcap").exists()
    assert "(2023-11-14T22:13:20Z to 2023-11-14T22:13:29Z, 9.0 s)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "5", "--to", "5"], "--to is '5 s'; allowed is a time after --from, 5 s"),
        (["--from", "2026-05-01T06:00:01Z", "--to", "2026-05-01T06:00:00Z"], "allowed is a time after --from"),
        (["-e", "("], "--regex is '('; allowed is a regular expression"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(run, words, said, tmp_path, capsys):
    assert main(["filter", str(run), str(tmp_path / "part.mcap"), *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["convert", "filter"])
def test_a_recording_is_not_written_over_itself(command, run, capsys):
    before = run.read_bytes()
    assert main([command, str(run), str(run)]) == 2
    assert run.read_bytes() == before
    assert "another file" in capsys.readouterr().err


def test_a_damaged_recording_gives_what_is_readable_and_says_where_it_was_not(run, tmp_path, capsys):
    run.with_suffix(".jsonl").unlink(missing_ok=True)
    main(["convert", str(run), str(tmp_path / "a.jsonl")])
    lines = (tmp_path / "a.jsonl").read_bytes().splitlines(keepends=True)
    lines[3] = b'{"v": 1, "type"\n'
    (tmp_path / "a.jsonl").write_bytes(b"".join(lines)[:-9])
    capsys.readouterr()
    assert main(["convert", str(tmp_path / "a.jsonl"), str(tmp_path / "b.mcap")]) == 0
    said = capsys.readouterr().err
    assert "a.jsonl is cut off" in said
    assert f"line 4, byte {sum(map(len, lines[:3]))}" in said
    assert seqs(tmp_path / "b.mcap") == [0, 1, 2, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("command", [["convert", "FILE", "OUT"], ["filter", "FILE", "OUT"], ["cat", "FILE"]])
def test_a_foreign_file_stops_the_work(command, tmp_path, capsys):
    (tmp_path / "x.jsonl").write_bytes(b"\x89PNG\n\x00\x01\n")
    words = [
        str(tmp_path / {"FILE": "x.jsonl", "OUT": "y.mcap"}.get(word, "")) if word.isupper() else word
        for word in command
    ]
    assert main(words) == 3
    assert "at byte 0" in capsys.readouterr().err
    assert not (tmp_path / "y.mcap").exists()


def cat(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "skypicket", "cat", *words], cwd=ROOT, input=stdin, capture_output=True, timeout=60
    )


def test_cat_prints_json_lines_of_what_is_asked_for(run):
    done = cat(str(run), "--topics", "frame", "--from", "2")
    assert (done.returncode, done.stderr) == (0, b"")
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [message["seq"] for message in shown] == list(range(2, 10))
    assert shown[0]["columns"] == {"range_m": [1.5, None]}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [(["--count", "2"], [0, 1]), (["--tail", "2", "-e", "^frame"], [8, 9]), (["--tail", "99", "--to", "3"], [0, 1, 2])],
)
def test_cat_shows_the_first_or_the_last_of_them(run, words, wanted, capfdbinary):
    assert main(["cat", str(run), *words]) == 0
    assert [json.loads(line)["seq"] for line in capfdbinary.readouterr().out.splitlines()] == wanted


def test_cat_pretty_is_the_same_message_over_several_lines(run, capfdbinary):
    assert main(["cat", str(run), "--count", "1", "--pretty"]) == 0
    shown = capfdbinary.readouterr().out
    assert shown.count(b"\n") > 10
    assert json.loads(shown) == frame(0) | {"sensor": "north"}


def test_cat_passes_a_bad_line_over_and_says_so_at_the_end():
    good = json.dumps(frame(3)).encode()
    done = cat("-", stdin=good + b"\nnonsense\n" + good + b"\n")
    assert (done.returncode, done.stdout) == (0, (good + b"\n") * 2)
    assert b"line 2, byte" in done.stderr


@pytest.mark.parametrize("topics", [["alert"], ["alert.gate.predicted"], ["alert.gate.imminent"]])
def test_cat_shows_a_step_that_stands_on_two_topics_once(run, topics, capfdbinary):
    assert main(["cat", str(run), "--topics", *topics]) == 0
    assert [json.loads(line)["level"] for line in capfdbinary.readouterr().out.splitlines()] == ["imminent"]


def test_cat_shows_nothing_where_nothing_is_asked_for(run, capfd):
    assert main(["cat", str(run), "--topics", "truth"]) == 4
    assert capfd.readouterr().out == ""


def test_cat_is_quiet_when_its_reader_has_enough(tmp_path):
    lines = b"".join(json.dumps(frame(seq)).encode() + b"\n" for seq in range(20_000))
    (tmp_path / "long.jsonl").write_bytes(lines)
    command = [sys.executable, "-m", "skypicket", "cat", str(tmp_path / "long.jsonl")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert json.loads(first)["seq"] == 0
    assert said == b""


def test_info_answers_from_the_index_or_from_every_message(run, capsys):
    assert main(["info", str(run)]) == 0
    quick = capsys.readouterr().out
    assert "its index" in quick
    assert main(["info", str(run), "--full", "--json"]) == 0
    full = json.loads(capsys.readouterr().out)
    assert (full["messages"], full["read"], full["sensors"]) == (12, "full", ["east", "north"])
    assert full["topics"]["frame.east"]["detections"] == 10


def test_info_of_nothing_and_of_what_is_no_recording(tmp_path, capsys):
    (tmp_path / "x.jsonl").write_bytes(b"")
    assert main(["info", str(tmp_path / "x.jsonl")]) == 4
    (tmp_path / "x.mcap").write_bytes(b"not an mcap file")
    assert main(["info", str(tmp_path / "x.mcap")]) == 3
    assert "at byte 0" in capsys.readouterr().err


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    return record(tmp_path / "tracks.mcap", [picture_of(second, [ROW]) for second in range(10)])


@pytest.mark.parametrize(
    ("ending", "said"),
    [("parquet", "10 rows"), ("csv", "10 rows"), ("geojson", "1 tracks"), ("kml", "1 tracks, 0 zones, 0 alerts of 10")],
)
def test_export_writes_each_kind_of_file(tracks, ending, said, capsys):
    out = tracks.with_suffix(f".{ending}")
    assert main(["export", str(tracks), "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith(said)
    assert out.stat().st_size > 100


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--from", "3", "--to", "5"], 2),
        (["--every", "3"], 4),
        (["--track", "1", "2"], 10),
        (["--status", "confirmed"], 10),
    ],
)
def test_export_takes_what_was_asked_for(tracks, options, rows, capsys):
    out = tracks.with_suffix(".csv")
    assert main(["export", str(tracks), "--out", str(out), *options]) == 0
    assert len(out.read_text().splitlines()) == rows + 1


def test_export_of_nothing_writes_nothing(tracks, run, capsys):
    out = tracks.with_suffix(".csv")
    assert main(["export", str(tracks), "--out", str(out), "--track", "99"]) == 4
    assert main(["export", str(run), "--out", str(out)]) == 4
    assert not out.exists()
    assert "no such track in 10 pictures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "x.csv", "--with", "zones"], "--with is 'zones'; allowed is left out"),
        (["--out", "x.csv", "--from", "5", "--to", "4"], "allowed is a time after --from"),
    ],
)
def test_export_refuses_what_makes_no_sense(tracks, words, said, capsys, monkeypatch):
    monkeypatch.chdir(tracks.parent)
    assert main(["export", str(tracks), *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--out", "x.xlsx"], ["--out", "x.csv", "--status", "dead"], ["--out", "no/x.csv"]])
def test_export_names_what_is_allowed(tracks, words, capsys, monkeypatch):
    monkeypatch.chdir(tracks.parent)
    with pytest.raises(SystemExit) as stop:
        main(["export", str(tracks), *words])
    assert stop.value.code == 2


def test_export_reads_standard_input_and_passes_damage_over(tracks, tmp_path):
    main(["convert", str(tracks), str(tmp_path / "a.jsonl")])
    lines = (tmp_path / "a.jsonl").read_bytes().splitlines()
    lines[4] = b"{"
    out = tmp_path / "o.csv"
    done = subprocess.run(
        [sys.executable, "-m", "skypicket", "export", "-", "--out", str(out)],
        cwd=ROOT, input=b"\n".join(lines), capture_output=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()[:2]) == (0, [b"9", b"rows"])
    assert b"line 5, byte" in done.stderr
    assert len(out.read_text().splitlines()) == 10


def test_export_of_a_foreign_file_names_it(tmp_path, capsys):
    (tmp_path / "x.mcap").write_bytes(b"PK\x03\x04")
    assert main(["export", str(tmp_path / "x.mcap"), "--out", str(tmp_path / "x.csv")]) == 3
    assert "x.mcap at byte 0" in capsys.readouterr().err
    done = subprocess.run(
        [sys.executable, "-m", "skypicket", "export", "-", "--out", str(tmp_path / "x.csv")],
        cwd=ROOT, input=b"PK\x03\x04", capture_output=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr.startswith(b"skypicket: standard input at byte 0")) == (3, True)
