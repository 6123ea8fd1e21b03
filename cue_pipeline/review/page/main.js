// The page: which track is looked at, what is heard, and what is decided.

import { chooseInCue, chooseName, confirmAll } from "/page/choosing.js";
import { KEYS, listen, writeHelp } from "/page/keys.js";
import { Picture, lastAt, minutes } from "/page/picture.js";
import { Player } from "/page/player.js";
import { QueueList, howSure, inWords } from "/page/queue_list.js";
import { Offline, Refusal, ask, send, sendLast, watchConnection } from "/page/server.js";

const $ = (selector) => document.querySelector(selector);
const LOOK_AGAIN_MS = 6000;
const canvas = $("#picture");

const about = await ask("/api/about").catch((error) => { empty(error.message); throw error; });
document.body.classList.toggle("read-only", about.read_only);
document.title = about.read_only ? "Catalogue" : "Review";
$("h1").textContent = document.title;

const picture = new Picture(canvas, $("#playhead"), about);
const player = new Player(about, say, playing);
const queue = new QueueList($("#queue"), (track) => open(track));
const skipped = new Set(), undoable = [];
let tracks = [], progress = { open: 0, decided: 0 }, current = null, standing = {}, others = [];
let opening = 0, ahead = null;

// Who decides

const who = $("#who input");
who.value = localStorage.getItem("by") || about.author;
who.addEventListener("change", () => localStorage.setItem("by", who.value.trim()));

// The queue

async function loadQueue(keep = null) {
  const values = Object.fromEntries(new FormData($("#filters")));
  const found = await ask("/api/queue", values);
  tracks = found.tracks.map((track) => ({ ...track, skipped: skipped.has(track.id) }));
  progress = found;
  choices("project", found.projects.map((name) => [name, name]));
  choices("cue", found.cues.map((cue) => [cue.key, `${cue.key} (${cue.open})`]));
  choices("category", found.categories.map((name) => [name, name]));
  queue.show(tracks, found.total - found.offset - tracks.length);
  sayProgress();
  if (keep && tracks.some((track) => track.id === keep)) queue.mark(keep);
  else await openNext(true);
}

function choices(name, pairs) {
  const select = $(`#filters [name=${name}]`), chosen = select.value;
  if (chosen && !pairs.some(([value]) => value === chosen)) pairs.push([chosen, chosen]);
  select.replaceChildren(select.firstElementChild, ...pairs.map(([value, label]) => new Option(label, value)));
  select.value = chosen;
}

function sayProgress() {
  const { open: left, decided } = progress;
  $("#progress").textContent = left + decided ? `${decided} of ${left + decided} decided` : "nothing waits";
}

$("#filters").addEventListener("change", () => attempt(() => loadQueue()));

// One track

function empty(text) {
  $("#empty").textContent = text;
  $("#empty").hidden = false;
  $("#pair").hidden = true;
}

function nothingWaits() {
  leave(null);
  current = null;
  player.stop();
  const { state, cue } = Object.fromEntries(new FormData($("#filters")));
  if (progress.cues.length === 0) {
    empty("No cue of this database has mappings yet.\n\nRun `cue-pipeline process BASE_DIR` on your library, then reload this page. " +
      `The database is ${about.database}.`);
  } else if (state === "open" && cue) {
    empty(`Nothing waits for you in ${cue}.\n\nChoose another cue above, or “all” to look at this one.`);
  } else if (state === "open" && !$("#filters [name=project]").value && !$("#filters [name=category]").value) {
    empty("Nothing waits for you: every track is mapped or decided.\n\nChoose “decided” or “all” above to look at what there is.");
  } else {
    empty("No track is like that. Choose another state, project, cue or category above.");
  }
}

