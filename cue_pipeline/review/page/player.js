// What is heard: a stem in one ear, the track as a voice in the other, both on the sound's own clock.
//
// Sound comes from the server second by second, as bytes of a WAVE file at the context's rate, and is
// scheduled ahead. A *deck* is one such run of sound from one moment on; another candidate, a seek
// or the next turn of a loop is another deck, and the old one goes on until the new one is there.

import { askBytes } from "/page/server.js";
import { axisAt, ownAt } from "/page/time_map.js";
import { Voice } from "/page/voice.js";

const HEADER_BYTES = 44, FRAME_BYTES = 4;
const AHEAD_SECONDS = 1.2, TICK_MS = 60, LATENCY_SECONDS = 0.03, MOST_CHUNKS = 90, LONG_MS = 700;

export class Player {
  /**
   * @param {{sample_rates: number[]}} about
   * @param {(told: string, doubt: boolean) => void} told what is wrong with a sound, or that it takes long
   * @param {() => void} changed called when it starts or stops
   */
  constructor(about, told, changed) {
    Object.assign(this, { about, told, changed, decks: [], chunks: new Map() });
    this.context = null;
    this.playing = false;
    this.at = 0;          // of the axis, while nothing plays
    this.balance = 0.5;   // 0: the sound alone, 1: the track alone
    this.solo = "both";   // or "stem", "track"
    this.loop = null;     // [from, until] of the axis
    this.sound = null; this.pair = null; this.run = 0;
  }

  /** Take another pair; what played stops. */
  take(cue, pair, sound, at) {
    this.stop();
    Object.assign(this, { cue, pair, sound, at, loop: null });
    this.chunks.clear();
    if (this.context && sound) this.chunk(sound, Math.max(0, Math.floor(ownAt(sound.knots, at)))).catch(() => {});
  }

  /** Return the moment of the axis that is heard now; `late`: how long sound takes to the ear. */
  position(late = this.context?.outputLatency || 0) {
    if (!this.playing || !this.decks.length) return this.at;
    const now = this.context.currentTime - late;
    const deck = this.decks.findLast((d) => d.startsAt <= now) || this.decks[0];
    const own = deck.own + Math.max(0, now - deck.startsAt);
    return axisAt(deck.sound.knots, own);
  }

  open() {
    if (this.context) return;
    this.context = new AudioContext({ latencyHint: "interactive" });
    const { sampleRate } = this.context;
    this.rate = this.about.sample_rates.includes(sampleRate) ? sampleRate : 48000;
    const gain = (options) => new GainNode(this.context, options);
    // Two ears: the sound folded to one, the voice to the other; alone, each is in both.
    this.ears = new ChannelMergerNode(this.context, { numberOfInputs: 2 });
    this.soundOut = gain({ gain: 1 });
    this.oneEar = gain({ gain: 1, channelCount: 1, channelCountMode: "explicit" });
    this.bothEars = gain({ gain: 0 });
    this.voiceOut = gain({ gain: 1, channelCount: 1, channelCountMode: "explicit" });
    this.voiceBoth = gain({ gain: 0 });
    this.soundOut.connect(this.oneEar).connect(this.ears, 0, 0);
    this.soundOut.connect(this.bothEars).connect(this.context.destination);
    this.voiceOut.connect(this.ears, 0, 1);
    this.voiceOut.connect(this.voiceBoth).connect(this.context.destination);
    this.ears.connect(this.context.destination);
    this.voice = new Voice(this.context, this.voiceOut);
    this.weigh();
  }

  /** Set how loud the sound and the track are. */
  weigh() {
    if (!this.context) return;
    const angle = (this.balance * Math.PI) / 2, now = this.context.currentTime;
    const apart = this.solo === "both";
    const set = (node, value) => node.gain.setTargetAtTime(value, now, 0.008);
    set(this.soundOut, this.solo === "track" ? 0 : apart ? Math.cos(angle) * Math.SQRT2 : 1);
    set(this.voiceOut, this.solo === "stem" ? 0 : apart ? Math.sin(angle) * Math.SQRT2 : 1);
    set(this.oneEar, apart ? 1 : 0);
    set(this.bothEars, apart ? 0 : 1);
    set(this.voiceBoth, this.solo === "track" ? 1 : 0);
  }

