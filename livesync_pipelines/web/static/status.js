// The status page follows `/ws/connect/PROJECT`, one socket for each project that it shows, and asks
// for itself anew when something has happened. While a socket is down it asks every few seconds.
"use strict";

const POLL_MS = 5000;
const CALM_MS = 60000;
const TOGETHER_MS = 400;
const SLOWEST_MS = 30000;

const sockets = new Map();
let asked = 0;
let timer = null;
let due = Infinity;

const main = () => document.querySelector("main");
const live = () => [...sockets.values()].every((s) => s.open);

function renewIn(ms) {
  const at = Date.now() + ms;
  if (at >= due) return;
  due = at;
  clearTimeout(timer);
  timer = setTimeout(renew, ms);
}

async function renew() {
  due = Infinity;
  const mine = ++asked;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const shown = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = shown.querySelector("main");
    if (answer.ok && fresh && mine === asked) {
      main().replaceWith(document.adoptNode(fresh));
      follow();
    }
  } catch {
    // Nobody answers: what was shown last stays, and the next try comes as always.
  }
  say();
  renewIn(live() ? CALM_MS : POLL_MS);
}

function say() {
  const place = document.getElementById("live");
  if (place) place.textContent = live() ? "It is live." : "It renews itself every 5 s.";
}

function follow() {
  const after = Number(main().dataset.after);
  for (const project of JSON.parse(main().dataset.projects)) {
    if (!sockets.has(project)) connect({ project, last: after, open: false, wait: 1000 });
  }
}

function connect(state) {
  sockets.set(state.project, state);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const path = `/ws/connect/${encodeURIComponent(state.project)}?after=${state.last}`;
  const socket = new WebSocket(`${scheme}://${location.host}${path}`, ["livesync"]);
  let silence = null;
  socket.onmessage = (message) => {
    const told = JSON.parse(message.data);
    if (told.type === "hello") {
      Object.assign(state, { open: true, wait: 1000, silent: 2.5 * told.heartbeat_s * 1000 });
      say();
    }
    clearTimeout(silence);
    silence = setTimeout(() => socket.close(), state.silent || SLOWEST_MS);
    take(state, told);
  };
  socket.onclose = () => {
    clearTimeout(silence);
    state.open = false;
    say();
    renewIn(Math.min(POLL_MS, state.wait));
    setTimeout(() => connect(state), state.wait);
    state.wait = Math.min(2 * state.wait, SLOWEST_MS);
  };
}

function take(state, told) {
  if (told.seq) state.last = Math.max(state.last, told.seq);
  if (told.type === "gap") renewIn(0);
  if (told.type !== "event") return;
  if (told.kind === "operation.started") mark(told.sync_id, "working", "");
  if (told.kind === "operation.progress") mark(told.sync_id, "working", words(told.document));
  if (told.kind !== "operation.progress") renewIn(TOGETHER_MS);
}

function words(counts) {
  const listed = counts.listed.toLocaleString("en");
  const of = counts.expected < counts.listed ? "" : ` of ${counts.expected.toLocaleString("en")}`;
  return `${listed}${of} listed`;
}

function mark(sync, condition, progress) {
  const row = document.getElementById(`sync-${sync}`);
  if (!row) return;
  const cell = row.querySelector(".condition");
  cell.className = `condition ${condition}`;
  const link = cell.querySelector("a") || cell;
  if (link !== cell) link.className = condition;
  link.textContent = condition;
  if (!progress) return;
  let line = document.getElementById(`progress-${sync}`);
  if (!line) {
    line = document.createElement("tr");
    line.id = `progress-${sync}`;
    const told = line.insertCell();
    told.colSpan = 10;
    told.className = "soft";
    row.after(line);
  }
  line.cells[0].textContent = progress;
}

follow();
renewIn(POLL_MS);
