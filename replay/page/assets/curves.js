/* Curves over time, drawn by uPlot, with a cursor in time that they share. */
"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const faded = (hex, share) => hex + Math.round(share * 255).toString(16).padStart(2, "0");
const shown = (value) => value == null ? "–" : Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") :
  String(Number(value.toPrecision(3)));

class Curves {
  /* places: the elements to draw in, in the order of DATA.charts.  onPick(t): a time was chosen.  onZoom(from, to). */
  constructor(places, onPick, onZoom) {
    Object.assign(this, { places, onPick, onZoom, plots: [], time: null, zooming: false });
    this.range = [DATA.t[0], Math.max(DATA.t[DATA.t.length - 1], DATA.t[0] + 1)];
    this.draw();
  }

  draw() {
    this.plots.forEach((plot) => plot.destroy());
    this.plots = this.places.map((place, k) => this.plot(place, DATA.charts[k]));
  }

  setTime(time) {
    this.time = time;
    this.plots.forEach((plot) => {
      plot.redraw(false);
      this.tell(plot);
    });
  }

  /* The values at the chosen time, while the pointer is elsewhere. */
  tell(plot) {
    if (plot.cursor.idx == null) plot.setLegend({ idx: this.time == null ? null : this.index(this.time) }, false);
  }

  /* The instant nearest to a time. */
  index(time) {
    let low = 0, high = DATA.t.length - 1;
    while (low < high) { const middle = (low + high) >> 1; if (DATA.t[middle] < time) low = middle + 1; else high = middle; }
    return low && time - DATA.t[low - 1] < DATA.t[low] - time ? low - 1 : low;
  }

  resize() {
    this.plots.forEach((plot, k) => plot.setSize({ width: this.width(this.places[k]), height: plot.height }));
  }

  width(place) { return Math.max(Math.floor(place.getBoundingClientRect().width), 200); }

  plot(place, chart) {
    const options = {
      width: this.width(place), height: 210, scales: this.scales(chart), axes: this.axes(chart),
      cursor: { sync: { key: "run" }, drag: { x: true, y: false }, points: { size: 7 } },
      series: [{ label: "s", value: (_, v) => shown(v) }, ...chart.curves.map((curve) => this.series(curve)),
        ...chart.heights ? [{ label: "", show: true, points: { show: false } }] : []],
      legend: { show: !chart.heights }, bands: chart.band ? [{ series: chart.band.map((c) => c + 1), fill: faded(colour("soft"), 0.16) }] : [],
      hooks: { draw: [(u) => chart.heights && this.drawHeights(u), (u) => this.drawTime(u)], setCursor: [(u) => this.tell(u)], setScale: [(u, key) => key === "x" && this.zoomed(u)] },
    };
    const plot = new uPlot(options, [DATA.t, ...chart.curves.map((curve) => curve.values),
      ...chart.heights ? [new Array(DATA.t.length).fill(null)] : []], place);
    this.pickable(plot);
    return plot;
  }

  scales(chart) {
    const [min, max] = this.range;
    const y = chart.log ? { distr: 3 } : chart.heights ? { range: uPlot.rangeNum(...chart.heights, 0.05, true) } :
      { range: (_, low, high) => low == null ? [0, 1] : uPlot.rangeNum(Math.min(low, 0), Math.max(high, 1e-3), { min: { pad: 0, soft: 0, mode: 1 }, max: { pad: 0.08 } }) };
    return { x: { time: false, min, max }, y };
  }

  axes(chart) {
    const common = { stroke: colour("soft"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const labels = (_, ticks) => ticks.map((v) => v == null ? null : shown(v));
    return [{ ...common, space: 60, values: labels }, { ...common, size: 46, space: 28, values: labels }];
  }

  series(curve) {
    const stroke = colour(curve.colour);
    return {
      label: curve.label, stroke, width: curve.dash ? 1 : 1.5, dash: curve.dash ? [5, 4] : undefined,
      fill: curve.fill ? faded(stroke, 0.1) : undefined, points: { show: DATA.t.length < 2 },
      paths: curve.step ? uPlot.paths.stepped({ align: 1 }) : undefined, value: (_, v) => shown(v),
    };
  }

  /* The heights of the map's paths, tracks over truth. */
  drawHeights(u) {
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    u.ctx.clip();
    for (const path of [...DATA.map.objects, ...DATA.map.tracks]) {
      u.ctx.strokeStyle = path.c || (/[02]/.test(path.f) ? colour("truth") : colour("soft"));
      u.ctx.lineWidth = (path.c ? 1.5 : 1) * devicePixelRatio;
      u.ctx.beginPath();
      for (let k = 0; k < path.t.length; k++) {
        const x = u.valToPos(path.t[k] / 1000, "x", true), y = u.valToPos(path.h[k] / 10, "y", true);
        if (path.f[k] & 2) u.ctx.moveTo(x, y); else u.ctx.lineTo(x, y);
      }
      u.ctx.stroke();
    }
    u.ctx.restore();
  }

  drawTime(u) {
    if (this.time == null) return;
    const x = u.valToPos(this.time, "x", true);
    if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
    u.ctx.save();
    u.ctx.strokeStyle = colour("mark");
    u.ctx.lineWidth = 2 * devicePixelRatio;
    u.ctx.beginPath();
    u.ctx.moveTo(x, u.bbox.top);
    u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.restore();
  }

  zoomed(u) {
    const { min, max } = u.scales.x;
    if (this.zooming || min == null || (min === this.range[0] && max === this.range[1])) return;
    this.zooming = true;
    this.range = [min, max];
    this.plots.forEach((other) => other !== u && other.setScale("x", { min, max }));
    this.zooming = false;
    this.onZoom(min, max);
  }

  pickable(plot) {
    let down = null;
    plot.over.addEventListener("mousedown", (event) => { down = event.clientX; });
    plot.over.addEventListener("mouseup", (event) => {
      if (down != null && Math.abs(event.clientX - down) < 4) {
        this.onPick(plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x"));
      }
      down = null;
    });
  }
}
