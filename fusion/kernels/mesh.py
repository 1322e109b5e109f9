"""A polygon as its edges in a grid: whether a point is in it, and where a straight line crosses its edges.

Even-odd rule over all rings, so holes and parts need nothing of their own. The grid makes both questions cost what the
cells on their way hold.
"""

from __future__ import annotations

import math

from fusion.kernels.jit import entry, leaf

SLACK = 1e-9  # of a cell, by which an edge is listed in a neighbour too: rounding must not lose it between them
EMPTY_OUT, EMPTY_IN, MIXED = 0, 1, 2  # of a cell: without edges and outside, without edges and inside, with edges


@leaf
def _cell(value, low, per, cells):  # type: ignore[no-untyped-def]
    """The cell of a coordinate, `per` cells a metre from `low`; what is beyond an end belongs to the last."""
    return min(max(math.floor((value - low) * per), 0), cells - 1)


@leaf
def _columns(edges, e, mesh, row):  # type: ignore[no-untyped-def]
    """The first and last column of edge `e` within a row of the grid; none where it does not come there: (1, 0)."""
    x0, y0, x1, y1 = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
    cells = int(mesh[4])
    low, high = mesh[1] + (row - SLACK) / mesh[3], mesh[1] + (row + 1.0 + SLACK) / mesh[3]
    if max(y0, y1) < low or min(y0, y1) > high:
        return 1, 0
    if y0 > y1:
        x0, y0, x1, y1 = x1, y1, x0, y0
    a, b = x0, x1
    if y1 > y0:
        slope = (x1 - x0) / (y1 - y0)
        if y0 < low:
            a = x0 + (low - y0) * slope
        if y1 > high:
            b = x0 + (high - y0) * slope
    slack = SLACK / mesh[2]
    return _cell(min(a, b) - slack, mesh[0], mesh[2], cells), _cell(max(a, b) + slack, mesh[0], mesh[2], cells)


@entry("void(f8[:,::1], f8[::1], i8[::1], i8[::1])")
def count_cells(edges, mesh, first, rows):  # type: ignore[no-untyped-def]
    """Turn `first` (cells² + 1,), zeros, into where each cell's list begins. rows: (2,) scratch.

    edges: (n, 4) x0, y0, x1, y1.  mesh: least x and y, cells a metre along x and y, cells each way.
    """
    cells = int(mesh[4])
    for e in range(edges.shape[0]):
        rows[0] = _cell(min(edges[e, 1], edges[e, 3]) - SLACK / mesh[3], mesh[1], mesh[3], cells)
        rows[1] = _cell(max(edges[e, 1], edges[e, 3]) + SLACK / mesh[3], mesh[1], mesh[3], cells)
        for row in range(rows[0], rows[1] + 1):
            begin, end = _columns(edges, e, mesh, row)
            for column in range(begin, end + 1):
                first[row * cells + column + 1] += 1
    for i in range(cells * cells):
        first[i + 1] += first[i]


@entry("void(f8[:,::1], f8[::1], i8[::1], i8[::1], i8[::1])")
def fill_cells(edges, mesh, first, listed, kind):  # type: ignore[no-untyped-def]
    """Fill `listed` with the edges of each cell, in order, and `kind` (cells²,) with what each cell is."""
    cells = int(mesh[4])
    kind[:] = 0
    for e in range(edges.shape[0]):
        begin_row = _cell(min(edges[e, 1], edges[e, 3]) - SLACK / mesh[3], mesh[1], mesh[3], cells)
        end_row = _cell(max(edges[e, 1], edges[e, 3]) + SLACK / mesh[3], mesh[1], mesh[3], cells)
        for row in range(begin_row, end_row + 1):
            begin, end = _columns(edges, e, mesh, row)
            for column in range(begin, end + 1):
                cell = row * cells + column
                listed[first[cell] + kind[cell]] = e
                kind[cell] += 1
    for row in range(cells):
        y, parity = mesh[1] + (row + 0.5) / mesh[3], 0
        for column in range(cells):
            cell = row * cells + column
            if first[cell] == first[cell + 1]:
                kind[cell] = EMPTY_IN if parity else EMPTY_OUT
                continue
            kind[cell] = MIXED
            for k in range(first[cell], first[cell + 1]):
                e = listed[k]
                y0, y1 = edges[e, 1], edges[e, 3]
                if (y0 > y) != (y1 > y):
                    x = edges[e, 0] + (y - y0) / (y1 - y0) * (edges[e, 2] - edges[e, 0])
                    if _cell(x, mesh[0], mesh[2], cells) == column:
                        parity ^= 1


