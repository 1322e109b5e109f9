"""The plane and the ellipsoid: against an outside library, and against themselves."""

import numpy as np
import pymap3d
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.geodesy import SEMI_MINOR_M, Plane, axes_at, from_ecef, to_ecef
from fusion.types import Place

places = st.builds(Place, st.floats(-89.9, 89.9), st.floats(-180.0, 180.0), st.floats(-500.0, 50_000.0))
offsets = st.tuples(st.floats(-500e3, 500e3), st.floats(-500e3, 500e3), st.floats(-5e3, 30e3))


@given(places)
def test_earth_centred_coordinates_agree_with_pymap3d(place):
    ours = to_ecef(place.lat_deg, place.lon_deg, place.alt_m)
    theirs = pymap3d.geodetic2ecef(place.lat_deg, place.lon_deg, place.alt_m)
    assert np.allclose(ours, theirs, rtol=0.0, atol=1e-6)


@given(places)
def test_geodetic_coordinates_come_back_below_a_micrometre(place):
    lat, lon, alt = from_ecef(to_ecef(place.lat_deg, place.lon_deg, place.alt_m))
    assert abs(lat - place.lat_deg) < 1e-11
    assert abs((lon - place.lon_deg + 180.0) % 360.0 - 180.0) < 1e-11
    assert abs(alt - place.alt_m) < 1e-6


@given(places, offsets)
def test_the_plane_is_rigid_and_agrees_with_pymap3d(origin, offset):
    plane = Plane(origin)
    lat, lon, alt = plane.to_geodetic(np.array(offset))
    theirs = pymap3d.enu2geodetic(*offset, origin.lat_deg, origin.lon_deg, origin.alt_m)
    assert np.allclose([lat, alt], [theirs[0], theirs[2]], rtol=0.0, atol=1e-5)
    assert np.allclose(plane.to_local(lat, lon, alt), offset, rtol=0.0, atol=1e-5)


@given(places, offsets)
def test_the_vertical_stays_within_its_promise(origin, offset):
    plane = Plane(origin)
    position = np.array([offset])
    lat, lon, alt = plane.to_geodetic(position)
    exact = plane.local_axes(lat, lon)[:, 2]
    assert np.abs(plane.up_at(position) - exact).max() < 1.1e-5 * max(abs(alt[0]) / 20e3, 1e-3)


def test_axes_point_east_north_and_up_at_greenwich_on_the_equator():
    assert axes_at(0.0, 0.0) == pytest.approx(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]))


def test_heights_are_not_read_off_the_plane():
    plane = Plane(Place(47.5, 19.0, 0.0))
    _, _, height = plane.to_geodetic(np.array([111_000.0, 0.0, 0.0]))
    assert 900.0 < height < 1000.0  # d² / 2R: the earth fell away by a kilometre


@given(places, st.lists(offsets, min_size=1, max_size=5))
def test_places_and_axes_at_once_are_those_made_one_by_one(origin, several):
    plane = Plane(origin)
    lat, lon, alt, axes = plane.places(np.array(several))
    for row, offset in enumerate(several):
        one = plane.to_geodetic(np.array(offset))
        assert (lat[row], lon[row], alt[row]) == one
        assert np.allclose(axes[row], plane.local_axes(*one[:2]), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_a_place_over_a_pole_has_the_axes_of_its_meridian(pole):
    plane = Plane(Place(pole, 0.0, 0.0))
    over = (np.array([0.0, 0.0, SEMI_MINOR_M + 1000.0]) * np.sign(pole) - plane.centre)[None]
    lat, _, alt, axes = plane.places(np.stack([axis @ over[0] for axis in plane.axes])[None])
    assert lat == pytest.approx(pole)
    assert alt == pytest.approx(1000.0)
    assert np.allclose(np.abs(np.linalg.det(axes)), 1.0)
    assert np.allclose(axes[0, 2], [0.0, 0.0, 1.0], atol=1e-9)


def test_the_centre_of_the_earth_gives_numbers():
    assert np.isfinite(from_ecef(np.zeros(3))).all()
