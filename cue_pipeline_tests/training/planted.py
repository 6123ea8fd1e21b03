"""A made-up library with sound on the disk and a clock that wanders as is known."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf

import cue_pipeline as cp
from cue_pipeline.hearing.heard_times import segments, segments_table
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.store import Store
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load

RATE = 48_000
KNOT_SECONDS = 2.0


def wandered(seconds):
    """Return where moments of the score are heard: late, and early and late by turns."""
    seconds = np.asarray(seconds, float)
    return seconds + 0.3 + 0.15 * np.sin(2 * np.pi * seconds / 20.0)


@dataclass(frozen=True)
class PlantedCue(SyntheticCue):
    """A made-up cue whose stems and mix are files; ``offsets`` are their time references."""

    n_notes: int = 60
    n_cc: int = 20
    n_frames: int = 500
    offsets: tuple[float | None, ...] = (None, None)
    level: float = 0.1

    @property
    def knots(self):
        at = np.arange(0.0, 8.0, KNOT_SECONDS)
        return np.column_stack([at, wandered(at)]).tolist()

    @property
    def frames(self):
        return 512 * self.n_frames

    @property
    def seconds(self):
        return self.frames / RATE

    def samples(self, i):
        random = np.random.default_rng((self.seed, i))
        return (self.level * random.uniform(-1, 1, (self.frames, 2))).astype(np.float32)

    def write(self, root: Path) -> None:
        folder = root / self.key
        folder.mkdir(parents=True)
        for i, name in enumerate(self.group_names):
            sf.write(folder / f"{name}.wav", self.samples(i), RATE, subtype="FLOAT")
        sf.write(folder / "6mx.wav", self.samples(99), RATE, subtype="FLOAT")

    def _channels(self, name):
        return [
            {"label": label, "file": f"{name}.wav", "channel_index": i, "frames": self.frames,
             "sample_rate": RATE}
            for i, label in enumerate(("L", "R"))
        ]  # fmt: skip

    def _channel_groups(self):
        tables = super()._channel_groups()
        tables["audio_files"] = tables["audio_files"].assign(
            layout="stereo",
            channels=[self._channels(name) for name in self.group_names],
            start_offset_seconds=pd.array(list(self.offsets), "Float64").astype("float64"),
        )
        return tables

    def _mel_features(self):
        tables = super()._mel_features()
        tables["audio_files"]["peak_dbfs"] = 20 * np.log10(self.level)
        return tables

    def _final_mix_features(self):
        tables = super()._final_mix_features()
        tables["final_mixes"] = tables["final_mixes"].assign(
            channels=[self._channels("6mx")], layout="stereo", frames=self.frames,
            duration_seconds=self.seconds, peak_dbfs=20 * np.log10(self.level), role="mix",
        )  # fmt: skip
        return tables

    def _match_evidence(self):
        tables = super()._match_evidence()
        parts = [s for g in self.group_ids for s in segments(self.midi_file_id, g, self.knots)]
        return tables | {"alignment_segments": segments_table(parts)}


def plant(store, root: Path, *cues: PlantedCue) -> None:
    """Write the sound of cues below a root, and their rows into a store."""
    for cue in cues:
        cue.write(root)
        load(store, cue)


@contextmanager
def planted_library(template: Path, folder: Path, *cues: PlantedCue) -> Iterator[cp.Library]:
    """Return a library of cues in a SQLite file, a copy of one with the schema in place."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(template, folder / "cues.db")
    engine = create_engine(f"sqlite:///{folder / 'cues.db'}")
    plant(Store(engine), folder / "cues", *cues)
    engine.dispose()
    yield cp.open_library(f"sqlite:///{folder / 'cues.db'}", folder / "cues")
