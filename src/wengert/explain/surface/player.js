"use strict";
(() => {
  const race = JSON.parse(document.getElementById("race-data").textContent);
  const map = document.getElementById("race-map");
  const slider = document.getElementById("race-step");
  const button = document.getElementById("race-play");
  const shown = document.getElementById("race-now");
  const rows = [...document.querySelectorAll("#race-table tbody tr")];
  const cursors = [...document.querySelectorAll(".cursor")];
  const marks = [...map.querySelectorAll(".mark")];
  const heads = [...map.querySelectorAll(".head")];
  const halos = [...map.querySelectorAll(".halo")];
  const groups = [...map.querySelectorAll(".course")].map((g, n) => [halos[n], ...g.querySelectorAll("path")]);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const SECONDS = 9, JUMPS = 12;
  const whole = groups.map(g => Object.fromEntries(g.map(p => [p.getAttribute("class"), p.getAttribute("d")])));
  let at = race.last, playing = 0;

  document.getElementById("race-player").hidden = false;

  // as the library writes numbers: four digits, powers of ten where they are very large or small
  const raised = power => String(power).replace(/[-0-9]/g, c => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]);
  const text = v => {
    if (v === null) return "not finite";
    if (v === 0) return "0";
    const size = Math.abs(v);
    if (size >= 1e-4 && size < 1e9) return Number(v.toPrecision(4)).toLocaleString("en", {maximumFractionDigits: 8}).replace("-", "−");
    const [digits, power] = v.toExponential(3).split("e");
    return `${Number(digits)}×10${raised(Number(power))}`.replace(/^-/, "−");
  };

  // the last point at or before a step
  const before = (steps, step) => {
    let low = 0, high = steps.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (steps[middle] <= step) low = middle; else high = middle - 1;
    }
    return low;
  };

  const part = (course, place, x, y) => {
    const lines = {told: "", apart: ""};
    let kind = null, all = `M${course.x[0]} ${course.y[0]}`;
    const to = (k, x0, y0, x1, y1) => {
      const own = course.off[k] || course.off[Math.min(k + 1, course.off.length - 1)] ? "apart" : "told";
      lines[own] += (own === kind ? "" : `M${x0} ${y0}`) + `L${x1} ${y1}`;
      kind = own;
      all += `L${x1} ${y1}`;
    };
    for (let k = 0; k < place; k++) to(k, course.x[k], course.y[k], course.x[k + 1], course.y[k + 1]);
    to(place, course.x[place], course.y[place], x, y);
    return {...lines, halo: all};
  };

  const show = step => {
    at = step;
    const now = Math.round(step), done = now >= race.last;
    race.courses.forEach((course, n) => {
      const place = before(course.steps, step), next = Math.min(place + 1, course.steps.length - 1);
      const span = course.steps[next] - course.steps[place];
      const share = span ? Math.min((step - course.steps[place]) / span, 1) : 0;
      const x = course.x[place] + share * (course.x[next] - course.x[place]);
      const y = course.y[place] + share * (course.y[next] - course.y[place]);
      const drawn = done ? whole[n] : part(course, place, x.toFixed(1), y.toFixed(1));
      for (const path of groups[n]) {
        const kind = path.getAttribute("class");
        const own = kind === "steps" && !done ? course.x.slice(0, place + 1).map((v, k) => `M${v} ${course.y[k]}h0`).join("") : drawn[kind];
        path.setAttribute("d", own || "M0 0");
      }
      const last = course.x.length - 1;
      heads[n].setAttribute("transform", `translate(${(x - course.x[last]).toFixed(1)} ${(y - course.y[last]).toFixed(1)})`);
      const cells = rows[n].children;
      cells[1].textContent = text(course.loss[place]);
      if (race.projected) {
        cells[2].textContent = text(course.plane[place]);
        cells[3].textContent = text(course.away[place]);
      }
    });
    for (const mark of marks) mark.style.visibility = Number(mark.dataset.step) <= step + 1e-9 ? "" : "hidden";
    for (const line of cursors) {
      const from = Number(line.dataset.from), to = Number(line.dataset.to);
      line.setAttribute("visibility", done ? "hidden" : "visible");
      line.setAttribute("transform", `translate(${(from + (to - from) * step / Math.max(race.last, 1)).toFixed(1)} 0)`);
    }
    slider.value = now;
    slider.setAttribute("aria-valuetext", `${race.unit} ${now} of ${race.last}`);
    shown.textContent = `${race.unit} ${now.toLocaleString("en")} of ${race.last.toLocaleString("en")}`;
  };

  const stop = () => {
    clearTimeout(playing);
    cancelAnimationFrame(playing);
    playing = 0;
    button.textContent = "Play";
    button.setAttribute("aria-pressed", "false");
  };

  const play = () => {
    const from = at >= race.last ? 0 : at;
    const begun = performance.now();
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    const smooth = time => {
      const step = from + (time - begun) / 1000 * race.last / SECONDS;
      show(Math.max(from, Math.min(step, race.last)));
      if (step >= race.last) stop(); else playing = requestAnimationFrame(smooth);
    };
    const jump = step => {  // for those who asked for less motion: a few still pictures
      show(Math.min(step, race.last));
      if (step >= race.last) stop(); else playing = setTimeout(jump, 900, Math.floor(step + Math.max(race.last / JUMPS, 1)));
    };
    if (calm.matches) jump(Math.floor(from)); else playing = requestAnimationFrame(smooth);
  };

  const toggle = () => playing ? stop() : play();
  const move = by => { stop(); show(Math.max(0, Math.min(race.last, Math.round(at) + by))); };
  const far = Math.max(1, Math.round(race.last / 20));

  button.addEventListener("click", toggle);
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const focused = document.activeElement;
    if (event.key === " " && focused !== button && !(focused && focused.matches("summary,a"))) { event.preventDefault(); toggle(); }
    if (focused === slider) return;
    const by = {ArrowLeft: -1, ArrowRight: 1, PageUp: -far, PageDown: far, Home: -race.last, End: race.last}[event.key];
    const own = event.key.startsWith("Arrow") || (focused && focused.closest("#race-player"));
    if (by !== undefined && own && !(focused && focused.matches(".scroll"))) { event.preventDefault(); move(by); }
  });
  show(race.last);
})();
