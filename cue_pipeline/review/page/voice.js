// A track as a simple voice: what it plays and when, not how it is to sound.

const A4 = 440;

/** Return a second of noise, for strokes. */
function noiseOf(context) {
  const buffer = context.createBuffer(1, context.sampleRate, context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let i = 0, state = 1; i < samples.length; i++) {
    state = (state * 48271) % 2147483647; // the same each time
    samples[i] = state / 1073741823.5 - 1;
  }
  return buffer;
}

export class Voice {
  constructor(context, output) {
    Object.assign(this, { context, output, noise: noiseOf(context) });
  }

  /** Play a note from a moment of the context's clock on; return what can be stopped. */
  note(when, seconds, pitch, velocity, drums) {
    return drums ? this.stroke(when, pitch, velocity) : this.tone(when, seconds, pitch, velocity);
  }

  tone(when, seconds, pitch, velocity) {
    const { context } = this, level = 0.22 * (velocity / 127) ** 1.4;
    const hz = A4 * 2 ** ((pitch - 69) / 12);
    const end = when + Math.max(0.05, seconds);
    const oscillator = new OscillatorNode(context, { type: "triangle", frequency: hz });
    const bright = new OscillatorNode(context, { type: "sawtooth", frequency: hz });
    const filter = new BiquadFilterNode(context, { type: "lowpass", frequency: Math.min(9000, hz * 4) });
    const part = new GainNode(context, { gain: 0.3 }), envelope = new GainNode(context, { gain: 0 });
    envelope.gain.setValueAtTime(0, when);
    envelope.gain.linearRampToValueAtTime(level, when + 0.006);
    envelope.gain.setTargetAtTime(level * 0.55, when + 0.006, 0.25);
    envelope.gain.setTargetAtTime(0, end, 0.03);
    oscillator.connect(filter);
    bright.connect(part).connect(filter);
    filter.connect(envelope).connect(this.output);
    for (const source of [oscillator, bright]) { source.start(when); source.stop(end + 0.25); }
    return this.stoppable(envelope, [oscillator, bright]);
  }

  stroke(when, pitch, velocity) {
    const { context } = this, level = 0.5 * (velocity / 127) ** 1.4;
    const source = new AudioBufferSourceNode(context, { buffer: this.noise });
    // Low keys of a kit are drums, high ones metal.
    const hz = pitch < 40 ? 120 : pitch < 50 ? 900 : 6000;
    const filter = new BiquadFilterNode(context, { type: "bandpass", frequency: hz, Q: 0.8 });
    const envelope = new GainNode(context, { gain: 0 });
    envelope.gain.setValueAtTime(level, when);
    envelope.gain.setTargetAtTime(0, when + 0.004, 0.03);
    source.connect(filter).connect(envelope).connect(this.output);
    source.start(when, (pitch % 8) / 16);
    source.stop(when + 0.25);
    return this.stoppable(envelope, [source]);
  }

  stoppable(envelope, sources) {
    return () => {
      envelope.disconnect();
      for (const source of sources) source.stop();
    };
  }
}
