"""New Bernoulli tracks: where a detection says that its object is, and how dense undetected objects are there."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from fusion.config import TrackerConfig
from fusion.geodesy import Plane
from fusion.tracking.sensors import Placement, Station, measure
from fusion.types import ALTITUDE, AZIMUTH, EAST, ELEVATION, NORTH, RANGE, RANGE_RATE, UP, Floats, Frame, Ints

STEEPEST_RAD = math.radians(80.0)  # steeper, height says nothing about plan position
STRAY_SHARE = 0.1  # of objects whose height is not as the configured prior has it: it is a guess, not a law,
STRAY_WIDTH = 5.0  # and they lie this many times as wide
THIN = 1e-6  # no axis of a new position's spread is thinner than this part of the widest: 16 digits hold no more
NEAREST_M = 1.0  # a detection at no range at all still has a place


@dataclass(frozen=True, slots=True, eq=False)
class Births:
    """One possible new object a usable detection. rows: (b,) of the frame. density: (b,), what the detections of
    undetected objects add there, in the units of the false alarms (without detection probability)."""

    rows: Ints
    mean: Floats  # (b, 6)
    covariance: Floats  # (b, 6, 6)
    spread: Floats  # (b,) measurement density by square metre of plan, times the prior of height and rate

    def density(self, intensity: Floats) -> Floats:
        """With the undetected intensity at each position, objects a square metre: (b,)."""
        return self.spread * intensity


def can_begin(station: Station) -> bool:
    """Whether one detection of this sensor says where its object is."""
    codes = station.codes.tolist()
    return (RANGE in codes and AZIMUTH in codes) or (EAST in codes and NORTH in codes)


def prior_of(station: Station, config: TrackerConfig) -> Floats:
    """(6,) for the kernels: elevations of the coverage, altitude mean and sigma, speed and climb sigma."""
    low_deg, high_deg = station.config.coverage.elevation_deg or (-89.0, 89.0)
    altitude = config.altitude_m
    return _prior(
        low_deg, high_deg, altitude.mean, altitude.sigma, config.initial_speed_mps, config.initial_climb_mps
    )  # fmt: skip


@functools.lru_cache(maxsize=1024)  # one for each sensor: nobody may write into it
def _prior(low_deg: float, high_deg: float, *others: float) -> Floats:
    return np.array([math.radians(low_deg), math.radians(high_deg), *others])


def births(frame: Frame, station: Station, placement: Placement, plane: Plane, config: TrackerConfig) -> Births:
    """Position, spread and prior density for each detection of a sensor that `can_begin`.

    The readable twin of `fusion.kernels.birth`, for the filterpy engine.
    """
    if EAST in station.codes:
        rows, position, spread, density = _from_cartesian(frame, station, placement, plane, config)
    else:
        rows, position, spread, density = _from_polar(frame, station, placement, plane, config)
    up = plane.up_at(position)
    vertical = up[:, :, None] * up[:, None, :]
    mean, covariance = np.zeros((len(rows), 6)), np.zeros((len(rows), 6, 6))
    mean[:, :3] = position
    covariance[:, :3, :3] = spread
    covariance[:, 3:, 3:] = (
        config.initial_speed_mps**2 * (np.eye(3) - vertical) + config.initial_climb_mps**2 * vertical
    )
    if RANGE_RATE in station.codes:
        density = density * _take_rate(frame, station, placement, plane, rows, mean, covariance, config)
    return Births(rows, mean, covariance, density)


def _from_polar(
    frame: Frame, station: Station, placement: Placement, plane: Plane, config: TrackerConfig
) -> tuple[Ints, Floats, Floats, Floats]:
    """rows, position (b, 3), its covariance (b, 3, 3), density by unit of plan intensity (b,)."""
    codes = station.codes.tolist()
    slant, azimuth = frame.values[:, codes.index(RANGE)], frame.values[:, codes.index(AZIMUTH)]
    rows = np.flatnonzero(~np.isnan(slant) & ~np.isnan(azimuth))
    slant, azimuth = np.maximum(slant[rows], NEAREST_M), azimuth[rows]
    elevation, sigma_elevation = np.full(len(rows), np.nan), np.zeros(len(rows))
    if ELEVATION in codes:
        elevation = frame.values[rows, codes.index(ELEVATION)]
        sigma_elevation = frame.sigmas[rows, codes.index(ELEVATION)]
    height, sigma_height = _height(frame, codes, rows, config)
    flat = np.isnan(elevation)
    if flat.any():
        solved, sigma = _solve_elevation(slant, azimuth, height, sigma_height, station, placement, plane)
        elevation, sigma_elevation = np.where(flat, solved, elevation), np.where(flat, sigma, sigma_elevation)
    sines = np.stack([np.sin(azimuth), np.cos(azimuth)])
    rise, run = np.sin(elevation), np.cos(elevation)
    radial = _turned(np.stack([run * sines[0], run * sines[1], rise], axis=1), placement)
    across = _turned(np.stack([sines[1], -sines[0], np.zeros(len(rows))], axis=1), placement)
    upward = _turned(np.stack([-rise * sines[0], -rise * sines[1], run], axis=1), placement)
    bent = slant * sigma_elevation**2  # twice by what the arc bends away from its tangent
    lengths = (
        (radial, np.sqrt(frame.sigmas[rows, codes.index(RANGE)] ** 2 + 0.5 * bent**2)),
        (across, slant * run * frame.sigmas[rows, codes.index(AZIMUTH)]),
        (upward, slant * sigma_elevation),
    )
    least = THIN * np.max([length for _, length in lengths], axis=0)
    spread = sum(
        (np.maximum(length, least) ** 2)[:, None, None] * axis[:, :, None] * axis[:, None, :]
        for axis, length in lengths
    )
    reach = slant - 0.5 * np.minimum(bent, slant)
    position = placement.position + reach[:, None] * radial
    density = slant * run * run
    if ELEVATION in codes:
        here = plane.to_geodetic(position)[2]
        density = density * np.where(
            flat, 1.0, slant * run * _height_density(here, slant * run * sigma_elevation, config)
        )
    if ALTITUDE in codes:
        measured = ~np.isnan(frame.values[rows, codes.index(ALTITUDE)])
        density = density * np.where(measured, _height_density(height, sigma_height, config), 1.0)
    return rows, position, np.asarray(spread), density


def _solve_elevation(
    slant: Floats, azimuth: Floats, height: Floats, sigma_height: Floats, station: Station, placement: Placement,
    plane: Plane,
) -> tuple[Floats, Floats]:  # fmt: skip
    """The elevation at which a plan detection has that height, kept inside the coverage, and its sigma."""
    low_deg, high_deg = station.config.coverage.elevation_deg or (-89.0, 89.0)
    low, high = math.radians(low_deg), math.radians(high_deg)
    low, high = max(low, -STEEPEST_RAD), min(high, STEEPEST_RAD)
    own = plane.to_geodetic(placement.position[None])[2][0]
    elevation = np.arcsin(np.clip((height - own) / slant, -1.0, 1.0))
    for _ in range(3):  # the earth curves away: two corrections are within a metre at 400 km
        elevation = np.clip(elevation, low, high)
        run = np.cos(elevation)
        direction = np.stack([run * np.sin(azimuth), run * np.cos(azimuth), np.sin(elevation)], axis=1)
        there = plane.to_geodetic(placement.position + slant[:, None] * _turned(direction, placement))[2]
        elevation = elevation + (height - there) / (slant * run)
    elevation = np.clip(elevation, low, high)
    uniform = (high - low) / math.sqrt(12.0)
    return elevation, np.minimum(sigma_height / (slant * np.cos(elevation)), uniform)


def _from_cartesian(
    frame: Frame, station: Station, placement: Placement, plane: Plane, config: TrackerConfig
) -> tuple[Ints, Floats, Floats, Floats]:
    codes = station.codes.tolist()
    east, north = frame.values[:, codes.index(EAST)], frame.values[:, codes.index(NORTH)]
    rows = np.flatnonzero(~np.isnan(east) & ~np.isnan(north))
    height, sigma_height = _height(frame, codes, rows, config)
    local = np.stack([east[rows], north[rows], np.zeros(len(rows))], axis=1)
    ground = plane.to_geodetic(placement.position + _turned(local, placement))[2]
    up, sigma_up = height - ground, sigma_height
    density = np.ones(len(rows))
    if ALTITUDE in codes:
        measured = ~np.isnan(frame.values[rows, codes.index(ALTITUDE)])
        density = np.where(measured, _height_density(height, sigma_height, config), 1.0)
    if UP in codes:
        told = frame.values[rows, codes.index(UP)]
        sigma = frame.sigmas[rows, codes.index(UP)]
        known = ~np.isnan(told)
        density = density * np.where(known, _height_density(ground + told, sigma, config), 1.0)
        up, sigma_up = np.where(known, told, up), np.where(known, sigma, sigma_up)
    local[:, 2] = up
    sigmas = np.stack([frame.sigmas[rows, codes.index(EAST)], frame.sigmas[rows, codes.index(NORTH)], sigma_up])
    sigmas = np.maximum(sigmas, THIN * np.max(sigmas, axis=0))
    spread = sum(
        (sigmas[i] ** 2)[:, None, None] * placement.axes[i][None, :, None] * placement.axes[i][None, None, :]
        for i in range(3)
    )
    return rows, placement.position + _turned(local, placement), np.asarray(spread), density


def _height(frame: Frame, codes: list[int], rows: Ints, config: TrackerConfig) -> tuple[Floats, Floats]:
    """Measured height and sigma where there is one, else the prior's: (b,) each."""
    height = np.full(len(rows), config.altitude_m.mean)
    sigma = np.full(len(rows), config.altitude_m.sigma)
    if ALTITUDE in codes:
        value = frame.values[rows, codes.index(ALTITUDE)]
        known = ~np.isnan(value)
        height = np.where(known, value, height)
        sigma = np.where(known, frame.sigmas[rows, codes.index(ALTITUDE)], sigma)
    return height, sigma