async function open(track, stem = null) {
  const run = ++opening;
  if (current && current.track.cue !== track.cue) leave(track.cue);
  queue.mark(track.id);
  const pair = await (ahead?.id === track.id && !stem ? ahead.pair : readPair(track));
  if (run !== opening) return;
  ahead = null;
  if (stem && !pair.candidates.some((sound) => sound.id === stem)) {
    const other = await ask("/api/sound", { cue: track.cue, id: track.id, stem });
    if (run !== opening) return;
    pair.candidates = [...pair.candidates.slice(0, 4), other];
  }
  const tiles = current?.track.cue === track.cue ? picture.tiles : picture.newTiles(track.cue);
  current = { track, pair, chosen: Math.max(0, pair.candidates.findIndex((sound) => sound.id === stem)), mix: false };
  if (!stem && track.decided?.stem) {
    current.chosen = Math.max(0, pair.candidates.findIndex((sound) => sound.name === track.decided.stem));
  }
  $("#empty").hidden = true;
  $("#pair").hidden = false;
  if ($("#queue").contains(document.activeElement)) canvas.focus(); // Space plays, Enter accepts
  picture.chosen = current.chosen;
  const went = player.playing;
  player.take(track.cue, pair, pair.candidates[current.chosen] ?? null, pair.opens_at);
  picture.show(pair, tiles);
  showTrack();
  showCandidates();
  setLoop(null);
  moved();
  if (went) attempt(() => player.play()); // whoever listens goes on listening
  tiles.quiet().then(() => { if (run === opening) lookAhead(); }); // the picture comes first
  if (standingOf !== track.cue) {
    standingOf = track.cue;
    standing = {};
    standingRead = attempt(readStanding);
    await standingRead;
  }
}
let standingOf = null, standingRead = null;

function readPair(track) { return ask("/api/track", { cue: track.cue, id: track.id }); }

/** Ask for the next pair while this one is looked at. */
function lookAhead() {
  const next = following(1, true);
  if (!next) return;
  const pair = readPair(next);
  pair.catch(() => { ahead = null; });
  ahead = { id: next.id, pair };
}

function showTrack() {
  const { track, pair } = current, known = pair.track;
  $("#track h2").textContent = known.name || "(no name)";
  const sure = known.confidence === null ? "" : `, ${howSure(known.confidence)}`;
  $("#facts").textContent = [
    `${known.place} of ${known.file}`, known.category ?? "no category", known.drums ? "drum kit" : null,
    `${known.notes} notes` + (known.seconds === null ? "" : `, ${Math.round(known.seconds)} s of music`), `${known.state ?? "not mapped"}${sure}`,
  ].filter(Boolean).join(" · ");
  $("#reason").textContent = track.decided ? inWords(track) : known.reason ?? "";
  const candidate = pair.candidates[current.chosen];
  const clock = candidate?.clock, doubtful = clock?.confidence != null && clock.method !== "none" && (clock.confidence <= 0.5 || clock.method === "stated");
  const told = [...pair.told, doubtful ? `Clock (${clock.method}): ${clock.reason}` : null, candidate?.told, ...(candidate?.warnings ?? [])].filter(Boolean);
  if (!pair.candidates.length) told.push("This cue has no stem: only “No stem” can be said. If its audio is missing, put it back and run `cue-pipeline process`.");
  $("#told").replaceChildren(...told.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  if (current.moved) sayMoved();
  const nearest = pair.opens_at ? `, most telling at ${minutes(pair.opens_at)}` : "";
  $("#picture-says").textContent = `${known.name || "Track without a name"}: ${known.notes} notes${nearest}; ${pair.candidates.length} candidates.`;
}

function showCandidates() {
  const { pair } = current;
  $("#candidates").replaceChildren(...pair.candidates.map((sound, i) => {
    const button = document.createElement("button");
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(i === current.chosen));
    button.append(...["kbd", "span", "span"].map((name) => document.createElement(name)));
    const [number, name, says] = button.children;
    number.textContent = String(i + 1);
    name.textContent = sound.name;
    name.className = "name";
    says.className = "says";
    const score = sound.score === null ? sound.abstained ?? "not compared" : `by ear ${sound.score.toFixed(2)}`;
    says.textContent = [score, sound.category, sound.layout].filter(Boolean).join(" · ");
    button.title = `${sound.name} (${says.textContent})`;
    button.addEventListener("click", () => choose(i));
    return button;
  }));
  const chosen = pair.candidates[current.chosen];
  const accept = $("[data-do=accept]");
  accept.disabled = !chosen;
  accept.replaceChildren("Accept ", Object.assign(document.createElement("b"), { textContent: chosen?.name ?? "" }), " ", Object.assign(document.createElement("kbd"), { textContent: "Enter" }));
  $("[data-do=mix]").disabled = !pair.mixes.length;
  $("[data-do=mix]").setAttribute("aria-pressed", String(current.mix));
}

