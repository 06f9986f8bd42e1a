"use strict";
// Draws one choice of task, cell and T from the data in this page. What is chosen stands in the
// address (#task=…&cell=…&T=…). All text is set as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const SELECTS = ["task", "cell", "T", "condition", "beside", "loss"];
const FADED = 0.35;
const STAGES = { init: "at the start", end: "at the end" };
const by = (id) => document.getElementById(id);

function node(space, tag, attributes, children) {
  const made = space ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}
const html = (tag, attributes = {}, ...children) => node(false, tag, attributes, children);
const svg = (tag, attributes = {}, ...children) => node(true, tag, attributes, children);

function told(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (size && (size < 1e-3 || size >= 1e7)) return value.toExponential(2).replace("-", "−").replace("e-", "e−");
  return Number(value.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: 6 }).replace("-", "−");
}

// axes

function ticks(low, high, log) {
  const found = [];
  if (log) {
    const decades = Math.log10(high / low);
    const every = Math.max(1, Math.ceil(decades / 6));
    for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k += every)
      for (const m of decades < 1.5 ? [1, 2, 5] : [1]) found.push(m * 10 ** k);
  } else {
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 5].find((m) => m * power >= rough) || 10);
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-9) + 1e-12; k++) found.push(k * step);
  }
  return found.filter((t) => t >= low * (1 - 1e-9) - 1e-12 && t <= high * (1 + 1e-9) + 1e-12);
}

function extent(values, fixed) {
  let [low, high] = fixed || [Infinity, -Infinity];
  if (!fixed) for (const v of values) if (v !== null && v !== undefined) { low = Math.min(low, v); high = Math.max(high, v); }
  if (low > high) return [0, 1];
  return low === high ? [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2] : [low, high];
}

function mark(status, x, y, colour) {
  const stroke = { fill: "none", stroke: colour, "stroke-width": 1.6, class: `end ${status}` };
  if (status === "solved") return svg("circle", { cx: x, cy: y, r: 3.4, fill: colour, class: "end solved" });
  if (status === "diverged") return svg("path", { ...stroke, d: `M${x - 3.5} ${y - 3.5}l7 7m0-7l-7 7` });
  if (status === "timeout") return svg("path", { ...stroke, d: `M${x} ${y - 4.5}l4.5 4.5l-4.5 4.5l-4.5-4.5z` });
  if (status === "error") return svg("path", { ...stroke, d: `M${x - 3.5} ${y - 3.5}h7v7h-7z` });
  return svg("circle", { ...stroke, cx: x, cy: y, r: 3.2, fill: "#fff" });
}

