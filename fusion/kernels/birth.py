"""Where each detection says that its object is. The readable twin is `fusion.tracking.births.births`."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.earth import height_at, up_at
from fusion.kernels.jit import apart, entry, inner
from fusion.kernels.measure import measure
from fusion.tracking.births import NEAREST_M, STEEPEST_RAD, STRAY_SHARE, STRAY_WIDTH, THIN
from fusion.types import ALTITUDE, AZIMUTH, EAST, ELEVATION, NORTH, RANGE, RANGE_RATE, UP

LOW, HIGH, MEAN, SIGMA, SPEED, CLIMB = range(6)  # places in `prior`


@apart
def _normal(value, mean, sigma):  # type: ignore[no-untyped-def]
    return math.exp(-0.5 * ((value - mean) / sigma) ** 2) / (sigma * math.sqrt(2.0 * math.pi))


@apart
def _height_density(height, sigma, prior):  # type: ignore[no-untyped-def]
    """Density of a measured height, 1/m: the prior widened by the measurement, with a tail of strays."""
    common = _normal(height, prior[MEAN], math.sqrt(prior[SIGMA] ** 2 + sigma**2))
    stray = _normal(height, prior[MEAN], math.sqrt((STRAY_WIDTH * prior[SIGMA]) ** 2 + sigma**2))
    return (1.0 - STRAY_SHARE) * common + STRAY_SHARE * stray


@inner
def _turned(right, forward, up, axes):  # type: ignore[no-untyped-def]
    """Sensor axes to plane axes."""
    return (
        right * axes[0, 0] + forward * axes[1, 0] + up * axes[2, 0],
        right * axes[0, 1] + forward * axes[1, 1] + up * axes[2, 1],
        right * axes[0, 2] + forward * axes[1, 2] + up * axes[2, 2],
    )


@inner
def _spread(covariance, first, second, third, lengths):  # type: ignore[no-untyped-def]
    """The position's covariance from three axes and the standard deviations along them."""
    least = THIN * max(lengths)
    p, q, r = max(lengths[0], least) ** 2, max(lengths[1], least) ** 2, max(lengths[2], least) ** 2
    for a in range(3):
        for b in range(3):
            covariance[a, b] = p * (first[a] * first[b]) + q * (second[a] * second[b]) + r * (third[a] * third[b])


@apart
def _solve_elevation(slant, azimuth, height, sigma, position, axes, earth, own, prior):  # type: ignore[no-untyped-def]
    """The elevation at which a plan detection has that height, kept inside the coverage, and its sigma."""
    low, high = max(prior[LOW], -STEEPEST_RAD), min(prior[HIGH], STEEPEST_RAD)
    elevation = math.asin(min(max((height - own) / slant, -1.0), 1.0))
    for _ in range(3):  # the earth curves away: two corrections are within a metre at 400 km
        elevation = min(max(elevation, low), high)
        run = math.cos(elevation)
        x, y, z = _turned(run * math.sin(azimuth), run * math.cos(azimuth), math.sin(elevation), axes)
        there = height_at(earth, position[0] + slant * x, position[1] + slant * y, position[2] + slant * z)
        elevation += (height - there) / (slant * run)
    elevation = min(max(elevation, low), high)
    return elevation, min(sigma / (slant * math.cos(elevation)), (high - low) / math.sqrt(12.0))


@apart
def _from_polar(value, sigma, position, axes, earth, own, prior, mean, covariance):  # type: ignore[no-untyped-def]
    """Writes position and its covariance; returns the density by unit of plan intensity."""
    slant, azimuth, elevation = max(value[RANGE], NEAREST_M), value[AZIMUTH], value[ELEVATION]
    height, sigma_height = value[ALTITUDE], sigma[ALTITUDE]
    if math.isnan(height):
        height, sigma_height = prior[MEAN], prior[SIGMA]
    sigma_elevation = sigma[ELEVATION]
    if math.isnan(elevation):
        elevation, sigma_elevation = _solve_elevation(
            slant, azimuth, height, sigma_height, position, axes, earth, own, prior
        )
    sine, cosine, rise, run = math.sin(azimuth), math.cos(azimuth), math.sin(elevation), math.cos(elevation)
    radial = _turned(run * sine, run * cosine, rise, axes)
    across = slant * sigma_elevation  # along the arc, which bends away from its tangent by this squared / 2 r
    along = math.sqrt(sigma[RANGE] ** 2 + 0.5 * (across * across / slant) ** 2)
    _spread(
        covariance, radial, _turned(cosine, -sine, 0.0, axes), _turned(-rise * sine, -rise * cosine, run, axes),
        (along, slant * run * sigma[AZIMUTH], across),
    )  # fmt: skip
    reach = slant - 0.5 * min(across * across / slant, slant)
    for a in range(3):
        mean[a] = position[a] + reach * radial[a]
    density = slant * run * run
    if not math.isnan(value[ELEVATION]):
        here = height_at(earth, mean[0], mean[1], mean[2])
        density *= slant * run * _height_density(here, slant * run * sigma_elevation, prior)
    if not math.isnan(value[ALTITUDE]):
        density *= _height_density(height, sigma_height, prior)
    return density