def _take_rate(
    frame: Frame, station: Station, placement: Placement, plane: Plane, rows: Ints, mean: Floats, covariance: Floats,
    config: TrackerConfig,
) -> Floats:  # fmt: skip
    """Update the new states with their range rate, in place; returns its prior density (b,)."""
    column = station.codes.tolist().index(RANGE_RATE)
    value, sigma = frame.values[rows, column], frame.sigmas[rows, column]
    known = ~np.isnan(value)
    expected, gradient = measure(RANGE_RATE, placement, plane, mean)
    carried = (covariance * gradient[:, None, :]).sum(axis=2)
    innovation = (gradient * carried).sum(axis=1) + sigma**2
    gain = np.where(known[:, None], carried / innovation[:, None], 0.0)
    mean += gain * np.where(known, value - expected, 0.0)[:, None]
    covariance -= gain[:, :, None] * carried[:, None, :]
    return np.where(known, _normal(np.where(known, value, 0.0), 0.0, np.sqrt(innovation)), 1.0)


def _turned(local: Floats, placement: Placement) -> Floats:
    """(b, 3) right, forward, up of the sensor to plane axes."""
    return np.asarray(sum(local[:, i, None] * placement.axes[i] for i in range(3)))


def _height_density(height: Floats, sigma: Floats, config: TrackerConfig) -> Floats:
    """Density of measured heights, (b,) 1/m: the prior widened by the measurement, with a tail of strays."""
    prior = config.altitude_m
    common = _normal(height, prior.mean, np.sqrt(prior.sigma**2 + sigma**2))
    stray = _normal(height, prior.mean, np.sqrt((STRAY_WIDTH * prior.sigma) ** 2 + sigma**2))
    return (1.0 - STRAY_SHARE) * common + STRAY_SHARE * stray


def _normal(value: Floats, mean: float, sigma: Floats) -> Floats:
    return np.exp(-0.5 * ((value - mean) / sigma) ** 2) / (sigma * math.sqrt(2.0 * math.pi))