function choose(i) {
  if (!current?.pair.candidates[i]) return;
  current.chosen = i;
  current.mix = false;
  picture.chosen = i;
  picture.later();
  showTrack();
  showCandidates();
  attempt(() => player.hear(current.pair.candidates[i]));
}

// Another clock: the notes are moved, and where they are then is stated

function moveNotes(by) {
  const { pair } = current;
  current.moved = Math.round(((current.moved ?? 0) + by) * 1e4) / 1e4;
  pair.notes = pair.notes.map(([start, end, ...rest]) => [start + by, end + by, ...rest]);
  for (const name of ["beats", "tempos"]) pair[name] = pair[name].map(([at, ...rest]) => [at + by, ...rest]);
  player.pair = pair;
  picture.later();
  showTrack();
  moved();
  if (player.playing) return player.seek(player.position());
}

function sayMoved() {
  const item = document.createElement("li"), button = (text, act) => {
    const made = document.createElement("button");
    made.textContent = text;
    made.addEventListener("click", () => attempt(act));
    return made;
  };
  const by = `${current.moved > 0 ? "+" : "−"}${Math.abs(current.moved).toFixed(3)} s`;
  item.append(`Notes and bars are moved by ${by}. `, button("State this clock for all stems", stateClock), " ",
    button("Back", () => moveNotes(-current.moved)));
  $("#told").prepend(item);
}

async function stateClock() {
  const { cue, id } = current.track, moved_seconds = current.moved;
  const found = await send("/api/clock", { cue, track: id, moved_seconds, by: who.value.trim() });
  await send("/api/leave", { cue });
  current.moved = 0;
  awaited = { cue, id };
  showTrack();
  say(`Stated: the score begins ${found.lag_seconds.toFixed(3)} s into the recording. All stems are heard anew; then this track is shown as it stands. \`cue-pipeline align unset\` takes it back.`);
}
let awaited = null; // the track whose clock was stated

// Which comes next

function following(step, onlyOpen) {
  const at = tracks.findIndex((track) => track.id === current?.track.id);
  const after = step > 0 ? tracks.slice(at + 1) : tracks.slice(0, Math.max(0, at)).reverse();
  const waits = (track) => track.open && !track.decided && !track.skipped;
  return onlyOpen ? after.find(waits) ?? tracks.find((t) => waits(t) && t.id !== current?.track.id) : after[0];
}

async function openNext(first = false) {
  const { state } = Object.fromEntries(new FormData($("#filters")));
  const looking = state === "decided" || state === "all" || about.read_only;
  const next = first && looking ? tracks[0] : following(1, true);
  if (next) return open(next);
  if (!first && progress.total > tracks.length) return loadQueue(); // what comes up now
  if (first && tracks.length) return open(tracks[0]);
  if (first || state === "open") nothingWaits();
}

// Deciding

async function decide(what, about_ = [current.track]) {
  await standingRead;
  const seen = Object.fromEntries(about_.map((track) => [track.id, standing[track.id]?.version ?? ""]));
  const cue = current.track.cue;
  try {
    const found = await send("/api/decide", { cue, seen, by: who.value.trim(), ...what });
    took(cue, found, about_);
    undoable.push({ cue, tracks: about_ });
    return true;
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 409 || !Object.keys(error.standing).length) throw error;
    const says = Object.entries(error.standing).map(([id, row]) => {
      const track = about_.find((t) => t.id === id);
      return row.version ? `${track?.name ?? id}: ${inWords({ decided: row })}` : `${track?.name ?? id}: what was decided is taken back`;
    });
    await attempt(readStanding);
    say(`${error.message} ${says.join("; ")}`, true);
    return false;
  }
}

/** Take what stands now about a cue's tracks. */
function took(cue, found, changed = []) {
  if (current?.track.cue === cue) standing = found;
  const before = new Map(tracks.map((track) => [track.id, Boolean(track.decided)]));
  for (const track of [...tracks, ...changed]) {
    if (track.cue === cue) track.decided = found[track.id] ?? null;
  }
  for (const track of tracks) {
    if (track.cue !== cue) continue;
    if (before.get(track.id) !== Boolean(track.decided)) {
      const one = track.decided ? 1 : -1;
      progress.decided += one;
      progress.open -= one;
    }
    queue.say(track);
  }
  sayProgress();
}