  async play() {
    if (this.playing || !this.sound) return;
    this.open();
    this.playing = true;
    this.changed();
    const run = ++this.run;
    await this.context.resume();
    if (this.loop && (this.at < this.loop[0] || this.at >= this.loop[1])) this.at = this.loop[0];
    if (await this.start(run, this.sound, this.at)) {
      this.timer = setInterval(() => this.tick(), TICK_MS);
    }
  }

  stop() {
    this.at = this.position();
    this.playing = false;
    this.run += 1;
    clearInterval(this.timer);
    for (const deck of this.decks) this.end(deck);
    this.decks = [];
    this.changed();
  }

  toggle() { return this.playing ? this.stop() : this.play(); }

  async seek(axis) {
    this.at = Math.max(0, axis);
    if (this.playing) await this.start(++this.run, this.sound, this.at);
  }

  /** Hear another sound from where it is heard now; the old one goes on until it is there. */
  async hear(sound) {
    this.sound = sound;
    if (this.playing) await this.start(++this.run, sound, null);
  }

  /** Begin a deck at a moment of the axis (null: what is heard now), in place of those there are. */
  async start(run, sound, axis) {
    const begin = () => ownAt(sound.knots, axis ?? this.position(0));
    let waited = false;
    const long = setTimeout(() => {
      waited = run === this.run;
      if (waited) this.told(`The sound of ${sound.name} is being read…`, false);
    }, LONG_MS);
    try {
      await this.chunk(sound, Math.max(0, Math.floor(begin())));
    } catch (error) {
      if (run !== this.run) return false;
      this.told(error.message, true);
      if (!this.decks.length) this.stop();
      return false;
    } finally {
      clearTimeout(long);
    }
    if (waited) this.told("", false);
    if (run !== this.run) return false; // something else was asked for meanwhile
    const startsAt = this.frame(this.context.currentTime + LATENCY_SECONDS);
    const own = begin() + (axis === null ? startsAt - this.context.currentTime : 0);
    for (const deck of this.decks) this.end(deck, startsAt);
    this.decks = this.decks.filter((deck) => deck.startsAt < startsAt).slice(-1);
    this.decks.push(this.deck(sound, own, startsAt));
    this.fill(this.decks.at(-1));
    return true;
  }

  deck(sound, own, startsAt) {
    const level = new GainNode(this.context, { gain: 1 });
    level.connect(this.soundOut);
    const exact = Math.round(own * this.rate) / this.rate;
    const from = axisAt(sound.knots, exact);
    const until = this.loop ? startsAt + Math.max(0.05, ownAt(sound.knots, this.loop[1]) - exact) : Infinity;
    // Notes that have begun already are left out, but for those of which half is still to come.
    const first = this.pair.notes.findIndex(([start, end]) => start >= from - 0.02 || (start + end) / 2 > from);
    const note = first < 0 ? this.pair.notes.length : first;
    return { sound, own: exact, startsAt, until, level, note, second: Math.floor(exact), playing: [], busy: false };
  }

  end(deck, when = this.context?.currentTime ?? 0) {
    deck.until = Math.min(deck.until, when);
    deck.level.gain.setTargetAtTime(0, when, 0.004);
    const ended = () => { for (const stop of deck.playing) stop(); deck.level.disconnect(); };
    setTimeout(ended, Math.max(0, (when - this.context.currentTime) * 1000) + 40);
  }

