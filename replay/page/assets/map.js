/* The map of a run, drawn by Leaflet on a plane of metres: y north, x east. */
"use strict";

const NEAR_PX = 22; // a pointer this near to a line means it
const BEHIND_PX = 4; // by so much truth must be nearer than a track: where they lie on each other the track is meant
const AROUND_S = 30; // shown in full on either side of the chosen time
const MOST_NAMES = 12; // names beside marks: more lie over each other
const CLOSEST_ZOOM = 2; // 0.25 m a pixel: nearer than a radar's error nothing is to be seen
const STILL_M = 1; // what stays within this stands still
const LEVELS = { predicted: "one", imminent: "two", infringing: "three" };
const ERRORS = { "-1": "false: near no object that it could be", "-2": "near an object not asked for", "-3": "not scored" };
const metres = (dm) => (dm / 10).toLocaleString("en", { maximumFractionDigits: 1 }) + " m";

function textOf(words) {
  const element = document.createElement("span");
  element.textContent = words;
  return element;
}

class RunMap {
  /* place: the element.  data: as `map_data` makes it.  onPick(t): a time was chosen.  clock(t): a time in words. */
  constructor(place, data, onPick, clock) {
    Object.assign(this, { place, data, onPick, clock, time: null, box: null });
    const crs = L.extend({}, L.CRS.Simple, { transformation: new L.Transformation(1, 0, -1, 0) });
    this.map = L.map(place, { crs, attributionControl: false, zoomSnap: 0.25, minZoom: -14, maxZoom: 5, preferCanvas: true,
      zoomAnimation: false, fadeAnimation: false, inertia: false });
    L.control.scale({ imperial: false, maxWidth: 140 }).addTo(this.map);
    for (const [name, level] of [["all", 400], ["marks", 420], ["now", 440]]) {
      this.map.createPane(name).style.zIndex = level;
    }
    this.renderers = Object.fromEntries(["all", "marks", "now"].map((pane) => [pane, L.canvas({ pane, padding: 0.3 })]));
    this.layers = L.layerGroup().addTo(this.map);
    this.now = L.layerGroup().addTo(this.map);
    this.tip = L.tooltip({ direction: "top", offset: [0, -8] });
    this.paths = [...data.objects.map((path) => this.read(path, false)), ...data.tracks.map((path) => this.read(path, true))];
    this.home();
    this.draw();
    this.map.on("mousemove", (event) => this.hover(event));
    this.map.on("mouseout", () => this.tip.remove());
    this.map.on("click", (event) => this.click(event));
  }

  read(path, track) {
    const n = path.x.length, at = new Array(n);
    for (let k = 0; k < n; k++) at[k] = [path.y[k] / 10, path.x[k] / 10];
    return { ...path, track, at, n };
  }

  style() { return (path) => path.track ? path.c : /[02]/.test(path.f) ? colour("truth") : colour("soft"); }

  draw() {
    this.layers.clearLayers();
    this.drawZones();
    const stroke = this.style(), many = this.paths.length > 120;
    for (const path of this.paths) {
      const [solid, faint] = this.pieces(path, 0, path.n - 1);
      const weight = (path.track ? 2.2 : 1.3) * (many ? 0.6 : 1);
      if (this.still(path)) this.drawStill(path, stroke(path));
      const common = { renderer: this.renderers.all, interactive: false, color: stroke(path), smoothFactor: 1 };
      if (solid.length) L.polyline(solid, { ...common, weight, opacity: 0.9 }).addTo(this.layers);
      if (faint.length) L.polyline(faint, { ...common, weight: path.track ? 1 : weight, opacity: 0.8,
        dashArray: path.track ? null : "2 5" }).addTo(this.layers);
    }
    this.drawStations();
    this.drawAlerts();
    this.drawNow();
  }

  /* Whether a path never leaves its place: as a line it would not be seen. */
  still(path) { return path.at.every(([y, x]) => Math.hypot(y - path.at[0][0], x - path.at[0][1]) < STILL_M); }

  drawStill(path, color) {
    L.circleMarker(path.at[0], { renderer: this.renderers.all, interactive: false, radius: path.track ? 2.5 : 4, color, weight: 1.5,
      fill: path.track, fillOpacity: 0.9 }).addTo(this.layers);
  }