// lines: {x, y, colour, dash, width, faded, status, run}; rules: [{y, text, left}]; spans: shaded x
function chart({ title, x, y, lines, rules = [], spans = [], wantLog = false, range = null, floor = -Infinity }) {
  const [W, H, left, right, top, bottom] = [520, 310, 70, 16, 30, 46];
  const values = lines.flatMap((line) => line.y).concat(rules.map((rule) => rule.y));
  const found = values.filter((v) => v !== null && v !== undefined);
  const [least, most] = extent(found);
  const log = wantLog && least > 0 && most / least > 10;
  const clipped = least < floor;
  let [low, high] = range || [Math.max(least, floor), most];
  if (low >= high) [low, high] = [high - 1, high];
  if (!range && !log) { const pad = 0.04 * (high - low); low -= pad; high += pad; }
  if (log) { low /= 1.15; high *= 1.15; }
  const [from, to] = extent(lines.flatMap((line) => line.x.slice(0, line.y.length)));
  const at = (v) => left + ((v - from) / (to - from)) * (W - left - right);
  const share = log ? (v) => Math.log(v / low) / Math.log(high / low) : (v) => (v - low) / (high - low);
  const up = (v) => H - bottom - Math.min(1, Math.max(0, share(v))) * (H - top - bottom);
  const shown = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${title}: ${y} against ${x}, ${lines.length} lines` });
  for (const s of spans) {
    const [start, end] = [Math.max(left, at(s - 0.5)), Math.min(W - right, at(s + 0.5))];
    shown.append(svg("rect", { x: start, y: top, width: end - start, height: H - top - bottom, fill: "#efe6c8", class: "span" }));
  }
  for (const t of ticks(low, high, log)) {
    shown.append(svg("line", { x1: left, x2: W - right, y1: up(t), y2: up(t), stroke: "#e6e6e6" }));
    shown.append(svg("text", { x: left - 6, y: up(t) + 4, "text-anchor": "end" }, told(t)));
  }
  for (const t of ticks(from, to, false)) {
    shown.append(svg("line", { x1: at(t), x2: at(t), y1: H - bottom, y2: H - bottom + 4, stroke: "#3c4855" }));
    shown.append(svg("text", { x: at(t), y: H - bottom + 18, "text-anchor": "middle" }, told(t)));
  }
  shown.append(svg("path", { d: `M${left} ${top}V${H - bottom}H${W - right}`, fill: "none", stroke: "#3c4855" }));
  shown.append(svg("text", { x: left, y: 15, class: "title" }, title));
  shown.append(svg("text", { x: (left + W - right) / 2, y: H - 6, "text-anchor": "middle" }, x));
  const label = `${y}${log ? " (log)" : ""}${clipped ? `, cut at ${told(floor)}` : ""}`;
  shown.append(svg("text", { transform: `translate(13 ${(top + H - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, label));
  const ruled = rules.filter((r) => r.y !== null && r.y >= low && r.y <= high);
  for (const rule of ruled)
    shown.append(svg("line", { x1: left, x2: W - right, y1: up(rule.y), y2: up(rule.y), stroke: "#777", "stroke-dasharray": "2 3" }));
  for (const line of lines) {
    const points = line.y.map((v, i) => [line.x[i], v]).filter(([, v]) => v !== null && (!log || v > 0));
    if (!points.length) continue;
    const d = points.map(([a, b]) => `${at(a).toFixed(1)} ${up(b).toFixed(1)}`).join("L");
    const group = svg("g", { class: "run", "data-run": line.run, "data-points": points.length });
    group.append(svg("path", { d: `M${d}`, fill: "none", stroke: line.colour, "stroke-width": line.width || 1.4,
      "stroke-dasharray": line.dash || "none", "stroke-linejoin": "round", opacity: line.faded ? FADED : 1 }));
    const [a, b] = points[points.length - 1];
    if (line.status) group.append(mark(line.status, at(a), up(b), line.colour));
    shown.append(group);
  }
  for (const rule of ruled)  // over the lines, on white, so that none crosses a word
    shown.append(svg("text", { x: rule.left ? left + 6 : W - right, y: up(rule.y) - 5, "text-anchor": rule.left ? "start" : "end",
      stroke: "#fff", "stroke-width": 4, "stroke-linejoin": "round", "paint-order": "stroke" }, rule.text));
  return shown;
}

// what is drawn of conditions

const styleOf = (entry) => data.styles[entry.cell] || { colour: "#000", dash: "" };

function lines(entries, draw) {
  return entries.flatMap((entry) => entry.runs.flatMap((run) => draw(run, entry).filter((line) => line.y).map((line) => ({
    colour: styleOf(entry).colour, dash: entries.length > 1 ? styleOf(entry).dash : "",
    faded: run.status !== "solved", run: `${entry.id} ${run.seed}`, ...line }))));
}

function charts(entries, loss) {
  const [first] = entries;
  const learning = (key) => lines(entries, (run, e) => [{ x: e.updates, y: run[key], status: run.status }]);
  const found = [
    chart({ title: `Loss on ${loss === "v" ? "validation" : "training"} sequences`, x: "updates", y: "loss", wantLog: true,
      lines: learning(loss), rules: [{ y: first.floor, text: "best answer without memory" }] }),
    chart({ title: "Score on validation sequences", x: "updates", y: first.score, lines: learning("s"), floor: -0.25,
      // on data from a file no score is enough
      rules: first.criterion > 1 ? [] : [{ y: first.criterion, text: "solved from here on", left: true }] }),
  ];
  for (const [gate, name] of [["write", "writes"], ["keep", "keeps"]]) {
    const drawn = lines(entries, (run, e) => [{ x: e.steps || [], y: (run.gates || {})[gate] }]);
    if (drawn.length) found.push(chart({ title: `The gate that ${name}, one sequence (shaded: it matters)`, x: "step",
      y: "mean over units", lines: drawn, spans: (entries.find((e) => e.relevant) || {}).relevant, range: [0, 1] }));
  }
  for (const stage of [...new Set(entries.flatMap((e) => e.stages || []))]) {
    const drawn = lines(entries, (run, e) => [["h", 1.6], ["c", 0.7]].map(([part, width]) => (
      { x: e.lags, y: ((run.flow || {})[stage] || {})[part], width, faded: stage === "end" && run.status !== "solved" })));
    if (drawn.length) found.push(chart({ title: `Gradient ${STAGES[stage] || `after ${stage}`} (thick: dL/dh, thin: dL/dc)`,
      x: "lag (steps before the last output)", y: "log10 of the norm", lines: drawn, rules: [{ y: 0, text: "none lost" }] }));
  }
  return found;
}

const COLUMNS = [
  ["cell", (r, e) => e.cell, "word"], ["seed", (r) => r.seed], ["end", (r) => r.status + (r.reason ? ` (${r.reason})` : ""), "word"],
  ["updates", (r) => r.updates], ["solved at", (r) => r.solved_at],
  ["validation loss", (r) => r.validation_loss], ["test loss", (r) => r.test_loss], ["test score", (r) => r.test_score],
  ["AUC of the gate that writes", (r) => r.auc_trained], ["AUC, other sequence", (r) => r.auc_shuffled],
  ["AUC, untrained", (r) => r.auc_untrained], ["steps kept", (r) => r.steps_kept],
  ["slope at the start", (r) => r.slope_init], ["slope at the end", (r) => r.slope_end],
];

function table(entries) {
  const rows = entries.flatMap((e) => e.runs.map((run) => [run, e]));
  const always = ["seed", "end", "updates", "solved at", "test loss", "test score"];
  const columns = COLUMNS.filter(([name, get]) => always.includes(name)
    || (rows.some(([r, e]) => (get(r, e) ?? null) !== null) && (name !== "cell" || entries.length > 1)));
  const body = rows.map(([run, e]) => {
    const row = html("tr", { tabindex: 0, class: run.status === "solved" ? "solved" : "faded" },
      ...columns.map(([, get, kind]) => html("td", { class: kind || "number" }, told(get(run, e)))),
      html("td", {}, html("a", { href: `../../runs/${encodeURIComponent(e.id)}/${encodeURIComponent(run.block)}/` }, "files")));
    for (const event of ["mouseenter", "focus"]) row.addEventListener(event, () => highlight(`${e.id} ${run.seed}`));
    for (const event of ["mouseleave", "blur"]) row.addEventListener(event, () => highlight(null));
    return row;
  });
  const head = [...columns, ["", null, "word"]].map(([name, , kind]) => html("th", { scope: "col", class: kind || "number" }, name));
  return html("table", {}, html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...body));
}

