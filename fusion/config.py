"""The configuration, as the contract words it. Limits stand beside each field and are checked at the border
(`adapters.site.configuration`); what concerns several fields at once is checked here, on construction."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from annotated_types import DocInfo, Ge, Gt, Le, Lt, MinLen, Predicate

from fusion.airspace.schedule import DailyWindow
from fusion.errors import ConfigError
from fusion.types import Coverage, Height, Place, Pose

LONGEST_TEXT: Final = 200  # characters: a name stands in one line of a screen or a message
LONGEST_IPC_PATH: Final = 107  # bytes: Linux's sockaddr_un
SMALLEST_SIGMA: Final = 1e-6  # m, °, m/s: far below every sensor, and its square still far above rounding
LARGEST_ANGLE_SIGMA: Final = 180.0  # °: wider says nothing
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether a sensor or zone may be called so: topics split on dots, and file names must not surprise."""
    return _ID.fullmatch(text) is not None


def is_text(text: str) -> bool:
    """Whether a text is short and can be shown in one line of a terminal as it is."""
    return len(text) <= LONGEST_TEXT and text.isprintable()


def is_endpoint(text: str) -> bool:
    """Whether a text is a ZeroMQ address that other processes can reach."""
    if text.startswith("ipc://"):
        return text.isprintable() and 0 < len(text.encode(errors="replace")) - len("ipc://") <= LONGEST_IPC_PATH
    match = re.fullmatch(r"tcp://(?:[A-Za-z0-9._%-]+|\*|\[[0-9A-Fa-f:.%]+\]):(\*|[0-9]{1,5})", text)
    return match is not None and (match[1] == "*" or int(match[1]) <= 65535)


def clash(one: str, other: str) -> bool:
    """Whether two ZeroMQ addresses cannot both be bound, as far as their texts tell: * and 0 are any free port."""
    hosts, ports = [], []
    for text in (one, other):
        host, _, port = text.removeprefix("tcp://").rpartition(":")
        if not text.startswith("tcp://") or port in ("*", "") or int(port) == 0:
            return one == other and not text.startswith("tcp://")
        hosts.append("127.0.0.1" if host == "localhost" else host)
        ports.append(int(port))
    return ports[0] == ports[1] and (hosts[0] == hosts[1] or bool({"*", "0.0.0.0", "[::]"} & set(hosts)))


Id = Annotated[str, Predicate(is_id), DocInfo("1 to 64 of A-Z, a-z, 0-9, _ and -")]
Text = Annotated[str, Predicate(is_text), DocInfo(f"a text of at most {LONGEST_TEXT} printable characters")]
Endpoint = Annotated[str, Predicate(is_endpoint), DocInfo("tcp://host:port, or ipc:// and a path")]
Probability = Annotated[float, Gt(0), Lt(1)]
Sigma = Annotated[float, Ge(SMALLEST_SIGMA), Le(1_000_000)]
Margin = Annotated[float, Ge(0), Le(1_000_000)]
Component = Literal[
    "range_m",
    "azimuth_deg",
    "elevation_deg",
    "range_rate_mps",
    "altitude_m",
    "east_m",
    "north_m",
    "up_m",
]
Qnh = Annotated[float, Ge(850), Le(1090)]  # hPa: beyond every pressure ever measured at sea level
Reference = Literal["ellipsoid", "msl", "pressure", "agl"]  # what a height is measured from
REFERENCE_NUMBERS: Final = {"qnh_hpa": "pressure", "ground_m": "agl"}  # what two of them need
Motion = Literal["cruise", "manoeuvre", "turn", "ballistic"]
POLAR: tuple[Component, ...] = ("range_m", "azimuth_deg", "elevation_deg")
CARTESIAN: tuple[Component, ...] = ("east_m", "north_m", "up_m")


@dataclass(frozen=True, slots=True)
class AltitudePrior:
    """Height above the ellipsoid of an object whose height nothing measured."""

    mean: Height = 3000.0
    sigma: Sigma = 3000.0