  /* Joined pieces of a path between two places: those in full, those that are faint. */
  pieces(path, first, last) {
    const found = [[], []];
    let piece = null, kind = null;
    for (let k = first; k <= last; k++) {
      const now = path.f[k] & 1, joined = k > first && !(path.f[k] & 2);
      if (!joined || now !== kind) {
        piece = joined ? [path.at[k - 1]] : [];
        found[now].push(piece);
        kind = now;
      }
      piece.push(path.at[k]);
    }
    return found;
  }

  drawZones() {
    for (const zone of this.data.zones) {
      const rings = zone.rings.map((polygon) => polygon.map((ring) => ring.map(([x, y]) => [y / 10, x / 10])));
      const shape = L.polygon(rings, { renderer: this.renderers.all, interactive: false, color: colour("zone"), weight: 1.5, fillOpacity: 0.08 })
        .addTo(this.layers);
      const bounds = shape.getBounds();  // at its northern edge: one zone inside another has its name apart
      L.tooltip([bounds.getNorth(), bounds.getCenter().lng], { permanent: true, direction: "top", className: "zone-name" })
        .setContent(textOf(zone.name)).addTo(this.layers);
    }
  }

  drawStations() {
    for (const station of this.data.stations) {
      const at = station.xy.map(([x, y]) => [y / 10, x / 10]);
      const common = { renderer: this.renderers.marks, color: colour("ink") };
      if (at.length > 1) L.polyline(at, { ...common, weight: 1, dashArray: "6 4", interactive: false }).addTo(this.layers);
      L.circleMarker(at[at.length - 1], { ...common, radius: 5, weight: 2, fillColor: colour("paper"), fillOpacity: 1 })
        .bindTooltip(textOf(`${station.kind} ${station.name}`)).addTo(this.layers);
    }
  }

  drawAlerts() {
    for (const alert of this.data.alerts) {
      const words = `${alert.level} alert for ${alert.zone}, raised ${this.clock(alert.t)}\ntrack ${alert.track}\n${alert.reason}`;
      L.circleMarker([alert.xy[1] / 10, alert.xy[0] / 10], { renderer: this.renderers.marks, radius: 6, weight: 2,
        color: colour("paper"), fillColor: colour(LEVELS[alert.level] || "one"), fillOpacity: 1, bubblingMouseEvents: false })
        .bindTooltip(textOf(words), { direction: "top" }).on("click", () => this.onPick(alert.t)).addTo(this.layers);
    }
  }

  /* The places of a path that lie within a time: [first, last], empty where last < first. */
  within(path, from, to) {
    let first = this.search(path.t, from), last = this.search(path.t, to + 1) - 1;
    return [first, last];
  }

  search(times, wanted) {
    let low = 0, high = times.length;
    while (low < high) { const middle = (low + high) >> 1; if (times[middle] < wanted) low = middle + 1; else high = middle; }
    return low;
  }

  place_at(path, ms) {
    const after = this.search(path.t, ms);
    if (after < path.n && path.t[after] === ms) return path.at[after];
    if (after === 0 || after === path.n || path.f[after] & 2) return null;
    const share = (ms - path.t[after - 1]) / (path.t[after] - path.t[after - 1]);
    return [0, 1].map((axis) => path.at[after - 1][axis] + share * (path.at[after][axis] - path.at[after - 1][axis]));
  }

  drawNow() {
    this.now.clearLayers();
    this.box = null;
    const chosen = this.time != null;
    for (const pane of ["all", "marks"]) this.map.getPane(pane).style.opacity = chosen ? 0.3 : 1;
    this.lit = [];
    if (!chosen) return;
    const ms = this.time * 1000, stroke = this.style(), renderer = this.renderers.now;
    for (const path of this.paths) {
      const [first, last] = this.within(path, ms - AROUND_S * 1000, ms + AROUND_S * 1000);
      if (last < first) continue;
      const color = stroke(path), at = this.place_at(path, ms);
      this.lit.push({ path, at, line: path.at.slice(first, last + 1) });
      const lines = this.pieces(path, first, last).flat();
      L.polyline(lines, { renderer, interactive: false, color, weight: path.track ? 3.5 : 2 }).addTo(this.now);
      if (at) L.circleMarker(at, { renderer, interactive: false, radius: path.track ? 5 : 8, color, weight: 2,
        fill: path.track, fillColor: color, fillOpacity: 0.9 }).addTo(this.now);
    }
    this.name();
  }

