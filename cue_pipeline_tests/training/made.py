"""A source of windows that a test knows by heart."""

import numpy as np

from cue_pipeline.training.windows.grid import PITCHES, Grid
from cue_pipeline.training.windows.source import Item, Labels

GRID = Grid(sample_rate=1_000, hop_length=10, centre=0, n_mels=4)  # 100 frames a second


class MadeSource:
    """Stems of given lengths; frame ``t`` of stem ``i`` is ``1000 * i + t`` in every band."""

    def __init__(self, *lengths, notes=()):
        self.grid, self.controllers, self.categories = GRID, (1, 64), ("Strings", "Brass")
        self.items = [Item("cue", f"stem {i}", n, i % 2, 0.0, 0) for i, n in enumerate(lengths)]
        self._made = {}
        self._notes = notes  # (stem, first, last, pitch, velocity)

    def read_mel(self, items, firsts, out):
        n = out.shape[1]
        for row, (item, first) in enumerate(zip(items, firsts, strict=True)):
            frames = np.arange(first, first + n)
            inside = frames < self.items[item].n_frames
            values = np.where(inside, 1000 * item + frames, self.grid.silence_db)
            out[row] = values[:, None]

    def labels(self, item):
        if item not in self._made:
            self._made[item] = self._labels(item)
        return self._made[item]

    def spans(self, item):
        return [(0, self.items[item].n_frames)]

    def scores(self, item):
        return [self.labels(item)]

    def _labels(self, item):
        n = self.items[item].n_frames
        notes = sorted(note[1:] for note in self._notes if note[0] == item)
        cells = [(f * PITCHES + p, v) for a, b, p, v in notes for f in range(a, min(b, n))]
        cells.sort()
        frames = np.arange(n)
        onsets = np.array([a * PITCHES + p for a, _, p, _ in notes], "i4")
        return Labels(
            sounding=np.array([c for c, _ in cells], "i4"),
            velocity=np.array([v for _, v in cells], "u1"),
            onsets=onsets,
            offsets=np.sort(np.array([b * PITCHES + p for _, b, p, _ in notes if b < n], "i4")),
            categories=np.full(len(onsets), item % 2, "i1"),
            beat=np.column_stack([frames // 50 + 1, frames % 50 / 50 + 1]).astype("f4"),
            controllers=np.column_stack([frames % 128, np.full(n, -1)]).astype("i1"),
            complete=frames % 2 == 0,
        )

    def read_audio(self, item, start, rate, out):
        out[:] = round(start * rate) + np.arange(out.shape[1])

    read_mix = read_audio

    def labels_complete(self, item):
        return item == 0
