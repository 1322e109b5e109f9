"""The first rows of new tracks."""

from __future__ import annotations

from fusion.kernels.jit import entry


@entry(
    "void(i8, i8, i8, i8[::1], i8[::1], f8[::1], f8[:,::1], f8[:,:,::1], f8[::1], f8[::1], f8[::1], i8[::1],"
    " f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,::1], i8[:,::1], i8[:,::1],"
    " i8[:,::1])"
)
def begin(  # type: ignore[no-untyped-def]
    first, sensor, frame_ns, chosen, detected_ns, likely, new_mean, new_covariance, prior, seen, existence, time_ns,
    weight, mean, covariance, created_ns, updated_ns, hits, birthplace, visible, looked_ns, covered_ns, hit_ns,
):  # fmt: skip
    """Fill zeroed rows from `first` on, one for each of `chosen`: tentative, detected once, alike in every mode.

    chosen: (b,) of the possible new objects.  detected_ns: (b,).  likely, new_mean, new_covariance: of all possible
    ones.  prior: (m,) of the modes.  seen: (s,) P(sensor can see it), before any look.
    """
    for k in range(chosen.size):
        row, one = first + k, chosen[k]
        existence[row], hits[row] = likely[one], 1
        time_ns[row] = created_ns[row] = updated_ns[row] = detected_ns[k]
        covered_ns[row, sensor] = frame_ns
        looked_ns[row, sensor] = hit_ns[row, sensor] = detected_ns[k]
        for s in range(seen.size):
            visible[row, s] = seen[s]
        visible[row, sensor] = 1.0
        for a in range(3):
            birthplace[row, a] = new_mean[one, a]
        for j in range(prior.size):
            weight[row, j] = prior[j]
            for a in range(6):
                mean[row, j, a] = new_mean[one, a]
                for b in range(6):
                    covariance[row, j, a, b] = new_covariance[one, a, b]