@dataclass(frozen=True, slots=True)
class TrackerConfig:
    lateness_s: Annotated[float, Ge(0), Le(600)] = 2.0
    initial_speed_mps: Annotated[float, Ge(0.001), Le(20_000)] = 150.0
    initial_climb_mps: Annotated[float, Ge(0.001), Le(20_000)] = 15.0
    altitude_m: AltitudePrior = field(default_factory=AltitudePrior)
    births_per_s: Annotated[float, Ge(1e-9), Le(10_000)] = 0.1
    survival_s: Annotated[float, Ge(0.1), Le(1_000_000_000)] = 600.0
    motions: Annotated[tuple[Motion, ...], MinLen(1)] = ("cruise", "manoeuvre", "turn")
    agility_mps2: Annotated[float, Ge(0.001), Le(10_000)] = 10.0
    ballistic_drag_per_m: Annotated[float, Ge(0), Le(1)] = 0.0
    still_objects: bool = True
    registration: Literal["off", "report", "apply"] = "report"
    confirmed_existence: Probability = 0.99999
    confirmed_hits: Annotated[int, Ge(1), Le(1000)] = 3
    ended_existence: Probability = 0.1
    engine: Literal["numba", "filterpy"] = "numba"

    def __post_init__(self) -> None:
        if len(set(self.motions)) != len(self.motions):
            raise ConfigError("motions", list(self.motions), "each motion once")


@dataclass(frozen=True, slots=True)
class SensorConfig:
    id: Id
    kind: Literal["radar", "infrared", "position"]
    measures: Annotated[tuple[Component, ...], MinLen(1)]
    sigma: dict[Component, Sigma]
    coverage: Coverage
    pose: Pose | None = None
    detection_probability: Probability = 0.9
    false_alarms: Annotated[float, Ge(0), Le(1_000_000)] = 1.0
    period_s: Annotated[float, Ge(0.001), Le(86_400)] = 1.0
    altitude_reference: Reference = "ellipsoid"
    qnh_hpa: Qnh | None = None
    ground_m: Height | None = None
    use_identity: bool = False

    def __post_init__(self) -> None:
        if len(set(self.measures)) != len(self.measures):
            raise ConfigError("measures", list(self.measures), "each component once")
        missing = [name for name in self.measures if name not in self.sigma]
        if missing:
            raise ConfigError("sigma", sorted(self.sigma), f"a value for each of measures; add {missing}")
        extra = [name for name in self.sigma if name not in self.measures]
        if extra:
            raise ConfigError("sigma", extra, f"only what it measures: {list(self.measures)}")
        for name in ("azimuth_deg", "elevation_deg"):
            if self.sigma.get(name, 0.0) > LARGEST_ANGLE_SIGMA:
                raise ConfigError(f"sigma.{name}", self.sigma[name], f"a number up to {LARGEST_ANGLE_SIGMA}")
        for name, of in REFERENCE_NUMBERS.items():
            given = getattr(self, name)
            if (given is None) == (self.altitude_reference == of):
                allowed = "a number, with" if given is None else "left out unless altitude_reference is"
                raise ConfigError(name, given, f"{allowed} {'altitude_reference ' if given is None else ''}{of!r}")
        self._check_axes()

    def _check_axes(self) -> None:
        cartesian = self.kind == "position"
        wrong = [name for name in self.measures if name in (POLAR if cartesian else CARTESIAN)]
        if wrong or (cartesian and "range_rate_mps" in self.measures):
            allowed = (
                "east_m, north_m, up_m, altitude_m" if cartesian else "range, azimuth, elevation, range rate, altitude"
            )
            raise ConfigError("measures", list(self.measures), f"for a {self.kind} sensor: {allowed}")
        needed = CARTESIAN[:2] if cartesian else POLAR[:2]
        for name in needed:
            if getattr(self.coverage, name) is None:
                raise ConfigError(f"coverage.{name}", None, "[low, high]")
        for name in POLAR + CARTESIAN:
            span = getattr(self.coverage, name)
            if span is None:
                continue
            if (name in CARTESIAN) != cartesian:
                raise ConfigError(f"coverage.{name}", list(span), f"left out for a {self.kind} sensor")
            if name != "azimuth_deg" and not span[0] < span[1]:
                raise ConfigError(f"coverage.{name}", list(span), "[low, high] with low < high")
        if self.coverage.range_m is not None and self.coverage.range_m[0] < 0:
            raise ConfigError("coverage.range_m", list(self.coverage.range_m), "0 or more")