async function decideAndGoOn(what, words) {
  const { track } = current;
  if (await decide(what)) {
    say(`${track.name || track.place}: ${words}.`);
    await openNext();
  }
}

async function accept() {
  const sound = current.pair.candidates[current.chosen];
  if (sound) await decideAndGoOn({ stem: sound.id }, sound.name);
}

async function category(key) {
  const typed = key && key !== "/" ? key : "";
  const chosen = await chooseName($("#categories"), about.categories, typed);
  if (chosen && await decide({ category: chosen })) {
    current.pair.track.category = chosen;
    showTrack();
    say(`${current.track.name || current.track.place}: ${chosen}. Its stem is still to be decided: Enter or 0.`);
  }
}

/** Decide the same for all tracks of the cue that bear this name, or are proposed this stem. */
async function same() {
  const { track, pair, chosen } = current, sound = pair.candidates[chosen];
  const cue = await ask("/api/cue", { cue: track.cue });
  const mine = cue.tracks.find((t) => t.id === track.id);
  const alike = cue.tracks.filter((t) => t.notes && (t.id === track.id || (!standing[t.id] &&
    ((mine.name && t.name === mine.name) || (mine.stem && t.stem === mine.stem)))));
  const said = standing[track.id]?.stem ? standing[track.id] : null, none = said?.stem === "-";
  const words = none ? "no stem" : said?.stem ?? sound?.name;
  const stem = none ? "-" : said ? said.stem_id : sound?.id;
  if (words && !stem) { say(`The cue has no stem ${words} any longer. Decide about this track again first.`); return; }
  if (alike.length < 2 || !words) {
    say("No other open track of this cue bears this name or is proposed this stem.");
    return;
  }
  const lines = alike.map((t) => `${t.place} ${t.name || "(no name)"}`);
  if (!await confirmAll($("#confirm"), `${alike.length} tracks of ${track.cue}: ${words}`, lines)) return;
  const all = alike.map((t) => tracks.find((known) => known.id === t.id) ?? { ...t });
  if (await decide({ stem }, all)) {
    say(`${alike.length} tracks: ${words}.`);
    await openNext();
  }
}

async function undo() {
  const last = undoable.at(-1);
  if (!last) { say("Nothing was decided on this page that could be taken back. `cue-pipeline mappings log` shows all."); return; }
  const now = current?.track.cue === last.cue ? standing : await ask("/api/standing", { cue: last.cue });
  const seen = Object.fromEntries(last.tracks.map((track) => [track.id, now[track.id]?.version ?? ""]));
  const found = await send("/api/undo", { cue: last.cue, seen, by: who.value.trim() });
  undoable.pop();
  took(last.cue, found, last.tracks);
  say(`Taken back: ${last.tracks.map((track) => track.name || track.place).join(", ")}.`);
  await open(last.tracks[0]);
}

function skip() {
  const { track } = current;
  skipped.add(track.id);
  track.skipped = true;
  queue.say(track);
  say(`${track.name || track.place} is skipped until this page is reloaded.`);
  return openNext();
}

// Leaving a cue: its mappings are made again, once

function leave(next) {
  const cue = current?.track.cue;
  if (!cue || cue === next || about.read_only) return;
  attempt(() => send("/api/leave", { cue }));
}

addEventListener("pagehide", () => {
  if (current && !about.read_only) sendLast("/api/leave", { cue: current.track.cue });
});

async function lookAgain() {
  if (document.hidden) return;
  if (current) await readStanding();
  if (about.read_only) return;
  const states = await ask("/api/remaking");
  if (awaited && ["made", "later"].includes(states[awaited.cue]?.state)) {
    const { id } = awaited;
    awaited = null;
    if (current?.track.id === id) await open(current.track);
  }
  const words = {
    waiting: "its mappings are to be made again", making: "its mappings are being made again",
    made: "its mappings are made again",
  };
  $("#remaking").textContent = Object.entries(states).filter(([, r]) => r.state !== "decided").slice(-2)
    .map(([cue, r]) => `${cue}: ${r.told ?? words[r.state]}`).join("; ");
}