function highlight(run) {
  by("charts").classList.toggle("picking", run !== null);
  for (const group of document.querySelectorAll("g.run")) group.classList.toggle("on", group.dataset.run === run);
}

function about(entry, many) {
  const solved = entry.runs.filter((run) => run.status === "solved").length;
  const style = styleOf(entry);
  const swatch = svg("svg", { class: "swatch", viewBox: "0 0 26 8" }, svg("line", { x1: 0, x2: 26, y1: 4, y2: 4,
    stroke: style.colour, "stroke-width": 3, "stroke-dasharray": many ? style.dash || "none" : "none" }));
  const asked = entry.asked_by.flatMap((name, i) => [i ? ", " : " ", html("a", { href: `../index.html#${encodeURIComponent(name)}` }, name)]);
  return html("p", {}, swatch, html("b", {}, entry.cell), `: ${solved} of ${entry.runs.length} replicates solved`
    + `${entry.what ? `; ${entry.what}` : ""}. Width ${entry.width}, ${told(entry.parameters)} parameters, learning rate `
    + `${told(entry.learning_rate)}, at most ${told(entry.budget)} updates. ${entry.id}. Asked for by`, ...asked, ".");
}

function csv(entries) {
  const quote = (text) => (/[",\r\n]/.test(text) ? `"${String(text).replaceAll('"', '""')}"` : text);
  const rows = entries.flatMap((e) => e.runs.flatMap((r) => e.updates.map((update, i) =>
    [e.task, e.cell, e.T, e.id, r.seed, update, r.v?.[i], r.t?.[i], r.s?.[i]].map((v) => quote(v ?? "")).join(","))));
  const text = ["task,cell,T,condition,seed,update,validation_loss,train_loss,validation_score", ...rows].join("\n");
  return html("a", { download: `${entries[0].id}.csv`, href: `data:text/csv;charset=utf-8,${encodeURIComponent(`${text}\n`)}` },
    "CSV of these curves");
}

// what is chosen

function fill(select, options, value) {
  select.replaceChildren(...options.map(([v, text]) => html("option", { value: v }, text)));
  select.value = value;
}

const notes = [];
function choose(asked, name, options, nearest = null) {
  const wanted = asked.get(name), found = options.find((option) => String(option) === wanted);
  if (found !== undefined) return found;
  const instead = (wanted !== null && nearest) || options[0];
  if (wanted !== null) notes.push(`There is no ${name} “${wanted.slice(0, 60)}” here: this is ${instead}.`);
  return instead;
}

// where nothing is chosen yet: of this page, what most replicates solve, most is measured of, and is longest
function telling() {
  const worth = (e) => [e.runs.filter((run) => run.status === "solved").length, (e.steps ? 1 : 0) + (e.stages ? 1 : 0), e.T];
  const before = (a, b) => { const i = a.findIndex((v, k) => v !== b[k]); return i >= 0 && a[i] > b[i]; };
  const best = data.entries.reduce((a, b) => (before(worth(b), worth(a)) ? b : a));
  return new URLSearchParams({ task: best.task, cell: best.cell, T: best.T, condition: best.id });
}

function render() {
  notes.length = 0;
  const asked = location.hash.length > 1 || !data.entries.length ? new URLSearchParams(location.hash.slice(1)) : telling();
  const task = choose(asked, "task", data.index.map((t) => t.task));
  const { cells } = data.index.find((t) => t.task === task);
  const cell = choose(asked, "cell", cells.map((c) => c.cell));
  const lengths = cells.find((c) => c.cell === cell).T;
  const near = [...lengths].sort((a, b) => Math.abs(a[0] - asked.get("T")) - Math.abs(b[0] - asked.get("T")))[0][0];
  const T = choose(asked, "T", lengths.map(([length]) => length), near);
  const page = lengths.find(([length]) => length === T)[1];
  if (page !== data.page) return location.replace(`${page ? `page-${page + 1}` : "index"}.html#${asked}`);
  const own = data.entries.filter((e) => e.task === task && e.cell === cell && e.T === T);
  const entry = own.find((e) => e.id === asked.get("condition")) || own[0];
  const others = data.entries.filter((e) => e.task === task && e.T === T && e.id !== entry.id);
  const beside = others.find((e) => e.id === asked.get("beside"));
  const loss = asked.get("loss") === "t" ? "t" : "v";
  fill(by("task"), data.index.map((t) => [t.task, t.task]), task);
  fill(by("cell"), cells.map((c) => [c.cell, c.cell]), cell);
  fill(by("T"), lengths.map(([length]) => [length, length]), String(T));
  fill(by("condition"), own.map((e) => [e.id, e.what || e.id]), entry.id);
  by("condition-label").hidden = own.length < 2;
  fill(by("beside"), [["", "nothing"], ...others.map((e) => [e.id, e.what ? `${e.cell}: ${e.what}` : e.cell])], beside ? beside.id : "");
  by("loss").value = loss;
  const entries = beside ? [entry, beside] : [entry];
  by("note").textContent = notes.join(" ");
  by("title").textContent = `${entries.map((e) => e.cell).join(" and ")} on ${task}, T = ${T}`;
  document.title = `${by("title").textContent} – lstm_bench`;
  by("about").replaceChildren(...entries.map((e) => about(e, entries.length > 1)));
  by("charts").replaceChildren(...charts(entries, loss));
  by("rows").replaceChildren(table(entries));
  by("files").replaceChildren(csv(entries));
}

for (const name of SELECTS)
  by(name).addEventListener("change", () => {
    const chosen = new URLSearchParams();
    for (const each of SELECTS.slice(0, ["task", "cell", "T"].includes(name) ? 3 : 6))
      if (by(each).value && !(each === "loss" && by(each).value === "v")) chosen.set(each, by(each).value);
    if (by("loss").value === "t") chosen.set("loss", "t");
    location.hash = chosen;
  });
by("choice").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", render);
by("key").append(...["solved", "unsolved", "diverged", "timeout"].flatMap((status) =>
  [svg("svg", { viewBox: "0 0 12 12" }, mark(status, 6, 6, "#1d2733")), status]), "  (faded: not solved)");
if (data.index.length) render();
else by("note").textContent = "This sweep trains nothing: there is nothing to choose.";