  /* Names beside the marks in sight, truth on the left, tracks on the right. */
  name() {
    const view = this.map.getBounds(), marks = this.lit.filter((one) => one.at && view.contains(one.at));
    if (marks.length > MOST_NAMES) return;
    for (const { path, at } of marks) {
      L.tooltip({ permanent: true, direction: path.track ? "right" : "left", offset: path.track ? [8, 0] : [-10, 0], className: "name" })
        .setLatLng(at).setContent(textOf(path.track ? `track ${path.name}` : path.name)).addTo(this.now);
    }
  }

  setTime(time) {
    this.time = time;
    this.drawNow();
    this.place.dataset.lit = String(this.lit.length);
  }

  /* Move to what was around a place (else: to everything) at the chosen time. far: only if none of it is in sight. */
  show(at, far) {
    if (!this.lit || !this.lit.length) return;
    const view = this.map.getBounds();
    if (far && this.lit.some((one) => one.at && view.contains(one.at))) return;
    let lines = this.lit.map((one) => one.line);
    if (at) {
      const away = ({ at: own, line }) => { const [y, x] = own || line[line.length >> 1]; return Math.hypot(y - at[1], x - at[0]); };
      const nearest = this.lit.reduce((best, one) => away(one) < away(best) ? one : best);
      lines = [nearest.line, [[at[1], at[0]]]];
    }
    const box = L.latLngBounds(lines.flat());
    this.map.fitBounds(box.pad(0.25), { maxZoom: CLOSEST_ZOOM, animate: false });
    this.drawNow();
  }

  home() {
    const ends = this.paths.flatMap((path) => path.at);
    if (!ends.length) ends.push(...this.data.zones.flatMap((zone) => zone.rings.flat(2).map(([x, y]) => [y / 10, x / 10])));
    if (!ends.length) ends.push([-1000, -1000], [1000, 1000]);
    const box = [[Infinity, Infinity], [-Infinity, -Infinity]];
    for (const [y, x] of ends) {
      box[0] = [Math.min(box[0][0], y), Math.min(box[0][1], x)];
      box[1] = [Math.max(box[1][0], y), Math.max(box[1][1], x)];
    }
    this.map.fitBounds(L.latLngBounds(box).pad(0.04), { maxZoom: CLOSEST_ZOOM, animate: false });
  }

  /* The point of a path whose line is nearest to a pixel: {path, k}, or null. */
  nearest(pixel) {
    const here = this.map.containerPointToLatLng(pixel), scale = this.map.getZoomScale(this.map.getZoom(), 0);
    const behind = BEHIND_PX / scale;
    let best = NEAR_PX / scale, found = null;
    for (const path of this.paths) {
      for (let k = 0; k < path.n; k++) {
        const [y, x] = path.at[k];
        let away = Math.hypot(y - here.lat, x - here.lng), point = k;
        if (!(path.f[k] & 2)) {
          const [b, a] = path.at[k - 1], dy = y - b, dx = x - a, long = dx * dx + dy * dy;
          const share = long ? ((here.lat - b) * dy + (here.lng - a) * dx) / long : 1;
          if (share > 0 && share < 1) {
            away = Math.abs((here.lng - a) * dy - (here.lat - b) * dx) / Math.sqrt(long);
            point = share < 0.5 ? k - 1 : k;
          }
        }
        if (!path.track) away += behind;
        if (away < best) { best = away; found = { path, k: point }; }
      }
    }
    return found;
  }

  hover(event) {
    const found = this.nearest(event.containerPoint);
    if (!found) { this.tip.remove(); return; }
    const { path, k } = found;
    const words = [path.track ? `track ${path.name}` : `truth: ${path.name}`, this.clock(path.t[k] / 1000), `height ${metres(path.h[k])}`];
    if (path.track) words.push(path.e[k] < 0 ? ERRORS[path.e[k]] : `error ${metres(path.e[k])}`, ...path.f[k] & 1 ? ["coasting"] : []);
    this.tip.setLatLng(path.at[k]).setContent(textOf(words.join("\n")));
    if (!this.map.hasLayer(this.tip)) this.tip.addTo(this.map);
  }

  click(event) {
    this.hover(event);
    const found = this.nearest(event.containerPoint);
    if (found) this.onPick(found.path.t[found.k] / 1000);
  }
}
