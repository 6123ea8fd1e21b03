"""Small cues whose sound is made by physics: sums of decaying harmonics, mels by librosa."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import librosa
import numpy as np
import pandas as pd
from numpy.typing import NDArray

SR = 24_000
Note = tuple[float, float, int, int]  # start s, duration s, pitch, velocity


def phrase(seed: int, *, low: int, n: int = 60, seconds: float = 30.0) -> list[Note]:
    """Return notes at random times, of a fifth's range above ``low``."""
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.uniform(0.0, seconds, n))
    return [
        (float(s), float(rng.uniform(0.1, 0.6)), int(low + rng.integers(0, 8)), int(v))
        for s, v in zip(starts, rng.integers(60, 120, n), strict=True)
    ]


def tone(notes: Sequence[Note], *, colour: float = 1.0, drift: float = 0.0) -> NDArray[np.float32]:
    """Play notes: harmonics that fall with ``h ** -colour`` and decay; the clock drifts."""
    return _tone(tuple(notes), colour, drift)


@lru_cache(maxsize=32)
def _tone(notes: tuple[Note, ...], colour: float, drift: float) -> NDArray[np.float32]:
    y = np.zeros(int((max(s + d for s, d, _, _ in notes) * (1 + drift) + 1.0) * SR), np.float32)
    for start, duration, pitch, velocity in notes:
        t = np.arange(int((duration + 0.1) * SR)) / SR
        f0 = 440.0 * 2 ** ((pitch - 69) / 12)
        wave = sum(
            np.sin(2 * np.pi * f0 * h * t) / h**colour for h in range(1, 7) if f0 * h < SR / 2
        )
        shape = np.minimum(t / 0.01, 1) * np.exp(-2 * t) * np.clip((duration + 0.1 - t) / 0.1, 0, 1)
        at = int(start * (1 + drift) * SR)
        piece = (wave * shape * (velocity / 127) ** 2 * 0.2)[: len(y) - at]
        y[at : at + len(piece)] += piece
    return y


def mel_of(y: NDArray[np.float32], n_mels: int = 64, hop: int = 256) -> NDArray[np.float32]:
    """Return absolute dB as the pipeline stores it, shape (n_frames, n_mels)."""
    power = librosa.feature.melspectrogram(
        y=y, sr=SR, n_fft=1024, hop_length=hop, n_mels=n_mels, pad_mode="constant"
    )
    db = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
    return np.asarray(db.T.astype(np.float16).astype(np.float32))


def cue(
    tracks: Mapping[str, Sequence[Note]],
    stems: Mapping[str, NDArray[np.float32]],
    *,
    drums: Sequence[str] = (),
    references: Mapping[str, int] | None = None,
    n_mels: int = 64,
    hop: int = 256,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[int, NDArray[np.float32]]]:
    """Return tracks, notes, features and mels; ids are 10, 11 … and 20, 21 …."""
    mels = {20 + g: mel_of(y, n_mels, hop) for g, y in enumerate(stems.values())}
    track_rows = pd.DataFrame(
        {
            "id": range(10, 10 + len(tracks)),
            "midi_file_id": 1,
            "track_index": range(len(tracks)),
            "track_name": list(tracks),
        }
    )
    note_rows = pd.DataFrame(
        [
            (10 + k, 9 if name in drums else 0, pitch, velocity, start, duration)
            for k, (name, notes) in enumerate(tracks.items())
            for start, duration, pitch, velocity in notes
        ],
        columns=["midi_track_id", "channel", "note", "velocity", "start_time", "duration"],
    )
    params = {
        "sr": SR, "n_fft": 1024, "hop_length": hop, "n_mels": n_mels, "fmin": 0.0,
        "fmax": SR / 2, "htk": False, "norm": "slaney", "power": 2.0,
    }  # fmt: skip
    features = pd.DataFrame(
        {
            "audio_file_id": list(mels),
            "sample_rate": SR,
            "hop_length": hop,
            "n_mels": n_mels,
            "n_frames": [len(m) for m in mels.values()],
            "max_db": [float(m.max()) for m in mels.values()],
            "params": [params for _ in mels],
            "canonical_name": list(stems),
            "time_reference": pd.array(
                [(references or {}).get(name) for name in stems], dtype="Int64"
            ),
        }
    )
    return track_rows, note_rows, features, mels


def late(y: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    """Return the signal later by so many seconds, or cut at its beginning."""
    n = round(seconds * SR)
    return np.pad(y, (n, 0)) if n >= 0 else y[-n:]


def together(*signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sum of signals of any length."""
    out = np.zeros(max(map(len, signals)), np.float32)
    for y in signals:
        out[: len(y)] += y
    return out
