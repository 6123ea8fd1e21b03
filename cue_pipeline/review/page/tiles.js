// Stored spectrograms in tiles of pixels, asked for when they are looked at.

import { askBytes } from "/page/server.js";

const MOST_TILES = 240;

/** Return 256 colours, four bytes each, between those that the style names. */
export function colours(names) {
  const stops = names.trim().split(/\s+/).map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  const table = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1), low = Math.min(stops.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c++) {
      table[i * 4 + c] = stops[low][c] + (at - low) * (stops[low + 1][c] - stops[low][c]);
    }
    table[i * 4 + 3] = 255;
  }
  return table;
}

export class Tiles {
  /**
   * @param {string} cue key of the cue
   * @param {{tile_columns: number, most_zoom: number}} about
   * @param {() => void} arrived called when a tile has come
   */
  constructor(cue, about, arrived) {
    Object.assign(this, { cue, about, arrived, kept: new Map(), told: new Map(), underWay: 0 });
    this.table = null;
  }

  /** Take other colours: what is there is drawn anew. */
  paint(table) { this.table = table; this.kept.clear(); }

  /** Return the zoom at which a pixel is about a column. */
  zoomFor(framesPerPixel) {
    return Math.max(0, Math.min(this.about.most_zoom, Math.floor(Math.log2(Math.max(1, framesPerPixel)))));
  }

  /** Return a tile's picture; null while it is on its way or where there is none. */
  tile(sound, zoom, index) {
    const key = `${sound.kind}/${sound.id}/${zoom}/${index}`;
    if (!this.kept.has(key)) {
      this.kept.set(key, null);
      this.fetch(key, sound, zoom, index);
      if (this.kept.size > MOST_TILES) this.kept.delete(this.kept.keys().next().value);
    }
    return this.kept.get(key);
  }

  /** Wait until what was asked for is here, from the next drawing on. */
  quiet() {
    return new Promise((resolve) => {
      const look = () => (this.underWay ? setTimeout(look, 20) : resolve());
      setTimeout(look, 50);
    });
  }

  async fetch(key, sound, zoom, index) {
    this.underWay++;
    try {
      const values = { cue: this.cue, zoom, tile: index, v: sound.mel.version };
      const bytes = new Uint8Array(await askBytes(`/api/mel/${sound.kind}/${sound.id}`, values));
      if (this.kept.has(key)) this.kept.set(key, this.draw(bytes, sound.mel.bands.length));
    } catch (error) {
      this.told.set(`${sound.kind}/${sound.id}`, error.message);
      setTimeout(() => this.kept.delete(key), 3000); // it is asked for again
    }
    this.underWay--;
    this.arrived();
  }

  draw(bytes, bands) {
    const columns = bytes.length / bands;
    if (!columns) return null;
    const canvas = new OffscreenCanvas(columns, bands);
    const context = canvas.getContext("2d");
    const image = context.createImageData(columns, bands);
    const pixels = new Uint32Array(image.data.buffer), table = new Uint32Array(this.table.buffer);
    for (let column = 0, at = 0; column < columns; column++) {
      for (let band = bands - 1; band >= 0; band--) {
        pixels[band * columns + column] = table[bytes[at + bands - 1 - band]];
      }
      at += bands;
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }
}
