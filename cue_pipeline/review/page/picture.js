// One canvas: the track's notes above the spectrograms of its candidates, on one axis of time.

import { evenPieces } from "/page/time_map.js";
import { Tiles, colours } from "/page/tiles.js";

const RULER = 36, SIDE = 58, GAP = 3;
const MOST_OUTLINED_SECONDS = 40; // of what is seen: beyond, outlines would hide the sound
const HIGHEST_HZ = 10_000; // above, there is little by which instruments are told apart
const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

/** Return the name of a MIDI note; 60 is C4. */
export const noteName = (note) => NAMES[note % 12] + (Math.floor(note / 12) - 1);

/** Return seconds as minutes, seconds and tenths. */
export function minutes(seconds) {
  const tenths = Math.max(0, Math.round(seconds * 10));
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, "0")}.${tenths % 10}`;
}

/** Return the last entry of a list, sorted by its first values, that is not after a moment. */
export function lastAt(rows, seconds) {
  let low = -1, high = rows.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (rows[middle][0] <= seconds + 1e-6) low = middle; else high = middle;
  }
  return low < 0 ? null : rows[low];
}

export class Picture {
  constructor(canvas, overlay, about) {
    Object.assign(this, { canvas, overlay, about, pair: null, tiles: null, chosen: 0, loop: null });
    this.from = 0; this.span = 16;
    this.waiting = false;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.style(); this.tiles?.paint(this.table); this.draw();
    });
    this.style();
  }

  style() {
    const css = getComputedStyle(document.documentElement);
    const colour = (name) => css.getPropertyValue(`--${name}`).trim();
    this.colour = Object.fromEntries(
      ["panel", "ground", "line", "text", "soft", "accent", "note", "playhead", "loop", "chosen", "doubt"].map((n) => [n, colour(n)]));
    this.table = colours(colour("mel"));
  }

  /** Show a pair from its most telling passage on. */
  show(pair, tiles) {
    this.pair = pair; this.tiles = tiles; this.loop = null;
    for (const { mel } of pair.candidates) mel.seen = mel.bands?.filter((hz) => hz <= HIGHEST_HZ);
    tiles.arrived = () => this.later();
    this.span = Math.min(16, Math.max(4, pair.end));
    this.move(pair.opens_at - 0.06 * this.span);
  }

  newTiles(cue) {
    const tiles = new Tiles(cue, this.about, () => {});
    tiles.paint(this.table);
    return tiles;
  }

  /** Scroll so that the axis begins at a moment. */
  move(from) {
    const first = -0.02 * this.span, last = Math.max(first, this.pair.end + 0.02 * this.span - this.span);
    this.from = Math.max(first, Math.min(from, last));
    this.later();
  }

  /** Zoom by a factor about a moment that stays where it is. */
  zoom(factor, about = this.from + this.span / 2) {
    const span = Math.min(Math.max(1, this.span * factor), Math.max(8, this.pair.end + 1));
    const part = (about - this.from) / this.span;
    this.span = span;
    this.move(about - part * span);
  }

  get width() { return Math.max(1, this.canvas.clientWidth - SIDE); }
  x(seconds) { return SIDE + ((seconds - this.from) / this.span) * this.width; }
  seconds(x) { return this.from + ((x - SIDE) / this.width) * this.span; }

  /** Return which candidate's spectrogram lies at a height; -1: none. */
  laneAt(y) { return this.lanes().findIndex((lane) => y >= lane.top && y < lane.top + lane.height); }

  /** Return where the notes and each candidate are drawn: the chosen one is largest. */
  lanes() {
    const count = Math.min(5, this.pair?.candidates.length || 0);
    const room = this.canvas.clientHeight - RULER - this.notesHeight() - GAP * (count + 1);
    const shares = Array.from({ length: count }, (_, i) => (i === this.chosen ? 2.4 : 1));
    const whole = shares.reduce((a, b) => a + b, 0);
    let top = RULER + this.notesHeight() + GAP;
    return shares.map((share) => {
      const lane = { top, height: Math.max(8, (room * share) / whole) };
      top += lane.height + GAP;
      return lane;
    });
  }

  notesHeight() {
    const height = this.canvas.clientHeight - RULER;
    return Math.round(this.pair?.candidates.length ? height * 0.3 : height);
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  draw() {
    const context = sized(this.canvas);
    sized(this.overlay);
    context.fillStyle = this.colour.panel;
    context.fillRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    if (!this.pair) return;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    const lanes = this.lanes();
    lanes.forEach((lane, i) => this.drawSound(context, this.pair.candidates[i], lane, i));
    this.drawNotes(context);
    if (lanes[this.chosen]) this.outlineNotes(context, this.pair.candidates[this.chosen], lanes[this.chosen]);
    this.drawAxis(context, lanes);
    if (this.loop) {
      context.fillStyle = this.colour.loop;
      const [a, b] = this.loop.map((t) => Math.max(SIDE, this.x(t)));
      context.fillRect(a, 0, b - a, this.canvas.clientHeight);
    }
  }

  drawSound(context, sound, lane, number) {
    const { top, height } = lane;
    context.save();
    context.beginPath();
    context.rect(SIDE, top, this.width, height);
    context.clip();
    context.fillStyle = this.colour.ground;
    context.fillRect(SIDE, top, this.width, height);
    const told = sound.mel.told || this.tiles.told.get(`${sound.kind}/${sound.id}`);
    if (sound.mel.frames) this.drawMel(context, sound, lane);
    if (told) {
      context.fillStyle = this.colour.doubt;
      context.fillText(told, SIDE + 8, top + height / 2);
    }
    context.restore();
    context.fillStyle = number === this.chosen ? this.colour.accent : this.colour.soft;
    context.fillRect(SIDE - 4, top, 3, height);
    context.font = number === this.chosen ? "bold 14px system-ui" : "12px system-ui";
    context.fillText(String(number + 1), 6, top + height / 2);
    context.font = "11px system-ui, sans-serif";
    if (sound.mel.seen) this.labelBands(context, sound.mel.seen, lane);
  }

  drawMel(context, sound, { top, height }) {
    const { mel } = sound, columns = this.about.tile_columns;
    const zoom = this.tiles.zoomFor((mel.frames_per_second * this.span) / this.width);
    const perSecond = mel.frames_per_second / 2 ** zoom;
    const last = Math.ceil(mel.frames / 2 ** zoom);
    context.imageSmoothingEnabled = false;
    for (const [axis, own] of evenPieces(sound.knots, this.from, this.from + this.span)) {
      // A column is centred on its frame: it begins half a frame earlier.
      const [begin, end] = own.map((t) => t * perSecond + 0.5 / 2 ** zoom);
      const scale = (this.x(axis[1]) - this.x(axis[0])) / (end - begin);
      const first = Math.max(0, Math.floor(begin / columns)), until = Math.min(end, last);
      for (let index = first; index * columns < until; index++) {
        const tile = this.tiles.tile(sound, zoom, index);
        if (!tile) continue;
        const a = Math.max(begin, index * columns), b = Math.min(until, index * columns + tile.width);
        if (b <= a) continue;
        const above = tile.height - mel.seen.length;
        context.drawImage(tile, a - index * columns, above, b - a, tile.height - above,
          this.x(axis[0]) + (a - begin) * scale, top, (b - a) * scale, height);
      }
    }
  }

  labelBands(context, bands, { top, height }) {
    context.fillStyle = this.colour.soft;
    context.textAlign = "right";
    let lowest = Infinity;
    for (const [hz, label] of [[200, "200 Hz"], [1000, "1 kHz"], [2000, "2 kHz"], [4000, "4 kHz"], [8000, "8 kHz"]]) {
      const y = top + height * (1 - bandAt(bands, hz));
      if (y < top + 5 || y > top + height - 5 || y > lowest - 12) continue;
      context.fillText(label, SIDE - 7, y);
      lowest = y;
    }
    context.textAlign = "left";
  }

  /** Return the pitches between which the notes are drawn: an octave at least. */
  noteRange() {
    if (!this.pair.notes.length) return [54, 66];
    const pitches = this.pair.notes.map((row) => row[2]);
    const least = pitches.reduce((a, b) => Math.min(a, b)), most = pitches.reduce((a, b) => Math.max(a, b));
    const margin = Math.max(2, (12 - (most - least)) / 2);
    return [least - margin, most + margin];
  }

  drawNotes(context) {
    const height = this.notesHeight(), [low, high] = this.noteRange();
    const y = (note) => RULER + height * (1 - (note - low) / (high - low));
    context.save();
    context.beginPath();
    context.rect(SIDE, RULER, this.width, height);
    context.clip();
    const thick = Math.max(3, Math.min(10, height / (high - low)));
    context.fillStyle = this.colour.note;
    for (const [start, end, note, velocity] of this.pair.notes) {
      if (end < this.from || start > this.from + this.span) continue;
      context.globalAlpha = 0.35 + (0.65 * velocity) / 127;
      const x = this.x(start);
      context.fillRect(x, y(note) - thick / 2, Math.max(2, this.x(end) - x - 1), thick);
    }
    context.restore();
    context.globalAlpha = 1;
    context.fillStyle = this.colour.soft;
    context.textAlign = "right";
    const step = high - low > 30 ? 12 : high - low > 14 ? 6 : 4;
    for (let note = Math.ceil(low / step) * step; note < high; note += step) {
      const at = y(note);
      if (at < RULER + 6 || at > RULER + height - 6) continue;
      context.fillText(this.pair.track.drums ? `key ${note}` : noteName(note), SIDE - 7, at);
      context.fillStyle = this.colour.line;
      context.fillRect(SIDE, at, this.width, 0.5);
      context.fillStyle = this.colour.soft;
    }
    context.textAlign = "left";
  }

  /** Draw where the notes' fundamentals lie in the chosen sound, thin enough to see it. */
  outlineNotes(context, sound, { top, height }) {
    if (this.pair.track.drums || !sound.mel.seen || this.span > MOST_OUTLINED_SECONDS) return;
    context.save();
    context.beginPath();
    context.rect(SIDE, top, this.width, height);
    context.clip();
    context.strokeStyle = this.colour.playhead;
    context.globalAlpha = 0.55;
    for (const [start, end, note] of this.pair.notes) {
      if (end < this.from || start > this.from + this.span) continue;
      const y = top + height * (1 - bandAt(sound.mel.seen, 440 * 2 ** ((note - 69) / 12)));
      context.strokeRect(this.x(start), y - 2, Math.max(1, this.x(end) - this.x(start)), 4);
    }
    context.restore();
  }

  drawAxis(context, lanes) {
    const beats = this.pair.beats, until = this.from + this.span;
    const bottom = lanes.length ? lanes.at(-1).top + lanes.at(-1).height : this.canvas.clientHeight;
    let lastLabel = -Infinity, lastLine = -Infinity, lastBar = -Infinity;
    for (const [time, bar, beat] of beats) {
      if (time < this.from || time > until) continue;
      const x = this.x(time), isBar = beat === 1;
      if (x - (isBar ? lastBar : lastLine) < 7) continue; // lines that are too close say nothing
      lastLine = x;
      if (isBar) lastBar = x;
      context.fillStyle = isBar ? this.colour.soft : this.colour.line;
      context.globalAlpha = isBar ? 0.55 : 0.45;
      context.fillRect(x, isBar ? RULER - 16 : RULER - 6, isBar ? 1 : 0.5, bottom - RULER + 16);
      context.globalAlpha = 1;
      if (isBar && x - lastLabel > 34) {
        context.fillStyle = this.colour.text;
        context.fillText(String(bar), x + 4, RULER - 9);
        lastLabel = x;
      }
    }
    const step = [0.5, 1, 2, 5, 10, 30, 60, 120].find((s) => (s / this.span) * this.width > 70) || 300;
    context.fillStyle = this.colour.soft;
    for (let t = Math.ceil(Math.max(0, this.from) / step) * step; t < until; t += step) {
      context.fillText(minutes(t), this.x(t) + 3, 9);
      context.fillRect(this.x(t), 2, 0.5, 13);
    }
    context.fillStyle = this.colour.soft;
    context.fillText("time", 6, 9);
    context.fillText(beats.length ? "bar" : "", 6, RULER - 9);
  }

  /** Draw the playhead, and nothing else. */
  drawPlayhead(seconds) {
    const context = this.overlay.getContext("2d");
    context.clearRect(0, 0, this.overlay.clientWidth, this.overlay.clientHeight);
    const x = this.x(seconds);
    if (x < SIDE) return;
    context.fillStyle = this.colour.playhead;
    context.fillRect(x - 0.75, 0, 1.5, this.overlay.clientHeight);
  }

  /** Turn the page when the playhead leaves what is seen. */
  follow(seconds) {
    if (seconds > this.from + this.span * 0.94 || seconds < this.from) this.move(seconds - this.span * 0.06);
  }
}

/** Return where a frequency lies between the lowest band, 0, and the highest, 1. */
function bandAt(bands, hz) {
  const last = bands.length - 1;
  if (hz <= bands[0]) return 0.5 / (last + 1);
  for (let i = 1; i <= last; i++) {
    if (hz <= bands[i]) return (i - 0.5 + (hz - bands[i - 1]) / (bands[i] - bands[i - 1])) / (last + 1);
  }
  return 1;
}

/** Return a canvas' context, the canvas as large as it is seen at the screen's resolution. */
function sized(canvas) {
  const ratio = devicePixelRatio || 1, context = canvas.getContext("2d");
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
