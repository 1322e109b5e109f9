"""Every reference becomes a height above the ellipsoid, as published tables and points say."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.heights import above_sea, ellipsoidal, standard_height_m, undulation_m
from fusion.errors import ConfigError

# The test points that NGA publishes with EGM96: latitude, longitude, height of the geoid above the ellipsoid, m.
EGM96_POINTS = [
    (38.6281550, 269.7791550, -31.628),
    (-14.6212170, 305.0211140, -2.969),
    (46.8743190, 102.4487290, -43.575),
    (-23.6174460, 133.8747120, 15.871),
    (38.6254730, 359.9995000, 50.066),
    (-0.4667440, 0.0023000, 17.329),
]
# ICAO Doc 7488, table 1: pressure in hPa, geopotential and geometric height in m.
ISA_TABLE = [(1013.25, 0.0, 0.0), (954.61, 500.0, 500.0), (898.75, 1000.0, 1000.2), (540.20, 5000.0, 5003.9)]
ISA_TABLE += [(264.36, 10_000.0, 10_016.0)]


@pytest.mark.parametrize(("lat", "lon", "geoid"), EGM96_POINTS)
def test_sea_level_is_where_egm96_has_it(lat, lon, geoid):
    """Within three times the 0.45 m by which the package's grid of 1 degree is off."""
    assert undulation_m(np.array([lat]), np.array([lon]))[0] == pytest.approx(geoid, abs=1.35)


def test_longitudes_may_go_on_past_180():
    lat = np.array([10.0, 10.0, 10.0])
    one, other, third = undulation_m(lat, np.array([-175.0, 185.0, 545.0]))
    assert one == other == third


@pytest.mark.parametrize(("pressure", "geopotential", "geometric"), ISA_TABLE)
def test_the_standard_atmosphere_is_that_of_icao(pressure, geopotential, geometric):
    assert standard_height_m(pressure) == pytest.approx(geopotential, abs=0.15)
    assert above_sea(np.array([geopotential]), 1013.25)[0] == pytest.approx(geometric, abs=0.3)


def test_a_flight_level_lies_higher_where_the_pressure_is_high():
    """About 27 ft a hPa near the ground: FL100 at QNH 1023.25 is near 10 270 ft, at 1003.25 near 9 725 ft."""
    level = np.array([10_000 * 0.3048])
    high, standard, low = (above_sea(level, 1013.25 + d)[0] / 0.3048 for d in (10.0, 0.0, -10.0))
    assert high - standard == pytest.approx(272, abs=3)
    assert standard - low == pytest.approx(274, abs=3)


def test_each_reference_adds_what_it_says():
    lat, lon, height = np.array([50.0]), np.array([14.4]), np.array([1000.0])
    sea = undulation_m(lat, lon)
    assert ellipsoidal(height, "ellipsoid", lat, lon)[0] == 1000.0
    assert ellipsoidal(height, "msl", lat, lon) == pytest.approx(1000.0 + sea)
    assert ellipsoidal(height, "agl", lat, lon, ground_m=350.0)[0] == 1350.0
    assert ellipsoidal(height, "pressure", lat, lon, qnh_hpa=1013.25) == pytest.approx(1000.16 + sea, abs=0.01)


@pytest.mark.parametrize(("reference", "key"), [("pressure", "qnh_hpa"), ("agl", "ground_m")])
def test_a_reference_without_its_number_is_refused(reference, key):
    with pytest.raises(ConfigError) as caught:
        ellipsoidal(np.zeros(1), reference, np.zeros(1), np.zeros(1))
    assert caught.value.key == key
