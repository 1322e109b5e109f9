/* Ties map, curves, time-line and links together: one chosen time, kept in the address as #t=SECONDS&at=EAST,NORTH. */
"use strict";

const root = document.documentElement;
const find = (id) => document.getElementById(id);
const clockOf = (t) => `${t.toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 3 })} s · ` +
  new Date(DATA.begin_ms + t * 1000).toISOString().replace("T", " ").replace(/(\.\d)\d\dZ$/, "$1 UTC");

const lanes = document.querySelector(".lanes");
const whole = [DATA.t[0], Math.max(DATA.t[DATA.t.length - 1], DATA.t[0] + 1)];

function zoomLanes(from, to) {
  if (!lanes) return;
  lanes.style.setProperty("--x0", from);
  lanes.style.setProperty("--x1", to);
  const ticks = lanes.querySelector(".ticks"), rough = (to - from) / 6, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  ticks.replaceChildren();
  for (let t = (Math.floor(from / step) + 1) * step; t <= to; t += step) {
    const tick = document.createElement("span");
    tick.textContent = `${Number(t.toPrecision(9)).toLocaleString("en")} s`;
    tick.style.left = `${(t - from) / (to - from) * 100}%`;
    ticks.append(tick);
  }
}

const curves = new Curves([...document.querySelectorAll("[data-chart] .plot")], (t) => choose(t, { far: true }), zoomLanes);
const map = find("map") ? new RunMap(find("map"), DATA.map, (t) => choose(t, {}), clockOf) : null;
zoomLanes(...whole);

/* move: bring the map there, to `at` where it is given; far: only if nothing of that time is in sight. */
function choose(time, { at = null, move = false, far = false, keep = false }) {
  const t = time == null ? null : Math.min(Math.max(time, whole[0]), whole[1]);
  curves.setTime(t);
  if (lanes) lanes.style.setProperty("--now", t == null ? -1e9 : t);
  if (map) {
    map.setTime(t);
    if (t != null && (move || far)) map.show(at, far);
  }
  const slider = find("time");
  if (slider) {
    slider.value = t ?? 0;
    slider.setAttribute("aria-valuetext", t == null ? "no time chosen" : clockOf(t));
    document.querySelector("#clock output").textContent = t == null ? "no time chosen" : clockOf(t);
    find("clear").disabled = t == null;
  }
  if (!keep) history.replaceState(null, "", t == null ? location.pathname + location.search : `#t=${Number(t.toFixed(3))}`);
  for (const row of document.querySelectorAll("tr.chosen")) row.classList.remove("chosen");
  if (t == null) delete root.dataset.time; else root.dataset.time = String(t);
}

/* What the address asks for. */
function follow() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const t = Number.parseFloat(asked.get("t")), at = (asked.get("at") || "").split(",").map(Number);
  if (!Number.isFinite(t)) return;
  choose(t, { at: at.length === 2 && at.every(Number.isFinite) ? at : null, move: true, keep: true });
  for (const link of document.querySelectorAll(".moments a")) {
    if (link.hash === location.hash) link.closest("tr").classList.add("chosen");
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#t="]');
  if (!link) return;
  event.preventDefault();
  history.pushState(null, "", link.hash);
  follow();
  if (find("map-part")) find("map-part").scrollIntoView({ block: "nearest" });
});
window.addEventListener("hashchange", follow);
window.addEventListener("popstate", follow);
if (find("time")) {
  find("time").addEventListener("input", (event) => choose(Number(event.target.value), { far: true }));
  find("clear").addEventListener("click", () => {
    choose(null, {});
    if (map) map.home();
  });
}

function redraw() {
  curves.draw();
  if (map) map.draw();
}
for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", redraw);
let width = root.clientWidth;
new ResizeObserver(() => {
  if (root.clientWidth === width) return;
  width = root.clientWidth;
  curves.resize();
  if (map) map.map.invalidateSize();
}).observe(root);

follow();
root.dataset.ready = String(curves.plots.length);
