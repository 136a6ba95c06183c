"use strict";
// Plays an explanation: the forward pass and the backward pass, a step at a time, over the picture of the graph.
// All numbers and texts were made beside the derivative itself, in Python; nothing is computed here but places.
(() => {
  const data = JSON.parse(document.getElementById("explanation").textContent);
  const {steps, edges, pairs, folds} = data;
  const find = (selector) => document.querySelector(selector);
  const svg = find(".stage .wengert-graph"), canvas = svg.querySelector(".all"), stage = find(".stage");
  const slider = find("#position"), panel = find("#details"), caption = find("#caption");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const calm = () => still.matches;

  // ---- what happens when: each event is a pass and the step that it has come to

  const incoming = steps.map(() => []), outgoing = steps.map(() => []);
  edges.forEach((edge, k) => { incoming[pairs[k][1]].push(k); outgoing[pairs[k][0]].push(k); });
  folds.forEach(unpack);
  const lineEdges = []; // by number of a line, the edges that it carries
  folds.forEach((fold) => fold.lines.forEach((line) => { line.number = lineEdges.push(line.edges) - 1; }));
  const events = timeline();
  const arrived = {value: new Map(), passed: new Map()}; // by step: the event in which it has its value, passes on
  events.forEach(({pass, step}, k) => {
    if (pass === "forward") arrived.value.set(step, k);
    if (pass === "backward") arrived.passed.set(step, k);
  });

  /** What folds share is stored once. */
  function unpack(fold, k) {
    const numbers = stepsIn(-k - 1);
    fold.first = numbers[0];
    fold.last = numbers.at(-1);
    fold.about = `${numbers.length.toLocaleString("en")} step${numbers.length === 1 ? "" : "s"}`;
    fold.startsOpen = fold.begun !== fold.closed;
    fold.closed = data.layouts[fold.closed];
    fold.begun = data.layouts[fold.begun];
  }

  /** A card's markup: its words in the template that it shares with others of its size. */
  function filled([template, ...words]) {
    return data.templates[template].replace(/\{(\d)\}/g, (_, k) => words[k]);
  }

  /** Inputs, then every operation in order; then back, over those that the output depends on; then all gradients. */
  function timeline() {
    const operations = steps.map((_, n) => n).filter((n) => n >= data.inputs);
    const reached = new Set([data.output]);
    const back = [];
    for (const n of data.mode === "gradient" ? [...operations].reverse() : []) {
      if (!reached.has(n)) continue;
      back.push(n);
      incoming[n].forEach((k) => reached.add(pairs[k][0]));
    }
    return [{pass: "start"}, ...operations.map((step) => ({pass: "forward", step})),
      ...back.map((step) => ({pass: "backward", step})), ...(data.failed === null ? [{pass: "end"}] : [])];
  }

  const hasValue = (n, at) => n < data.inputs || at >= arrived.value.get(n);
  const forwardMode = data.mode === "tangent";
  const isPassed = (n, at) => (forwardMode ? hasValue(n, at) : arrived.passed.has(n) && at >= arrived.passed.get(n));
  const forwards = events.filter(({pass}) => pass === "start" || pass === "forward");
  const firstBack = forwards.length;

  /** A gradient is known when all that read the step have passed theirs on; a tangent comes with the value. */
  function hasGradient(n, at) {
    if (forwardMode) return hasValue(n, at);
    if (at < firstBack) return false;
    return outgoing[n].every((k) => !arrived.passed.has(pairs[k][1]) || isPassed(pairs[k][1], at));
  }

  // ---- state

  const opened = new Set(folds.flatMap((fold, k) => (fold.open ? [k] : [])));
  let at = events.length - 1; // everything is shown until it is played
  let stops = [], pinned = null, looked = null, timer = 0;

  // ---- folds: a step is seen as the outermost closed fold that it lies in

  const homes = new Map();
  folds.forEach((fold, k) => fold.items.forEach((item) => { if (item >= 0) homes.set(item, k); }));

  /** Folds that a step or fold lies in, outermost first. Folds are numbered −1, −2, … among items. */
  function around(item) {
    const found = [];
    for (let k = item >= 0 ? homes.get(item) : folds[-item - 1].parent; k > 0; k = folds[k].parent) found.unshift(k);
    return found;
  }

  /** The item by which a step is seen now. */
  function seenAs(step) {
    const closed = around(step).find((k) => !opened.has(k));
    return closed === undefined ? step : -closed - 1;
  }

  function stepsIn(item) {
    return item >= 0 ? [item] : folds[-item - 1].items.flatMap(stepsIn);
  }

  const firstOf = (item) => (item >= 0 ? item : folds[-item - 1].first);
  const lastOf = (item) => (item >= 0 ? item : folds[-item - 1].last);

  /** The events to stop at: of those that fall into one closed fold, one after another, the last. */
  function findStops() {
    const item = events.map(({step}) => (step === undefined ? null : seenAs(step)));
    stops = events.flatMap((event, k) => {
      const next = events[k + 1];
      return next && item[k] !== null && item[k] === item[k + 1] && event.pass === next.pass ? [] : [k];
    });
  }

  const stopOf = (event) => (event > stops.at(-1) ? stops.length - 1 : stops.findIndex((k) => k >= event));

  /** Open or close a fold, with its upper edge staying where it is. */
  function toggle(fold, open = !opened.has(fold)) {
    if (fold === 0) return;
    const before = tops.get(-fold - 1);
    if (open) {
      if (current() === -fold - 1) stepInto(fold);
      [...around(-fold - 1), fold].forEach((k) => opened.add(k));
    } else opened.delete(fold);
    render();
    const after = tops.get(-fold - 1);
    if (before && after) look({...view, x: view.x + (before[0] - after[0]) * view.scale, y: view.y + (before[1] - after[1]) * view.scale});
    show(stops[stopOf(at)]);
  }

  /** Where one stands at a fold that opens, go to its first step in this pass. */
  function stepInto(fold) {
    const inside = new Set(stepsIn(-fold - 1)), {pass} = events[at];
    at = events.findIndex((event) => event.pass === pass && inside.has(event.step));
  }

  // ---- places: each fold was laid out with all folds in it closed; an open one stretches what is around it

  /** A map of one axis under which each span becomes as long as it must, and nothing comes closer together. */
  function stretching(spans) {
    if (!spans.length) return (v) => v;
    const marks = [...new Set(spans.flatMap(({start, stop}) => [start, stop]))].sort((a, b) => a - b);
    const lengths = marks.slice(1).map((mark, k) => mark - marks[k]);
    for (const {start, stop, wanted} of spans) {
      const first = marks.indexOf(start), last = marks.indexOf(stop);
      const length = lengths.slice(first, last).reduce((a, b) => a + b, 0);
      if (length < wanted) for (let k = first; k < last; k++) lengths[k] *= wanted / length;
    }
    const places = lengths.reduce((sums, length) => [...sums, sums.at(-1) + length], [marks[0]]);
    return (v) => {
      const k = marks.findLastIndex((mark) => mark <= v);
      if (k < 0) return v;
      if (k === marks.length - 1) return v - marks[k] + places[k];
      return places[k] + (v - marks[k]) / (marks[k + 1] - marks[k]) * lengths[k];
    };
  }

  const innerFold = (item) => (item < 0 && opened.has(-item - 1) ? -item - 1 : 0);
  const isStep = (fold, index) => index >= fold.items.length || fold.items[index] >= 0;
  const beginning = (k) => { const {width, height} = folds[k].begun; return [width, height]; };

  /** The size of an open fold, and where its items and lines are in it. */
  function arrange(k) {
    const fold = folds[k];
    const begun = fold.startsOpen && fold.items.every((item) => item >= 0 || !folds[-item - 1].open || opened.has(-item - 1));
    const plan = begun ? fold.begun : fold.closed;
    const insides = fold.items.map((item) => (innerFold(item) ? arrange(innerFold(item)) : null));
    const along = [0, 1].map((axis) => stretching(fold.items.flatMap((item, j) => {
      if (!insides[j]) return [];
      const base = begun && folds[-item - 1].open ? beginning(-item - 1) : folds[-item - 1].size;
      const start = plan.items[j][axis] - base[axis] / 2;
      return [{start, stop: start + base[axis], wanted: axis ? insides[j].height : insides[j].width}];
    })));
    const moved = ([x, y]) => [along[0](x), along[1](y)];
    return {
      width: along[0](plan.width), height: along[1](plan.height), insides, items: plan.items.map(moved),
      lines: plan.lines.map(([points, label]) => ({points: points.map(moved), label: label && moved(label)})),
    };
  }

  // ---- the picture

  const px = (v) => Math.round(v * 10) / 10;
  const translated = (x, y) => `transform="translate(${px(x)} ${px(y)})"`;
  const spline = (points) => points.map(([x, y], k) => `${k ? (k % 3 === 1 ? "C" : " ") : "M"}${px(x)} ${px(y)}`).join("");

  /** Markup of an open fold whose corner is at x, y: frames and lines below, cards on top. */
  function markup(k, inside, x, y) {
    const fold = folds[k];
    let below = "", above = "";
    fold.items.forEach((item, j) => {
      const cx = x + inside.items[j][0], cy = y + inside.items[j][1], inner = inside.insides[j];
      if (inner) {
        const left = cx - inner.width / 2, top = cy - inner.height / 2, at = -item - 1;
        const part = markup(at, inner, left, top);
        tops.set(item, [cx, top]);
        below += `<g class="frame ${folds[at].kind}" data-frame="${at}" ${translated(left, top)}><rect class="box" ` +
          `width="${px(inner.width)}" height="${px(inner.height)}" rx="10"/>${folds[at].heading}</g>${part.below}`;
        above += part.above;
      } else {
        const {card, classes, size} = item >= 0 ? steps[item] : folds[-item - 1];
        tops.set(item, [cx, cy - size[1] / 2]);
        above += `<g class="node ${classes}" data-item="${item}" ${translated(cx, cy)}>${filled(card)}</g>`;
      }
    });
    fold.reads.forEach((step, j) => {
      const [cx, cy] = inside.items[fold.items.length + j];
      above += `<g class="node reference" data-item="${step}" ${translated(x + cx, y + cy)}>${filled(steps[step].reference)}</g>`;
    });
    fold.lines.forEach((line, j) => { below += lineMarkup(line, inside.lines[j], x, y); });
    return {below, above};
  }

  const spans = (label) => (label.length < 3 ? label[0] : !label[0] ? `<tspan class="l">${label[1]}</tspan>`
    : `<tspan class="u">${label[0]}</tspan> × <tspan class="l">${label[1]}</tspan> = <tspan class="c">${label[2]}</tspan>`);

  function lineMarkup(line, {points, label}, x, y) {
    const drawn = points.map(([a, b]) => [x + a, y + b]), d = spline(drawn), [ex, ey] = drawn.at(-1);
    const words = label ? `<text x="${px(x + label[0] + 7)}" y="${px(y + label[1] + 4)}">${spans(line.label)}</text>` : "";
    return `<g class="line ${line.classes || ""}" data-line="${line.number}"><path class="wire" d="${d}"/>` +
      `<path class="head" d="M${px(ex)} ${px(ey)}l-4 -8h8z"/>${words}<path class="touch" d="${d}"/></g>`;
  }

  const tops = new Map(); // the middle of the upper edge of each card and frame
  let size = [0, 0], nodes = new Map(), references = [], wires = new Map();

  function render() {
    const inside = arrange(0);
    size = [inside.width, inside.height];
    tops.clear();
    const {below, above} = markup(0, inside, 0, 0);
    canvas.innerHTML = below + above;
    const cards = [...canvas.querySelectorAll(".node")], itemIn = (g) => Number(g.dataset.item);
    references = cards.filter((g) => g.classList.contains("reference"));
    nodes = new Map(cards.filter((g) => !references.includes(g)).map((g) => [itemIn(g), g]));
    wires = new Map([...canvas.querySelectorAll(".line")].map((g) => [Number(g.dataset.line), g]));
    for (const [item, g] of nodes) {
      const label = item >= 0 ? spokenStep(item) : `${folds[-item - 1].name}, ${folds[-item - 1].about}, folded`;
      Object.entries({role: "button", tabindex: "-1", "aria-label": label}).forEach(([key, value]) => g.setAttribute(key, value));
    }
    findStops();
    slider.max = stops.length - 1;
    find(".passes").hidden = data.mode !== "gradient";
    find(".passes").style.setProperty("--half", `${stopOf(firstBack) / (stops.length - 1) * 100}%`);
    rove(nodes.get(current()) || nodes.values().next().value, false);
  }

  const spokenStep = (n) => [steps[n].title, steps[n].value && `value ${steps[n].value.text}`,
    steps[n].gradient && `gradient ${steps[n].gradient.text}`].filter(Boolean).join(", ");

  // ---- showing one moment

  const current = () => (events[at].step === undefined ? null : seenAs(events[at].step));

  function show(event) {
    at = event;
    const now = current(), {pass} = events[at];
    for (const [item, g] of nodes) {
      showCard(g, lastOf(item));
      g.classList.toggle("now", item === now);
      g.classList.toggle("pinned", item === pinned);
    }
    for (const g of references) showCard(g, Number(g.dataset.item));
    for (const [number, g] of wires) showLine(g, lineEdges[number]);
    document.body.dataset.pass = events[at].step === data.failed ? "failed" : pass;
    slider.value = stopOf(at);
    caption.textContent = words();
    slider.setAttribute("aria-valuetext", caption.textContent);
    showDetails();
    follow(now);
  }

  function showCard(g, step) {
    g.classList.toggle("waiting", !hasValue(step, at));
    g.classList.toggle("unpassed", !hasGradient(step, at));
  }

  /** A line is dim until its beginning has a value; its numbers come when its end passes them back. */
  function showLine(g, carried) {
    const ends = carried.map((k) => pairs[k]);
    const now = current();
    g.classList.toggle("waiting", !ends.some(([a]) => hasValue(a, at)));
    g.classList.toggle("unpassed", !ends.every(([, b]) => isPassed(b, at)));
    g.classList.toggle("now", now !== null && ends.some(([, b]) => seenAs(b) === now));
  }

  /** The moment in a sentence. */
  function words() {
    const {pass, step} = events[at];
    if (pass === "start") return "The inputs are given.";
    if (pass === "end") return {gradient: "Every value and every gradient.", tangent: "Every value and every tangent.", none: "Every value."}[data.mode];
    const same = stops.filter((k) => events[k].pass === pass), count = `${same.indexOf(at) + 1} of ${same.length}`;
    const item = seenAs(step), {title, value, gradient, name} = steps[step];
    const what = item < 0 ? `${folds[-item - 1].name}, ${folds[-item - 1].about}` : null;
    if (step === data.failed) return `Forward ${count}: ${value.text.split("\n")[0]}`;
    if (pass === "forward") return `Forward ${count}: ${what || title}${value ? ` = ${value.text}` : ""}`;
    if (what) return `Backward ${count}: ${what}`;
    return `Backward ${count}: ∂${data.name}/∂${name}${gradient ? ` = ${gradient.text}` : ""}`;
  }

  // ---- the panel

  function h(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }

  const later = (words) => h("span", {class: "soft"}, words);

  function showDetails() {
    const item = looked ?? pinned ?? current();
    panel.replaceChildren(...(item === null ? overview() : typeof item === "string" ? lineDetails(Number(item)) : item < 0 ? foldDetails(-item - 1) : stepDetails(item)));
    panel.classList.toggle("is-pinned", item !== null && item === pinned);
    const step = typeof item === "number" ? lastOf(item) : typeof item === "string" ? pairs[lineEdges[Number(item)][0]][1] : undefined;
    showLineOfCode(step === undefined ? "" : steps[step].place);
  }

  function overview() {
    const all = events[at].pass === "end";
    const inputs = steps.slice(0, Math.min(data.inputs, 40)).flatMap(({name, value, gradient}) => [h("dt", {}, name),
      h("dd", {}, h("span", {class: "v"}, ...inRows(value)), all && gradient ? h("span", {class: "g"}, ...inRows(gradient)) : null)]);
    const heads = h("dd", {class: "soft"}, h("span", {}, "value"), all && data.mode !== "none" ? h("span", {}, data.mode) : null);
    return [h("h3", {}, data.title), h("dl", {class: "inputs"}, h("dt", {}, "input"), heads, ...inputs)];
  }

  function foldDetails(k) {
    const fold = folds[k], last = folds[k].last;
    const button = h("button", {type: "button"}, opened.has(k) ? "Fold" : "Open");
    button.addEventListener("click", () => toggle(k));
    return [h("h3", {}, fold.name), h("p", {class: "soft"}, fold.about), button, h("p", {class: "soft"}, `its last step: ${steps[last].title}`),
      ...valueDetails(last)];
  }

  function stepDetails(n) {
    const step = steps[n];
    return [h("h3", {}, step.title), step.where ? h("p", {class: "soft"}, step.where) : null, ...valueDetails(n), ...passedOn(n)].filter(Boolean);
  }

  function valueDetails(n) {
    const step = steps[n];
    if (n === data.failed) return [h("h4", {class: "bad"}, "Stopped here"), h("p", {class: "formula"}, step.value.text)];
    const parts = [h("h4", {class: "v"}, "Value"), ...(hasValue(n, at) ? [formulaLine(step), ...summary(step.value)] : [later("not computed yet")])];
    if (step.gradient) parts.push(h("h4", {class: "g"}, forwardMode ? `Tangent d${step.name}` : `Gradient ∂${data.name}/∂${step.name}`), ...gradientDetails(n));
    return parts.filter(Boolean);
  }

  const formulaLine = (step) => (step.formula ? h("p", {class: "formula"}, step.formula) : null);

  function summary(value) {
    if (!value) return [];
    const facts = ["range", "mean", "norm", "zeros", "NaN", "∞"].filter((key) => value[key]);
    const main = value.rows ? matrix(value.rows) : h("p", {class: value.bad ? "number bad" : "number"}, value.text);
    return [main, facts.length
      ? h("dl", {}, ...facts.flatMap((key) => [h("dt", {}, key), h("dd", {}, value[key])])) : null,
    value.map ? heat(value.map) : null].filter(Boolean);
  }

  /** A value's text, in which rows of a matrix are not broken. */
  function inRows({text, rows}) {
    if (!rows) return [text];
    const parts = text.split("] [");
    return parts.flatMap((part, k) => [k ? " " : "", h("span", {class: "row"}, `${k ? "[" : ""}${part}${k < parts.length - 1 ? "]" : ""}`)]);
  }

  /** A small matrix, its numbers in their places. */
  function matrix(rows) {
    const lines = rows.map((row) => h("tr", {}, ...row.map((number) => h("td", {}, number))));
    return h("div", {class: "scroll"}, h("table", {class: "number matrix"}, h("tbody", {}, ...lines)));
  }

  /** The small picture of an array: one path for each shade. */
  function heat(rows) {
    const shades = new Map();
    rows.forEach((row, y) => [...row].forEach((letter, x) => shades.set(letter, `${shades.get(letter) || ""}M${x} ${y}h1v1h-1z`)));
    const paths = [...shades].map(([letter, d]) => {
      const level = letter.charCodeAt(0) - "j".charCodeAt(0);
      const fill = letter === "!" ? "var(--line5)" : `color-mix(in oklab,var(${level < 0 ? "--line1" : "--line0"}) ${Math.abs(level) / 9 * 100}%,var(--paper))`;
      return `<path d="${d}" style="fill:${fill}"/>`;
    });
    const box = h("div", {class: "heat", role: "img", "aria-label": "heat map", title: "blue above 0, orange below"});
    box.innerHTML = `<svg viewBox="0 0 ${rows[0].length} ${rows.length}" shape-rendering="crispEdges" style="width:${Math.min(240, rows[0].length * 15)}px">${paths.join("")}</svg>`;
    return box;
  }

  const full = (n) => steps[n].full || steps[n].name;

  /** How the contributions of all that read a step add up to its gradient. */
  function gradientDetails(n) {
    const {gradient} = steps[n];
    if (forwardMode) {
      const added = hasValue(n, at) ? incoming[n].filter((k) => edges[k].contribution) : [];
      return [edgeTable(added.map((k) => edgeRow(k, "from ", pairs[k][0]))), ...(hasValue(n, at) ? summary(gradient) : [later("not computed yet")])];
    }
    if (at < firstBack) return [later("in the backward pass")];
    if (n === data.output) return [h("p", {}, "The output by itself: the backward pass begins with 1."), ...summary(gradient)];
    const readers = outgoing[n].filter((k) => arrived.passed.has(pairs[k][1]));
    if (!readers.length) return [h("p", {}, "The output does not depend on it."), ...summary(gradient)];
    const rows = readers.map((k) => edgeRow(k, "from ", pairs[k][1]));
    return [edgeTable(rows), hasGradient(n, at) ? h("p", {class: "sum"}, readers.length > 1 ? `sum of ${readers.length}` : "", ) : later("more to come"),
      ...(hasGradient(n, at) ? summary(gradient) : [])];
  }

  /** What a step passes on to its operands. */
  function passedOn(n) {
    if (data.mode !== "gradient" || !incoming[n].length || at < firstBack) return [];
    return [h("h4", {class: "l"}, "Passes on"), edgeTable(incoming[n].map((k) => edgeRow(k, "to ", pairs[k][0])))];
  }

  const edgeTable = (rows) => h("div", {class: "scroll"}, h("table", {class: "edges"}, h("tbody", {}, ...rows)));

  /** What comes to an edge × its local derivative = what it passes on, with the other end's name to go there. */
  function edgeRow(k, word, end) {
    const edge = edges[k], [source, target] = pairs[k], comes = steps[forwardMode ? source : target].gradient;
    const name = h("td", {}, word, end === undefined ? null : link(end));
    const rule = edge.formula ? h("div", {class: "formula soft"}, edge.formula) : null;
    if (!edge.contribution) return h("tr", {}, name, h("td", {}, h("span", {class: "l"}, edge.local), rule));
    if (!isPassed(target, at)) return h("tr", {}, name, h("td", {class: "soft"}, "still to come"));
    return h("tr", {}, name, h("td", {}, h("span", {class: "g"}, comes ? comes.text : ""), " × ",
      h("span", {class: "l"}, edge.local), " = ", h("b", {class: edge.bad ? "bad" : "g"}, edge.contribution), rule));
  }

  function link(n) {
    const button = h("button", {type: "button", class: "link"}, full(n));
    button.addEventListener("click", () => reveal(n));
    return button;
  }

  function lineDetails(number) {
    const carried = lineEdges[number];
    return carried.slice(0, 12).flatMap((k) => {
      const [a, b] = pairs[k], heading = h("h3", {}, `${full(a)} → ${full(b)}`);
      if (k >= edges.length) return [heading, h("p", {class: "soft"}, "is read; no derivative passes here")];
      return [heading, edgeTable([edgeRow(k, forwardMode ? "tangent × local" : "upstream × local")])].filter(Boolean);
    });
  }

  function showLineOfCode(place) {
    document.querySelectorAll(".code .now").forEach((line) => line.classList.remove("now"));
    const line = place && document.getElementById(`line-${place}`);
    if (!line) return;
    line.classList.add("now");
    const list = line.closest(".code");
    list.scrollTop = line.offsetTop - list.clientHeight / 2;
  }

  // ---- pan and zoom

  let view = {x: 0, y: 0, scale: 1};

  function look(next, smooth = false) {
    view = next;
    canvas.classList.toggle("smooth", smooth && !calm());
    canvas.style.transform = `translate(${view.x}px,${view.y}px) scale(${view.scale})`;
  }

  function fit(least = 0.05) {
    const {clientWidth: width, clientHeight: height} = stage;
    const scale = Math.max(least, Math.min(1.3, (width - 32) / size[0], (height - 32) / size[1]));
    look({scale, x: (width - size[0] * scale) / 2, y: Math.max(16, (height - size[1] * scale) / 2)});
  }

  function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
    const scale = Math.min(4, Math.max(0.05, view.scale * factor)), by = scale / view.scale;
    look({scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by});
  }

  /** Where a graph of this length begins, so that it does not leave the window empty; a short one is in the middle. */
  function within(start, length, room) {
    return length + 32 <= room ? (room - length) / 2 : Math.min(16, Math.max(room - 16 - length, start));
  }

  /** Bring an item into view if it is not. */
  function follow(item) {
    const g = nodes.get(item);
    if (!g) return;
    const [x, top] = tops.get(item), [w, height] = (item >= 0 ? steps[item] : folds[-item - 1]).size, y = top + height / 2;
    const px = view.x + x * view.scale, py = view.y + y * view.scale;
    const dx = w / 2 * view.scale + 12, dy = height / 2 * view.scale + 12;
    if (px - dx >= 0 && px + dx <= stage.clientWidth && py - dy >= 0 && py + dy <= stage.clientHeight) return;
    look({
      scale: view.scale,
      x: within(stage.clientWidth / 2 - x * view.scale, size[0] * view.scale, stage.clientWidth),
      y: within(stage.clientHeight / 2 - y * view.scale, size[1] * view.scale, stage.clientHeight),
    }, true);
  }

  const pointers = new Map();
  let dragged = false;
  stage.addEventListener("pointerdown", (event) => { pointers.set(event.pointerId, event); dragged = false; });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const others = [...pointers.values()].filter((other) => other.pointerId !== event.pointerId);
    const box = stage.getBoundingClientRect();
    if (others.length) {
      const [other] = others, apart = (p) => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY) || 1;
      zoom(apart(event) / apart(before), other.clientX - box.x, other.clientY - box.y);
    } else if (dragged || Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY) > 3) {
      dragged = true;
      look({...view, x: view.x + event.clientX - before.clientX, y: view.y + event.clientY - before.clientY});
    } else return;
    pointers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) stage.addEventListener(name, (event) => pointers.delete(event.pointerId));
  stage.addEventListener("wheel", (event) => {
    // the wheel scrolls the page until the graph was clicked or is zoomed on purpose
    if (!event.ctrlKey && !stage.contains(document.activeElement)) return;
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - box.x, event.clientY - box.y);
  }, {passive: false});

  // ---- playing

  const play = find("#play");

  function setPlaying(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => (stopOf(at) < stops.length - 1 ? move(1) : setPlaying(false)), 1100) : 0;
    play.querySelector("path").setAttribute("d", on ? "M4 3h3v10H4zM9 3h3v10H9z" : "M4 2.5l9 5.5-9 5.5z");
    play.setAttribute("aria-label", on ? "Pause" : "Play");
    if (on && at === events.length - 1) show(stops[0]);
  }

  const goTo = (stop) => { looked = null; show(stops[Math.max(0, Math.min(stops.length - 1, stop))]); };
  const move = (by) => goTo(stopOf(at) + by);
  const stopByHand = (act) => () => { setPlaying(false); act(); };

  slider.addEventListener("input", stopByHand(() => goTo(Number(slider.value))));
  play.addEventListener("click", () => setPlaying(!timer));
  const buttons = {
    first: () => goTo(0), back: () => move(-1), next: () => move(1), last: () => goTo(stops.length - 1),
    "zoom-in": () => zoom(1.25), "zoom-out": () => zoom(0.8), fit: () => fit(), help: () => find("#keys").showModal(),
  };
  for (const [id, act] of Object.entries(buttons)) find(`#${id}`).addEventListener("click", id === "help" ? act : stopByHand(act));

  // ---- looking at and pinning what is pointed at

  const itemOf = (target) => {
    const node = target.closest(".node"), wire = target.closest(".line");
    return node ? Number(node.dataset.item) : wire ? wire.dataset.line : null;
  };
  const lookAt = (item) => { if (item !== looked) { looked = item; showDetails(); } };
  const pin = (item) => { pinned = item; looked = null; show(at); };

  canvas.addEventListener("pointerover", (event) => { if (!pointers.size) lookAt(itemOf(event.target)); });
  svg.addEventListener("pointerleave", () => lookAt(null));
  canvas.addEventListener("focusin", (event) => { rove(event.target.closest(".node"), false); lookAt(itemOf(event.target)); });
  canvas.addEventListener("focusout", () => lookAt(null));
  svg.addEventListener("click", (event) => {
    if (dragged) return;
    const item = itemOf(event.target), frame = event.target.closest(".frame");
    stage.focus({preventScroll: true});
    if (frame) toggle(Number(frame.dataset.frame), false);
    else if (typeof item === "number" && item < 0) toggle(-item - 1);
    else pin(item === pinned ? null : item);
  });

  /** One card at a time is reached by Tab; arrows go on from there. */
  function rove(g, focus) {
    if (!g) return;
    canvas.querySelectorAll('[tabindex="0"]').forEach((other) => other.setAttribute("tabindex", "-1"));
    g.setAttribute("tabindex", "0");
    if (focus) g.focus({preventScroll: true});
  }

  function walk(by) {
    const order = [...nodes.keys()].sort((a, b) => firstOf(a) - firstOf(b));
    const here = order.indexOf(itemOf(document.activeElement) ?? current());
    const item = order[Math.max(0, Math.min(order.length - 1, here + by))];
    rove(nodes.get(item), true);
    follow(item);
  }

  function act() {
    const item = itemOf(document.activeElement) ?? current();
    if (item === null) return;
    if (item >= 0) return pin(item === pinned ? null : item);
    toggle(-item - 1);
    rove(nodes.get(seenAs(firstOf(item))), true);
  }

  function closeAround() {
    const item = itemOf(document.activeElement) ?? current();
    const inside = item === null ? [] : around(item).filter((k) => opened.has(k));
    if (!inside.length) return;
    toggle(inside.at(-1), false);
    rove(nodes.get(-inside.at(-1) - 1), true);
  }

  // ---- search

  const search = find("#search"), results = find("#results");

  /** Steps that are called so, then steps in whose formula, operation or line the words stand. */
  function matches(words) {
    const called = (step) => [step.name, step.full || ""].some((name) => name.toLowerCase() === words || name.toLowerCase().includes(`(${words})`));
    const found = steps.flatMap((step, n) => ([step.title, step.full, step.operation, step.where]
      .some((text) => text && text.toLowerCase().includes(words)) ? [n] : []));
    return [...found.filter((n) => called(steps[n])), ...found.filter((n) => !called(steps[n]))];
  }

  search.addEventListener("input", () => {
    const words = search.value.trim().toLowerCase(), found = words ? matches(words) : [];
    const entries = found.slice(0, 8).map((n) => {
      const button = h("button", {type: "button"}, h("b", {}, steps[n].title), h("span", {class: "soft"}, steps[n].where || ""));
      button.addEventListener("click", () => reveal(n));
      return h("li", {}, button);
    });
    const more = found.length > 8 ? h("li", {class: "soft"}, `and ${found.length - 8} more`) : null;
    results.replaceChildren(...(words && !found.length ? [h("li", {class: "soft"}, "nothing found")] : [...entries, more].filter(Boolean)));
    results.hidden = !words;
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") results.querySelector("button")?.click();
    if (event.key === "Escape") { search.value = ""; results.hidden = true; stage.focus(); }
  });

  /** Open what a step lies in, and pin it. */
  function reveal(n) {
    around(n).forEach((k) => opened.add(k));
    results.hidden = true;
    render();
    pin(n);
    rove(nodes.get(n), true);
    follow(n);
  }

  // ---- keys

  const keys = {
    ArrowRight: () => move(1), ArrowLeft: () => move(-1), Home: () => goTo(0), End: () => goTo(stops.length - 1),
    ArrowDown: () => walk(1), ArrowUp: () => walk(-1), Enter: act, c: closeAround, Escape: () => pin(null),
    f: () => goTo(stopOf(1)), b: () => goTo(stopOf(firstBack)),
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: () => fit(),
    "/": () => search.focus(), "?": () => find("#keys").showModal(),
  };
  /** Keys that belong to what has the focus: letters to the search, space and Enter to buttons. */
  function isTaken({target, key}) {
    if (target.closest("input:not([type=range]),dialog")) return true;
    if (target === slider) return key.startsWith("Arrow") || key === "Home" || key === "End";
    return Boolean(target.closest("button,a,summary")) && (key === " " || key === "Enter");
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    if (event.key === " ") setPlaying(!timer);
    else if (Object.hasOwn(keys, event.key)) stopByHand(keys[event.key])();
    else return;
    event.preventDefault();
  });
  document.querySelectorAll(".code [data-step]").forEach((line) => line.addEventListener("click", () => reveal(Number(line.dataset.step))));

  // on paper there is all of it, as large as the paper is wide
  addEventListener("beforeprint", () => {
    svg.setAttribute("viewBox", `-8 -8 ${size[0] + 16} ${size[1] + 16}`);
    canvas.style.transform = "none";
  });
  addEventListener("afterprint", () => {
    svg.removeAttribute("viewBox");
    look(view);
  });

  document.body.classList.add("playable");
  ["viewBox", "width", "height"].forEach((name) => svg.removeAttribute(name));
  svg.setAttribute("role", "group");
  svg.querySelector("title").remove(); // browsers show it wherever the pointer rests
  render();
  fit(0.6);
  show(at);
  let fitted = `${stage.clientWidth} ${stage.clientHeight}`;
  new ResizeObserver(() => {
    if (svg.hasAttribute("viewBox")) return; // it is being printed
    const now = `${stage.clientWidth} ${stage.clientHeight}`;
    if (now === fitted) return; // an observer begins with a call, which must not undo a zoom
    fitted = now;
    fit(0.6);
    follow(current());
  }).observe(stage);
})();