@dataclass(frozen=True, slots=True)
class ZoneConfig:
    """One protected volume: polygons as rings of (lon_deg, lat_deg), outer first, or a circle.

    Heights are metres above the ellipsoid. active: UTC intervals (from_ns, to_ns); None: always. kind: its class or
    type where it was published, as `CTR` or `PROHIBITED`. daily: where there are any, it is active in these alone.
    """

    id: Id
    floor_m: Height
    ceiling_m: Height
    polygons: tuple[tuple[tuple[tuple[float, float], ...], ...], ...] = ()
    circle: tuple[float, float, float] | None = None  # lon_deg, lat_deg, radius_m
    name: Text = ""
    lookahead_s: Annotated[float, Gt(0), Le(3600)] = 180.0
    margin_m: Margin = 0.0
    margin_vertical_m: Margin = 0.0
    predicted_probability: Probability = 0.5
    imminent_s: Annotated[float, Ge(0), Le(3600)] = 60.0
    active: tuple[tuple[int, int], ...] | None = None
    ignore: tuple[Text, ...] = ()
    kind: Text = ""
    daily: tuple[DailyWindow, ...] = ()

    def __post_init__(self) -> None:
        if not self.floor_m < self.ceiling_m:
            raise ConfigError("ceiling_m", self.ceiling_m, f"a number greater than floor_m, which is {self.floor_m}")
        if (self.circle is None) != bool(self.polygons):
            raise ConfigError("polygons", len(self.polygons), "polygons, or else a circle")
        end = None
        for i, (start, stop) in enumerate(self.active or ()):
            if start >= stop:
                raise ConfigError(f"active[{i}]", (start, stop), "[from, to] with from before to")
            if end is not None and start < end:
                raise ConfigError(f"active[{i}]", (start, stop), "an interval that begins after the one before it ends")
            end = stop


@dataclass(frozen=True, slots=True)
class AlertsConfig:
    """How alerts are held, and how the line that carries them is tested."""

    clear_part: Probability = 0.2
    hold_s: Annotated[float, Ge(0), Le(3600)] = 50.0
    lost_inside_s: Annotated[float, Ge(0), Le(86_400)] = 60.0
    diverted_after_s: Annotated[float, Ge(1), Le(600)] = 60.0
    test_every_s: Annotated[float, Ge(0), Le(31_536_000)] = 86_400.0

    def __post_init__(self) -> None:
        if 0.0 < self.test_every_s < 1.0:
            raise ConfigError("test_every_s", self.test_every_s, "0 for never, or a number from 1 on")


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    origin: Place
    name: Text = "skypicket"
    zones: tuple[Text, ...] = ()
    bad_zones: Literal["stop", "leave out"] = "stop"
    report_period_s: Annotated[float, Ge(0.01), Le(3600)] = 1.0
    ingest: Endpoint = "tcp://127.0.0.1:5801"
    publish: Endpoint = "tcp://127.0.0.1:5802"
    requests: Endpoint = "tcp://127.0.0.1:5803"
    data: Annotated[Text, MinLen(1)] = (
        "skypicket-data"  # folder of the alert journal, relative to the configuration file
    )

    def __post_init__(self) -> None:
        names = ("ingest", "publish", "requests")
        for i, name in enumerate(names):
            for other in names[:i]:
                if clash(getattr(self, name), getattr(self, other)):
                    raise ConfigError(name, getattr(self, name), f"another address than that of {other}")


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """A whole `site.toml` with its zones read in."""

    service: ServiceConfig
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    sensor: tuple[SensorConfig, ...] = ()
    zones: tuple[ZoneConfig, ...] = ()
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    left_out: tuple[ConfigError, ...] = ()  # zones of its files that cannot be used, where it goes on without them

    def __post_init__(self) -> None:
        for kind, ids in (("sensor", [s.id for s in self.sensor]), ("zone", [z.id for z in self.zones])):
            known: set[str] = set()
            for i, name in enumerate(ids):
                if name in known:
                    raise ConfigError(f"{kind}[{i}].id", name, f"an id that no other {kind} has")
                known.add(name)
