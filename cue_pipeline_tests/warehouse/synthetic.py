"""Made-up cues: every asset's value, of any size, in the form that the assets give it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.identity import row_id
from cue_pipeline.hearing.heard_times import segments, segments_table
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.store import Store

ASSETS = (
    "tempo_map",
    "midi_events",
    "channel_groups",
    "mel_features",
    "final_mix_features",
    "match_evidence",
    "llm_mappings",
)
TICKS_PER_BEAT = 480
MICROSECONDS = 500_000
CATEGORIES = ("Strings", "Brass", "Woodwinds", "Piano")


@dataclass(frozen=True)
class SyntheticCue:
    """One made-up cue; ``seed`` changes its contents but not its keys."""

    key: str = "Reel 1/1m01"
    n_tracks: int = 3
    n_notes: int = 40
    n_cc: int = 60
    n_groups: int = 2
    n_frames: int = 300
    n_mels: int = 64
    frames_per_chunk: int = 128
    seed: int = 0
    midi_path: str = "MIDI/1m01.mid"
    extra: tuple[str, ...] = ()

    @property
    def id(self) -> int:
        return row_id("cues", self.key)

    @property
    def midi_file_id(self) -> int:
        return row_id("midi_files", self.key, self.midi_path)

    @property
    def track_ids(self) -> list[int]:
        return [row_id("midi_tracks", self.key, self.midi_path, i) for i in range(self.n_tracks)]

    @property
    def group_names(self) -> list[str]:
        return [f"Stem {i}" for i in range(self.n_groups)]

    @property
    def group_ids(self) -> list[int]:
        return [row_id("audio_files", self.key, name) for name in self.group_names]

    def folder(self, root: Path = Path("/library")) -> CueFolder:
        digest = hashlib.sha256(f"{self}".encode()).hexdigest()
        return CueFolder(self.key, root, root / self.key, (self.midi_path,), (), digest, digest)

    def value(self, asset: str) -> dict[str, Any]:
        """Return the tables of an asset."""
        tables: dict[str, Any] = getattr(self, f"_{asset}")()
        return tables

    def _tempo_map(self) -> dict[str, pd.DataFrame]:
        return {
            "midi_files": rows(
                "midi_files",
                "tempo_map",
                id=[self.midi_file_id],
                cue_id=self.id,
                file_path=self.midi_path,
                sha256="0" * 64,
                format=1,
                ticks_per_beat=TICKS_PER_BEAT,
                duration_seconds=float(self.n_notes),
                tempo_map=[[[0.0, 0, MICROSECONDS]]],
                time_signature_map=[[[0.0, 0, 4, 4]]],
                key_signature_map=[[]],
                markers=[[[0.0, 0, f"start {self.seed}"]]],
                warnings=[[]],
            )
        }

    def _midi_events(self) -> dict[str, pd.DataFrame]:
        random = np.random.default_rng(self.seed)
        ids = np.array(self.track_ids, dtype=np.int64)
        notes = self._events(ids, self.n_notes)
        cc = self._events(ids, self.n_cc)
        start = notes.pop("tick")
        notes["start_time"] = notes.pop("time")
        n_notes, n_cc = len(start), len(cc["tick"])
        return {
            "midi_tracks": rows(
                "midi_tracks",
                "midi_events",
                id=ids,
                midi_file_id=self.midi_file_id,
                track_index=np.arange(len(ids)),
                track_name=[f"Track {i}" for i in range(len(ids))],
                raw_name=[f"Track {i}".encode() for i in range(len(ids))],
                all_names=[[f"Track {i}"] for i in range(len(ids))],
                sounds=[[[None, None, None, self.n_notes]] for _ in ids],
                stray_note_offs=[[] for _ in ids],
                sounding_seconds=0.0625 * (self.n_notes - 1) + 0.25,
            ),
            "midi_notes": rows(
                "midi_notes",
                "midi_events",
                **notes,
                note=random.integers(30, 90, n_notes),
                velocity=random.integers(1, 128, n_notes),
                release_velocity=pd.array([None] * n_notes, dtype="Int64"),
                start_tick=start,
                end_tick=start + 240,
                duration=np.full(n_notes, 0.25),
                flags=np.zeros(n_notes, np.int64),
                end_event_index=notes["event_index"] + 1,
            ),
            "midi_cc": rows(
                "midi_cc",
                "midi_events",
                **cc,
                cc_number=np.where(np.arange(n_cc) % 2, 1, 11),
                cc_value=random.integers(0, 128, n_cc),
            ),
            "midi_aftertouch": rows(
                "midi_aftertouch",
                "midi_events",
                midi_track_id=ids[:1].repeat(2),
                event_index=[900_001, 900_002],
                channel=0,
                note=pd.array([None, 60], dtype="Int64"),
                value=self.seed % 128,
                tick=0,
                time=0.0,
                bar=1,
                beat=1.0,
            ),
        }

    def _events(self, ids: np.ndarray, n_each: int) -> dict[str, Any]:
        index = np.tile(np.arange(n_each, dtype=np.int64), len(ids))
        tick = index * 60
        return {
            "midi_track_id": ids.repeat(n_each),
            "event_index": index,
            "channel": np.zeros(len(index), np.int64),
            "tick": tick,
            "time": tick * (MICROSECONDS / 1e6 / TICKS_PER_BEAT),
            "bar": tick // (4 * TICKS_PER_BEAT) + 1,
            "beat": tick % (4 * TICKS_PER_BEAT) / TICKS_PER_BEAT + 1.0,
        }

    def _channel_groups(self) -> dict[str, pd.DataFrame]:
        return {
            "audio_files": rows(
                "audio_files",
                "channel_groups",
                id=self.group_ids,
                cue_id=self.id,
                file_path=[f"Audio Files/{name}.wav" for name in self.group_names],
                canonical_name=self.group_names,
                layout="mono",
                channels=[[{"label": "mono", "frames": 512 * self.n_frames}]] * self.n_groups,
                sample_rate=48_000,
                frames=512 * self.n_frames,
                duration_seconds=512 * self.n_frames / 48_000,
                grouping=[{"seed": self.seed}] * self.n_groups,
                warnings=[[]] * self.n_groups,
            )
        }

    def _mel_features(self) -> dict[str, Any]:
        ids = [
            row_id("audio_features", self.key, n, "mel_spectrogram", "mono", "default")
            for n in self.group_names
        ]
        levels = [{"mono": {"peak": -1.0}}] * self.n_groups
        return {
            "audio_files": rows(
                "audio_files",
                "mel_features",
                id=self.group_ids,
                peak_dbfs=-1.0 - self.seed,
                rms_dbfs=-20.0,
                levels=levels,
            ),
            "audio_features": self._features(
                "audio_features", "audio_file_id", ids, self.group_ids
            ),
            "audio_feature_chunks": self._chunks("audio_feature_chunks", "audio_feature_id", ids),
        }

    def _final_mix_features(self) -> dict[str, Any]:
        mix = row_id("final_mixes", self.key, "6mx")
        ids = [row_id("final_mix_features", self.key, "6mx", "mel_spectrogram", "mono", "default")]
        return {
            "final_mixes": rows(
                "final_mixes",
                "final_mix_features",
                id=[mix],
                cue_id=self.id,
                midi_file_id=self.midi_file_id,
                file_path="6mx.wav",
                canonical_name="6mx",
                layout="mono",
                channels=[[]],
                sample_rate=48_000,
                frames=512 * self.n_frames,
                duration_seconds=1.0,
                peak_dbfs=-3.0 - self.seed,
                grouping=[{}],
                warnings=[[]],
            ),
            "final_mix_features": self._features("final_mix_features", "final_mix_id", ids, [mix]),
            "final_mix_feature_chunks": self._chunks(
                "final_mix_feature_chunks", "final_mix_feature_id", ids
            ),
        }

    def _features(self, table: str, parent: str, ids: list[int], parents: list[int]) -> Any:
        return rows(
            table,
            t.metadata.tables[table].info["owner"],
            **{"id": ids, parent: parents},
            feature_type="mel_spectrogram",
            channel="mono",
            profile="default",
            sample_rate=48_000,
            hop_length=512,
            n_mels=self.n_mels,
            n_frames=self.n_frames,
            dtype="float16",
            max_db=-10.0 - self.seed,
            params=[{"n_fft": 2048}] * len(ids),
            warnings=[[]] * len(ids),
        )

    def mel(self, i: int) -> np.ndarray:
        """Return the whole array of group ``i``, shape=(n_frames, n_mels)."""
        random = np.random.default_rng((self.seed, i))
        return random.normal(-40, 15, (self.n_frames, self.n_mels)).astype("<f2")

    def _chunks(self, table: str, parent: str, ids: list[int]) -> Any:
        for i, feature in enumerate(ids):
            array = self.mel(i)
            starts = list(range(0, self.n_frames, self.frames_per_chunk))
            parts = [array[s : s + self.frames_per_chunk] for s in starts]
            yield rows(
                table,
                t.metadata.tables[table].info["owner"],
                **{parent: np.full(len(parts), feature)},
                chunk_index=np.arange(len(parts)),
                first_frame=starts,
                n_frames=[len(p) for p in parts],
                data=[p.tobytes() for p in parts],
            )

    def _match_evidence(self) -> dict[str, pd.DataFrame]:
        tracks, groups = np.meshgrid(self.track_ids, self.group_ids, indexing="ij")
        n = tracks.size
        return {
            "match_evidence": rows(
                "match_evidence",
                "match_evidence",
                midi_track_id=tracks.ravel(),
                audio_file_id=groups.ravel(),
                onset_score=np.linspace(0, 1, n),
                activity_score=0.5,
                pitch_score=np.nan,
                score=np.linspace(0, 1, n),
                lag_seconds=float(self.seed),
                n_notes=self.n_notes,
            ),
            "stem_alignments": rows(
                "stem_alignments",
                "match_evidence",
                midi_file_id=self.midi_file_id,
                audio_file_id=self.group_ids,
                lag_seconds=float(self.seed),
                knots=[self.knots for _ in self.group_ids],
                method="sound",
                confidence=1.0,
            ),
            "mix_alignments": rows(
                "mix_alignments",
                "match_evidence",
                midi_file_id=self.midi_file_id,
                final_mix_id=[row_id("final_mixes", self.key, "6mx")],
                lag_seconds=float(self.seed),
                knots=[self.knots],
                method="sound",
                confidence=1.0,
            ),
            "alignment_segments": segments_table(
                [s for g in self.group_ids for s in segments(self.midi_file_id, g, self.knots)]
            ),
        }

    @property
    def knots(self) -> list[list[float]]:
        """Return a clock that is slow by a hundredth between 0.5 s and 1.5 s."""
        return [[0.5, self.seed + 0.5], [1.5, self.seed + 1.51]]

    def _llm_mappings(self) -> dict[str, pd.DataFrame]:
        groups = [self.group_ids[i % self.n_groups] for i in range(self.n_tracks)]
        categories = [CATEGORIES[(i + self.seed) % 4] for i in range(self.n_tracks)]
        return {
            "track_mappings": rows(
                "track_mappings",
                "llm_mappings",
                midi_track_id=self.track_ids,
                audio_file_id=groups,
                instrument_category=categories,
                state="auto",
                method="names",
                confidence=0.9,
                model=None,
                reason="same name",
            ),
            "track_stems": rows(
                "track_stems",
                "llm_mappings",
                midi_track_id=self.track_ids,
                audio_file_id=groups,
                share=1.0,
                notes=[None] * self.n_tracks,
            ),
            "midi_tracks": rows(
                "midi_tracks",
                "llm_mappings",
                id=self.track_ids,
                instrument_category=categories,
                assigned_audio_file_id=groups,
            ),
            "audio_files": rows(
                "audio_files",
                "llm_mappings",
                id=self.group_ids,
                instrument_category=[CATEGORIES[i % 4] for i in range(self.n_groups)],
            ),
            "llm_calls": rows(
                "llm_calls",
                "llm_mappings",
                prompt_sha256=[f"{self.key}-{self.seed}"],
                model="gpt-3.5-turbo",
                request=[{"messages": []}],
                response=[{"answer": self.seed}],
                prompt_tokens=10,
                completion_tokens=5,
            ),
        }


def rows(table: str, asset: str, **columns: Any) -> pd.DataFrame:
    """Return a frame with exactly the columns that the asset owns; NULL where none is given."""
    owned = [c.name for c in t.owned_columns(asset)[t.metadata.tables[table]]]
    assert set(columns) <= set(owned), set(columns) - set(owned)
    n = max(len(v) for v in columns.values() if hasattr(v, "__len__") and not isinstance(v, str))
    return pd.DataFrame({name: columns.get(name) for name in owned}, index=range(n))


def replace(
    store: Store, cue: SyntheticCue, asset: str, *, cue_id: int | None = None, **changed: Any
) -> dict[str, int]:
    """Materialise one asset of a made-up cue."""
    return store.replace(
        cue.key,
        asset,
        {**cue.value(asset), **changed},
        fingerprint=f"fingerprint {cue.seed}",
        code_version="1",
        data_version=f"data {cue.seed}",
        started_at=datetime.now(UTC),
        cue_id=cue_id,
    )


def load(store: Store, cue: SyntheticCue, assets: tuple[str, ...] = ASSETS) -> None:
    """Register a made-up cue and materialise its assets."""
    store.register_cues([cue.folder()])
    for asset in assets:
        replace(store, cue, asset)


def everything(store: Store, cue: Any) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a cue, by table, as plain tuples: equal where the cues are.

    Values, not their text: `jsonb` orders names, and has no -0.0.
    """
    found = {}
    for table in t.ordered_tables():
        if t.scope_column(table) is None or t.owner(table.c[0]) in {"warehouse", "people"}:
            continue
        frame = store.read(cue.key, table.name).astype(object)
        frame = frame.where(frame.notna(), None)
        found[table.name] = list(frame.itertuples(index=False, name=None))
    return found