@apart
def _from_cartesian(value, sigma, position, axes, earth, prior, mean, covariance):  # type: ignore[no-untyped-def]
    """The same from east and north."""
    x, y, z = _turned(value[EAST], value[NORTH], 0.0, axes)
    ground = height_at(earth, position[0] + x, position[1] + y, position[2] + z)
    height, sigma_up, density = value[ALTITUDE], sigma[ALTITUDE], 1.0
    if math.isnan(height):
        height, sigma_up = prior[MEAN], prior[SIGMA]
    else:
        density *= _height_density(height, sigma_up, prior)
    up = height - ground
    if not math.isnan(value[UP]):
        up, sigma_up = value[UP], sigma[UP]
        density *= _height_density(ground + up, sigma_up, prior)
    offset = _turned(value[EAST], value[NORTH], up, axes)
    for a in range(3):
        mean[a] = position[a] + offset[a]
    _spread(covariance, axes[0], axes[1], axes[2], (sigma[EAST], sigma[NORTH], sigma_up))
    return density


@apart
def _take_rate(value, sigma, position, axes, earth, mean, covariance, gradient, gain):  # type: ignore[no-untyped-def]
    """Update a new state with its range rate, in place; returns the rate's prior density."""
    expected = measure(RANGE_RATE, position, axes, earth, mean, gradient)
    innovation = sigma * sigma
    for a in range(6):
        gain[a] = 0.0
        for b in range(6):
            gain[a] += covariance[a, b] * gradient[b]
    for a in range(6):
        innovation += gradient[a] * gain[a]
    for a in range(6):
        mean[a] += gain[a] / innovation * (value - expected)
        for b in range(6):
            covariance[a, b] -= gain[a] * gain[b] / innovation
    return _normal(value, 0.0, math.sqrt(innovation))


@entry("i8(i8[::1], f8[:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,:,::1], f8[::1])")
def births(codes, values, sigmas, position, axes, earth, prior, mean, covariance, density):  # type: ignore[no-untyped-def]
    """One possible new object a detection.

    prior: (6,) lowest and highest elevation of the coverage, altitude mean and sigma, speed and climb sigma.
    Writes mean (n, 6), covariance (n, 6, 6) and density (n,), NaN where a detection says not enough. Returns how many
    say enough.
    """
    usable = 0
    own = height_at(earth, position[0], position[1], position[2])
    value, sigma, gradient, gain = np.empty(8), np.zeros(8), np.empty(6), np.empty(6)
    for d in range(values.shape[0]):
        for code in range(8):
            value[code] = np.nan
        for a in range(6):
            mean[d, a] = 0.0
            for b in range(6):
                covariance[d, a, b] = 0.0
        for c in range(codes.size):
            value[codes[c]], sigma[codes[c]] = values[d, c], sigmas[d, c]
        if not (math.isnan(value[EAST]) or math.isnan(value[NORTH])):
            density[d] = _from_cartesian(value, sigma, position, axes, earth, prior, mean[d], covariance[d])
        elif not (math.isnan(value[RANGE]) or math.isnan(value[AZIMUTH])):
            density[d] = _from_polar(value, sigma, position, axes, earth, own, prior, mean[d], covariance[d])
        else:
            density[d] = np.nan
            continue
        usable += 1
        up = up_at(earth, mean[d, 0], mean[d, 1], mean[d, 2])
        for a in range(3):
            for b in range(3):
                vertical, flat = up[a] * up[b], (1.0 if a == b else 0.0) - up[a] * up[b]
                covariance[d, 3 + a, 3 + b] = prior[SPEED] ** 2 * flat + prior[CLIMB] ** 2 * vertical
        if not math.isnan(value[RANGE_RATE]):
            density[d] *= _take_rate(
                value[RANGE_RATE], sigma[RANGE_RATE], position, axes, earth, mean[d], covariance[d], gradient, gain
            )
    return usable