  tick() {
    const deck = this.decks.at(-1);
    if (!deck) return;
    const now = this.context.currentTime;
    this.decks = this.decks.filter((d) => d === deck || d.until > now);
    if (this.loop && deck.until - now < AHEAD_SECONDS / 2) {
      this.decks.push(this.deck(this.sound, Math.max(0, ownAt(this.sound.knots, this.loop[0])), this.frame(deck.until)));
    } else if (this.position() > this.pair.end + 0.2) {
      this.stop();
      this.at = 0;
      return;
    }
    for (const each of this.decks) this.fill(each);
  }

  /** Schedule what a deck plays in the next second or so. */
  async fill(deck) {
    const horizon = Math.min(deck.until, this.context.currentTime + AHEAD_SECONDS);
    this.fillNotes(deck, horizon);
    if (deck.busy) return;
    deck.busy = true;
    try {
      while (deck.startsAt + deck.second - deck.own < horizon) {
        if (deck.second >= 0) {
          const buffer = await this.chunk(deck.sound, deck.second);
          if (buffer) this.schedule(deck, buffer);
        }
        deck.second += 1;
        if (deck.second > deck.sound.seconds + 1) break;
      }
    } catch (error) {
      if (this.decks.includes(deck)) { this.told(error.message, true); this.stop(); }
    } finally {
      deck.busy = false;
    }
  }

  schedule(deck, buffer) {
    const when = deck.startsAt + deck.second - deck.own;
    const begins = Math.max(when, deck.startsAt);
    const late = Math.max(0, this.context.currentTime - begins);
    const offset = begins - when + late;
    if (offset >= buffer.duration || begins + late >= deck.until) return;
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(deck.level);
    source.start(begins + late, offset);
    if (deck.until < Infinity) source.stop(Math.max(begins + late, deck.until));
    deck.playing.push(() => source.stop());
  }

  fillNotes(deck, horizon) {
    const { notes, track } = this.pair;
    for (; deck.note < notes.length; deck.note++) {
      const [start, end, pitch, velocity] = notes[deck.note];
      const own = [start, end].map((t) => ownAt(deck.sound.knots, t));
      const when = deck.startsAt + own[0] - deck.own;
      if (when >= horizon) return;
      const begins = Math.max(when, deck.startsAt, this.context.currentTime);
      const seconds = deck.startsAt + own[1] - deck.own - begins;
      if (seconds <= 0 && !track.drums) continue;
      if (track.drums && when < begins - 0.02) continue;
      deck.playing.push(this.voice.note(begins, Math.min(seconds, deck.until - begins), pitch, velocity, track.drums));
      if (deck.playing.length > 400) deck.playing.splice(0, 100); // long over
    }
  }

  /** Return a second of a sound as a buffer; null beyond its end. */
  chunk(sound, second) {
    const key = `${sound.kind}/${sound.id}/${second}`;
    if (!this.chunks.has(key)) {
      const asked = this.fetchChunk(sound, second);
      asked.catch(() => this.chunks.delete(key));
      this.chunks.set(key, asked);
      if (this.chunks.size > MOST_CHUNKS) this.chunks.delete(this.chunks.keys().next().value);
    }
    return this.chunks.get(key);
  }

  async fetchChunk(sound, second) {
    const total = Math.ceil(sound.seconds * this.rate - 1e-6);
    const first = second * this.rate, last = Math.min(total, first + this.rate);
    if (last <= first) return null;
    const bytes = [first, last].map((frame) => HEADER_BYTES + frame * FRAME_BYTES);
    const values = { cue: this.cue, rate: this.rate };
    const data = await askBytes(`/sound/${sound.kind}/${sound.id}.wav`, values, bytes[0], bytes[1] - 1);
    const samples = new Int16Array(data), frames = samples.length / 2;
    const buffer = this.context.createBuffer(2, frames, this.rate);
    for (let ear = 0; ear < 2; ear++) {
      const out = buffer.getChannelData(ear);
      for (let i = 0; i < frames; i++) out[i] = samples[2 * i + ear] / 32767;
    }
    return buffer;
  }

  /** Return a moment of the context's clock on one of its samples. */
  frame(seconds) { return Math.ceil(seconds * this.context.sampleRate) / this.context.sampleRate; }
}