async function readStanding() {
  const cue = current.track.cue, found = await ask("/api/standing", { cue });
  if (current?.track.cue !== cue) return;
  const news = Object.entries(found).filter(([id, row]) => standing[id] && standing[id].version !== row.version && row.by !== who.value.trim());
  took(cue, found);
  if (news.length) say(`${news[0][1].by} has decided about ${tracks.find((t) => t.id === news[0][0])?.name ?? "a track"} of this cue.`);
}

// Hearing

function playing() {
  $("[data-do=play]").textContent = player.playing ? "■ Stop" : "▶ Play";
  if (player.playing) requestAnimationFrame(frame);
  else if (current) moved();
}

function frame() {
  if (!player.playing) return;
  moved();
  requestAnimationFrame(frame);
}

let shownClock = "";
function moved() {
  const at = player.position(), { beats, tempos } = current.pair;
  if (player.playing && !dragging) picture.follow(at);
  picture.drawPlayhead(at);
  const beat = lastAt(beats, at), tempo = lastAt(tempos, at);
  const text = minutes(at) + (beat ? ` · bar ${beat[1]}, beat ${beat[2]}` : "") + (tempo ? ` · ♩ = ${Math.round(tempo[1])}` : "");
  if (text !== shownClock) $("#clock").textContent = shownClock = text;
}

function hearMix() {
  const { pair } = current;
  if (!pair.mixes.length) { say("This cue has no mix."); return; }
  current.mix = !current.mix;
  showCandidates();
  return player.hear(current.mix ? pair.mixes[0] : pair.candidates[current.chosen]);
}

function nextSolo() {
  const order = ["both", "stem", "track"], words = ["Both", "Stem alone", "Track alone"];
  const i = (order.indexOf(player.solo) + 1) % 3;
  player.solo = order[i];
  player.weigh();
  $("[data-do=solo]").textContent = words[i];
}

function setLoop(range) {
  player.loop = picture.loop = range;
  $("[data-do=loop]").setAttribute("aria-pressed", String(Boolean(range)));
  picture.later();
}

function toggleLoop() {
  setLoop(player.loop ? null : [Math.max(0, picture.from), Math.min(current.pair.end, picture.from + picture.span)]);
  if (player.playing) return player.seek(player.loop ? Math.max(player.loop[0], Math.min(player.position(), player.loop[1])) : player.position());
}

function balance(part) {
  player.balance = Math.max(0, Math.min(1, part));
  $("#balance").value = String(Math.round(player.balance * 100));
  player.weigh();
}
$("#balance").addEventListener("input", (event) => balance(event.target.value / 100));

// Everything that can be done

const ACTIONS = {
  play: () => player.toggle(),
  accept, undo, skip, same,
  none: () => decideAndGoOn({ stem: "-" }, "no stem"),
  candidate: (key) => choose(Number(key) - 1),
  next: () => { const next = following(1, false); return next && open(next); },
  previous: () => { const next = following(-1, false); return next && open(next); },
  category,
  mix: hearMix,
  solo: nextSolo,
  loop: toggleLoop,
  back: () => player.seek(player.position() - 2).then(see),
  on: () => player.seek(player.position() + 2).then(see),
  home: () => player.seek(current.pair.opens_at).then(see),
  in: () => picture.zoom(0.6, player.position()),
  out: () => picture.zoom(1 / 0.6, player.position()),
  "to-stem": () => balance(player.balance - 0.1),
  "to-track": () => balance(player.balance + 0.1),
  earlier: () => moveNotes(-0.01),
  later: () => moveNotes(0.01),
  "much-earlier": () => moveNotes(-0.1),
  "much-later": () => moveNotes(0.1),
  cue: async () => {
    const cue = await ask("/api/cue", { cue: current.track.cue });
    const at = { track: current.track.id, stem: current.pair.candidates[current.chosen]?.id };
    const chosen = await chooseInCue($("#cue"), cue, standing, at, () => act("play"));
    if (!chosen) return;
    const track = tracks.find((t) => t.id === chosen.track) ??
      { ...cue.tracks.find((t) => t.id === chosen.track), decided: standing[chosen.track] ?? null };
    await open(track, chosen.stem);
  },
  help: () => $("#help").showModal(),
};
const WRITES = new Set(["earlier", "later", "much-earlier", "much-later", "accept", "none", "undo", "skip", "same", "category"]);