@leaf
def within(x, y, edges, mesh, first, listed, kind):  # type: ignore[no-untyped-def]
    """Whether a point is in the polygon: a ray towards greater x, up to the first cell without edges."""
    cells = int(mesh[4])
    across, up = (x - mesh[0]) * mesh[2], (y - mesh[1]) * mesh[3]
    if not (0.0 <= across <= cells and 0.0 <= up <= cells):
        return False
    begin, row = min(int(across), cells - 1), min(int(up), cells - 1)
    parity = 0
    for column in range(begin, cells):
        cell = row * cells + column
        if kind[cell] != MIXED:
            return (parity ^ kind[cell]) == 1
        for k in range(first[cell], first[cell + 1]):
            e = listed[k]
            y0, y1 = edges[e, 1], edges[e, 3]
            if (y0 > y) != (y1 > y):
                at = edges[e, 0] + (y - y0) / (y1 - y0) * (edges[e, 2] - edges[e, 0])
                if at > x and max(_cell(at, mesh[0], mesh[2], cells), begin) == column:
                    parity ^= 1
    return parity == 1


@leaf
def cuts(ax, ay, bx, by, edges, mesh, first, listed, kind, found):  # type: ignore[no-untyped-def]
    """Where the line from a to b crosses edges: `found` gets the parts of the way, 0 to 1, in order, some twice.

    Returns how many. Where there are more than `found` has room for, the last are left out.
    """
    cells, count = int(mesh[4]), 0
    ux, uy = (ax - mesh[0]) * mesh[2], (ay - mesh[1]) * mesh[3]  # in cells
    dx, dy = (bx - ax) * mesh[2], (by - ay) * mesh[3]
    left, right = math.floor(min(ux, ux + dx) - SLACK), math.floor(max(ux, ux + dx) + SLACK)
    down, up = math.floor(min(uy, uy + dy) - SLACK), math.floor(max(uy, uy + dy) + SLACK)
    if right < 0.0 or left >= cells or up < 0.0 or down >= cells:
        return 0
    if right - left + up - down <= 2.0:  # the usual case: a short line, at most four cells
        for row in range(max(int(down), 0), min(int(up), cells - 1) + 1):
            for column in range(max(int(left), 0), min(int(right), cells - 1) + 1):
                cell = row * cells + column
                for k in range(first[cell], first[cell + 1]):
                    count = _cut(ax, ay, bx - ax, by - ay, edges, listed[k], found, count)
        return count
    low, high = 0.0, 1.0
    for begin, step in ((ux, dx), (uy, dy)):
        if step == 0.0:
            if begin < 0.0 or begin > cells:
                return 0
        else:
            one, other = -begin / step, (cells - begin) / step
            low, high = max(low, min(one, other)), min(high, max(one, other))
    if low > high:
        return 0
    start, stop = ux + low * dx, ux + high * dx
    begin_column = min(max(int(min(start, stop) - SLACK), 0), cells - 1)
    end_column = min(max(int(max(start, stop) + SLACK), 0), cells - 1)
    for column in range(begin_column, end_column + 1):
        one, other = low, high
        if dx != 0.0:
            left, right = (column - SLACK - ux) / dx, (column + 1.0 + SLACK - ux) / dx
            one, other = max(one, min(left, right)), min(other, max(left, right))
        y0, y1 = uy + one * dy, uy + other * dy
        begin_row = min(max(math.floor(min(y0, y1) - SLACK), 0), cells - 1)
        end_row = min(max(math.floor(max(y0, y1) + SLACK), 0), cells - 1)
        for row in range(begin_row, end_row + 1):
            cell = row * cells + column
            for k in range(first[cell], first[cell + 1]):
                count = _cut(ax, ay, bx - ax, by - ay, edges, listed[k], found, count)
    return count


@leaf
def _cut(ax, ay, dx, dy, edges, e, found, count):  # type: ignore[no-untyped-def]
    """Put where a line crosses one edge in its place among the `count` in `found`. Returns the new count."""
    ex, ey = edges[e, 2] - edges[e, 0], edges[e, 3] - edges[e, 1]
    across = dx * ey - dy * ex
    if across == 0.0:
        return count
    ox, oy = edges[e, 0] - ax, edges[e, 1] - ay
    part, along = ox * ey - oy * ex, ox * dy - oy * dx
    if across < 0.0:
        across, part, along = -across, -part, -along
    if part <= 0.0 or part >= across or along < -SLACK * across or along > (1.0 + SLACK) * across:
        return count
    part /= across
    place = min(count, found.size - 1)
    if count == found.size and part >= found[place]:
        return count
    while place > 0 and found[place - 1] > part:
        found[place] = found[place - 1]
        place -= 1
    found[place] = part
    return min(count + 1, found.size)


@entry("void(f8[::1], f8[::1], f8[:,::1], f8[::1], i8[::1], i8[::1], i8[::1], b1[::1])")
def inside(x, y, edges, mesh, first, listed, kind, out):  # type: ignore[no-untyped-def]
    """Which of n points are in the polygon: `out` (n,)."""
    for i in range(x.size):
        out[i] = within(x[i], y[i], edges, mesh, first, listed, kind)
