// Draws the history that is in the page as JSON. All text goes through
// `textContent`, never through HTML: it comes from files that anybody may have written.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const history_ = document.getElementById("history");
const search = document.getElementById("search");
const found = document.getElementById("found");
const fold = document.getElementById("fold");
const details = document.getElementById("details");
const said = document.getElementById("said");

const ROW = 24;
// Wider histories have their texts beside each row's own lanes, not in one column.
const ALIGNED = 230;
const RAN = { applied: "✓", pending: "○", skipped: "!", unknown: "?" };
const KINDS = { landed: "landed", own: "own", head: "head", branchpoint: "branch point", mergepoint: "merge point" };

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(className, text, act) {
  const made = element("button", className, text);
  made.type = "button";
  if (act) made.addEventListener("click", act);
  return made;
}

function stroke(className, path) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "path");
  made.setAttribute("class", className);
  made.setAttribute("d", path);
  return made;
}

function canvas(width) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  made.setAttribute("width", width);
  made.setAttribute("height", ROW);
  made.setAttribute("aria-hidden", "true");
  return made;
}

// A circle for landed, a diamond for own.
function shape(kinds, x, radius) {
  const [y, half] = [ROW / 2, radius + 1];
  return kinds.includes("own")
    ? `M${x} ${y - half}L${x + half} ${y}L${x} ${y + half}L${x - half} ${y}Z`
    : `M${x - radius} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0`;
}

function drawMark(svg, row) {
  if (row.kinds.includes("head")) svg.append(stroke("ring", shape(row.kinds, row.x, 9)));
  svg.append(stroke("mark", shape(row.kinds, row.x, 6)));
  if (row.inner) svg.append(stroke("inner", row.inner));
}

function drawLanes(row, width) {
  const svg = canvas(width);
  if (row.lanes) svg.append(stroke("lane", row.lanes));
  if (row.dashes) svg.append(stroke("dependency", row.dashes));
  return svg;
}

// One object per revision: its data, its list item, and where it belongs.
const revisions = [];
const runs = [];

function drawRevision(revision, width) {
  const { row } = revision;
  const made = button(`row ${row.kinds.join(" ")}`, undefined, () => choose(revision, true));
  made.tabIndex = -1;
  const svg = drawLanes(row, width);
  drawMark(svg, row);
  made.append(svg);
  if (row.ran) {
    const ran = element("span", `ran ${row.ran}`, RAN[row.ran]);
    ran.title = row.ran;
    made.append(ran);
  }
  made.append(element("span", "id", row.id));
  for (const label of row.labels) made.append(element("span", "label", label));
  made.append(element("span", "message", row.message));
  made.title = row.path;
  const words = row.kinds.filter((kind) => KINDS[kind]).map((kind) => KINDS[kind]);
  made.setAttribute("aria-label", [row.id, row.message, ...row.labels, ...words, row.ran].filter(Boolean).join(", "));
  return made;
}

function drawRun(run, width) {
  const made = button("row run", undefined, () => setFolded(run, !run.isFolded, true));
  made.tabIndex = -1;
  // The lanes of its last row lead on to what follows it.
  const last = run.revisions[run.revisions.length - 1].row;
  const svg = drawLanes(last, width);
  for (const y of [2, 7, 12]) svg.append(stroke("mark", `M${last.x - 2} ${y}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0`));
  made.append(svg);
  if (last.ran) made.append(element("span", "ran"));
  made.append(element("span", "message", `… ${run.revisions.length} revisions …`));
  made.setAttribute("aria-expanded", "false");
  return made;
}