function see() { picture.follow(player.position()); moved(); }

let deciding = null;
async function act(name, key) {
  if (about.read_only && WRITES.has(name)) return;
  if (!current && !["help", "undo"].includes(name)) return;
  if (!WRITES.has(name)) { await attempt(() => ACTIONS[name](key)); return; }
  // One decision after the other. What is pressed meanwhile is not done to a track that nobody has
  // seen yet; a category is asked for, so that it may wait.
  if (deciding && name !== "category") return;
  while (deciding) await deciding;
  deciding = attempt(() => ACTIONS[name](key)).finally(() => { deciding = null; });
  await deciding;
}

async function attempt(what) {
  try {
    await what();
  } catch (error) {
    if (error instanceof Offline) return;
    if (error instanceof Refusal) { say(error.message, true); if (!current) empty(error.message); return; }
    throw error;
  }
}

function say(text, doubt = false) {
  $("#message").textContent = text;
  $("#message").classList.toggle("doubt", doubt);
}

listen(act);
writeHelp($("#help dl"), about.read_only);
$("#help-button").addEventListener("click", () => act("help"));
for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => act(button.dataset.do));
}
// A button that was pressed by the mouse would take Space and Enter: they are the picture's again.
document.addEventListener("click", (event) => {
  if (event.detail && event.target.closest("button") && !document.querySelector("dialog[open]")) canvas.focus();
});

// The mouse on the picture

let dragging = null;
canvas.addEventListener("pointerdown", (event) => {
  if (!current || event.button) return;
  canvas.setPointerCapture(event.pointerId);
  dragging = { x: event.offsetX, y: event.offsetY, from: picture.from, loop: event.shiftKey, notes: event.altKey && !about.read_only, far: false };
});
canvas.addEventListener("pointermove", (event) => {
  if (!dragging) return;
  const by = event.offsetX - dragging.x;
  dragging.far ||= Math.abs(by) > 4;
  if (!dragging.far) return;
  if (dragging.notes) {
    const seconds = (by / picture.width) * picture.span;
    moveNotes(seconds - (dragging.seconds ?? 0));
    dragging.seconds = seconds;
  } else if (dragging.loop) {
    const ends = [dragging.x, event.offsetX].map((x) => Math.max(0, picture.seconds(x))).sort((a, b) => a - b);
    setLoop(ends[1] - ends[0] > 0.1 ? ends : null);
  } else {
    picture.move(dragging.from - (by / picture.width) * picture.span);
    moved();
  }
});
canvas.addEventListener("pointerup", (event) => {
  const drag = dragging;
  dragging = null;
  if (!drag || !current) return;
  if (drag.far) {
    if (drag.loop && player.loop && player.playing) attempt(() => player.seek(player.loop[0]));
    return;
  }
  const lane = picture.laneAt(event.offsetY);
  if (lane >= 0 && lane !== current.chosen) choose(lane);
  attempt(() => player.seek(picture.seconds(event.offsetX)).then(moved));
});
canvas.addEventListener("pointercancel", () => { dragging = null; });
canvas.addEventListener("wheel", (event) => {
  if (!current) return;
  event.preventDefault();
  if (event.ctrlKey) picture.zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, picture.seconds(event.offsetX));
  else picture.move(picture.from + ((event.deltaX || event.deltaY) / picture.width) * picture.span);
  moved();
}, { passive: false });

// When the server is gone

let offline = false;
watchConnection((gone) => {
  if (gone === offline) return;
  offline = gone;
  $("#offline").hidden = !gone;
  $("#offline").textContent = gone
    ? "The page's server does not answer. Start `cue-pipeline review` again: what was decided is kept, and this page goes on by itself." : "";
  if (!gone) say("The page's server is there again.");
});

if (about.read_only) $("[name=state]").value = "all";
const asked = new URLSearchParams(location.hash.slice(1)); // Dagster's pages link to a cue
if (asked.get("cue")) $("#filters [name=cue]").append(new Option(asked.get("cue"), asked.get("cue"), true, true));
if (asked.get("state")) $("[name=state]").value = asked.get("state");
await attempt(() => loadQueue());
setInterval(() => attempt(lookAgain), LOOK_AGAIN_MS);
document.documentElement.dataset.ready = "true";
export { KEYS, current, picture, player };