function drawComponent(component) {
  const section = element("section");
  const title = element("h2", "", component.name);
  const facts = [`${component.revisions + component.left_out} revisions`];
  if (component.database) facts.push(`database: ${component.database}`);
  title.append(element("small", "", facts.join(", ")));
  const list = element("ol");
  const widest = component.rows.reduce((most, row) => Math.max(most, row.width), 0);
  const widthOf = (row) => (widest <= ALIGNED ? widest : row.width);
  const mine = component.rows.map((row) => ({
    row, ups: [], component: null, run: null, item: element("li"),
    text: [row.id, row.message, row.path, ...row.labels].join("\n").toLowerCase(),
  }));
  mine.forEach((revision) => {
    revision.component = mine;
    revision.button = drawRevision(revision, widthOf(revision.row));
    revision.item.append(revision.button);
    revision.row.downs.forEach((down) => mine[down]?.ups.push(revision));
  });
  const runAt = new Map(component.runs.map(([start, length]) => [start, mine.slice(start, start + length)]));
  mine.forEach((revision, at) => {
    const members = runAt.get(at);
    if (members) {
      const run = { revisions: members, isFolded: false, item: element("li") };
      members.forEach((member) => (member.run = run));
      run.button = drawRun(run, widthOf(members[members.length - 1].row));
      run.item.append(run.button);
      run.item.hidden = true;
      list.append(run.item);
      runs.push(run);
    }
    list.append(revision.item);
  });
  section.append(title, list);
  if (component.left_out) section.append(element("p", "older", `… ${component.left_out} older …`));
  revisions.push(...mine);
  history_.append(section);
}

function drawLegend() {
  const legend = document.getElementById("legend");
  const add = (mark, text) => {
    const entry = element("span");
    entry.append(mark, text);
    legend.append(entry);
  };
  const all = new Set(revisions.flatMap((revision) => revision.row.kinds));
  const usual = all.has("landed") || all.has("own") ? "landed" : "revision";
  const inner = { branchpoint: "M9 9L12 14L15 9", mergepoint: "M9 15L12 10L15 15" };
  for (const kind of Object.keys(KINDS).filter((kind) => all.has(kind))) {
    const kinds = kind === "landed" || kind === "own" ? [kind] : [usual, kind];
    const svg = canvas(ROW);
    svg.setAttribute("class", kinds.join(" "));
    drawMark(svg, { kinds, x: 12, inner: inner[kind] });
    add(svg, KINDS[kind]);
  }
  if (revisions.some((revision) => revision.row.dashes)) {
    const svg = canvas(30);
    svg.append(stroke("dependency", "M0 12H26"));
    add(svg, "depends on");
  }
  const known = new Set(revisions.map((revision) => revision.row.ran));
  for (const ran of Object.keys(RAN).filter((ran) => known.has(ran))) add(element("span", `ran ${ran}`, RAN[ran]), ran);
}

const isSearching = () => search.value.trim() !== "";

// What is shown follows from the search and from what is folded, and from nothing else.
function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  document.body.classList.toggle("searched", words.length > 0);
  let count = 0;
  for (const revision of revisions) {
    const matches = words.every((word) => revision.text.includes(word));
    const isFolded = revision.run?.isFolded && words.length === 0;
    revision.item.hidden = !matches || isFolded;
    if (matches) count += 1;
  }
  for (const run of runs) {
    run.item.hidden = words.length > 0 || !run.isFolded;
  }
  found.textContent = words.length ? `${count} of ${revisions.length} revisions` : "";
  fold.hidden = runs.length === 0 || words.length > 0;
  fold.textContent = runs.some((run) => run.isFolded) ? "Unfold all" : "Fold runs";
  makeReachable();
}

function setFolded(run, isFolded, moves) {
  run.isFolded = isFolded;
  show();
  if (moves) focusOn(run.revisions[0].button);
}

// Tab reaches one row, the arrow keys all: nobody tabs through thousands.
let reachable = null;
function makeReachable(wanted) {
  const shown = shownRows();
  const next = wanted || (reachable && !reachable.parentElement.hidden ? reachable : shown[0]);
  if (reachable) reachable.tabIndex = -1;
  reachable = next || null;
  if (reachable) reachable.tabIndex = 0;
}

function shownRows() {
  return [...history_.querySelectorAll("li:not([hidden]) > .row")];
}

function focusOn(row) {
  makeReachable(row);
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function move(to) {
  const shown = shownRows();
  if (!shown.length) return;
  const at = shown.indexOf(document.activeElement);
  const next = { first: 0, last: shown.length - 1, up: Math.max(at - 1, 0), down: Math.min(at + 1, shown.length - 1) };
  focusOn(shown[at < 0 && to !== "last" ? 0 : next[to]]);
}

let chosen = null;
function choose(revision, copies) {
  chosen?.button.classList.remove("chosen");
  chosen = revision;
  revision.button.classList.add("chosen");
  makeReachable(revision.button);
  drawDetails(revision);
  if (copies) copy(revision.row.id);
  remember();
}

function dismiss() {
  chosen?.button.classList.remove("chosen");
  chosen = null;
  details.hidden = true;
  document.body.classList.remove("beside");
  remember();
}

function jump(revision) {
  search.value = "";
  if (revision.run) revision.run.isFolded = false;
  show();
  choose(revision, false);
  revision.button.scrollIntoView({ block: "center" });
  focusOn(revision.button);
}

function drawDetails(revision) {
  const { row } = revision;
  const facts = element("dl");
  const fact = (name, ...values) => {
    if (!values.length) return;
    const value = element("dd");
    values.forEach((part, at) => value.append(...(at ? [", ", part] : [part])));
    facts.append(element("dt", "", name), value);
  };
  const link = (other) => button("link", other.row.id, () => jump(other));
  // A down revision that is not in the picture is still named.
  const byId = (id) => revision.component.find((other) => other.row.id === id);
  const named = (id) => (byId(id) ? link(byId(id)) : element("span", "id", id));
  fact("message", row.message || "(none)");
  fact("path", row.path);
  fact("down revision", ...(row.down_revisions.length ? row.down_revisions.map(named) : ["<base>"]));
  fact("followed by", ...revision.ups.map(link));
  fact("depends on", ...row.depends_on.map(named));
  fact("labels", ...row.labels);
  fact("standing", row.kinds.map((kind) => KINDS[kind]).filter(Boolean).join(", ") || "—");
  if (row.ran) fact("in the database", row.ran);
  const buttons = [button("", "Copy id", () => copy(row.id))];
  if (isSearching()) buttons.push(" ", button("", "Show in history", () => jump(revision)));
  const close = button("close", "Close", dismiss);
  details.replaceChildren(element("h3", "id", row.id), close, facts, ...buttons);
  details.hidden = false;
  document.body.classList.add("beside");
}

let forgetting = 0;
function say(text) {
  said.textContent = text;
  clearTimeout(forgetting);
  forgetting = setTimeout(() => (said.textContent = ""), 2000);
}

function copy(text) {
  const failed = () => say(`select and copy: ${text}`);
  if (!navigator.clipboard) return failed();
  navigator.clipboard.writeText(text).then(() => say(`copied ${text}`), failed);
}

// The address says what is looked at, so that it can be passed on: #q=word, #rev=id.
function remember() {
  const parts = new URLSearchParams();
  if (isSearching()) parts.set("q", search.value.trim());
  if (chosen) parts.set("rev", chosen.row.id);
  window.history.replaceState(null, "", parts.size ? `#${parts}` : "#");
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  search.value = parts.get("q") || "";
  show();
  const wanted = revisions.find((revision) => revision.row.id === parts.get("rev"));
  if (!wanted) return;
  if (!isSearching()) jump(wanted);
  else choose(wanted, false);
}

const KEYS = { ArrowDown: "down", ArrowUp: "up", j: "down", k: "up", Home: "first", End: "last" };

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (!details.hidden) dismiss();
    else if (isSearching()) searchFor("");
    return;
  }
  const inSearch = document.activeElement === search;
  if (event.key === "/" && !inSearch) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (KEYS[event.key] && (!inSearch || event.key.startsWith("Arrow"))) {
    event.preventDefault();
    move(KEYS[event.key]);
  }
}

function searchFor(text) {
  search.value = text;
  show();
  remember();
}

data.components.forEach(drawComponent);
drawLegend();
runs.forEach((run) => (run.isFolded = data.folded));
search.addEventListener("input", () => searchFor(search.value));
fold.addEventListener("click", () => {
  const isFolded = !runs.some((run) => run.isFolded);
  runs.forEach((run) => (run.isFolded = isFolded));
  show();
});
document.addEventListener("keydown", pressed);
window.addEventListener("hashchange", recall);
recall();
