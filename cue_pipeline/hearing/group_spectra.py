"""What is heard in each stem: its stored mel, brought to the session's grid and made small.

One stem's mel is in memory at a time; what is kept is a fifth of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cue_pipeline.errors import MappingError
from cue_pipeline.hearing.templates import LEVEL_EXPONENT

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

FINE_SECONDS = 0.0213  # about two frames of 512 samples at 48 kHz: for onsets
COARSE = 4  # fine frames in a coarse one: for levels
MAX_BANDS = 64  # finer mels are pooled: time tells tracks apart, not quarter tones
N_REGIONS = 8  # onsets are counted in so many groups of bands
DIGITAL_SILENCE_DB = -80.0  # more than 110 dB below a full-scale sine
MIN_SECONDS = 2.0  # a shorter stem tells nothing
RANGE_DB = 80.0  # below the loudest stem's peak nothing is heard
MAX_OFFSET_SECONDS = 600.0  # files of one take do not begin further apart
_NO_NUMBERS = "the stem's mel has values that are no numbers"
SILENT_DB = -65.0  # a stem whose peak is so far below the loudest is silent


@dataclass(frozen=True)
class Bands:
    """The mel bands after pooling: centre and edges in Hz, and the FFT's bin width."""

    centres: Float64
    edges: Float64
    fft_bin_hz: float
    pool: int

    @property
    def count(self) -> int:
        """How many bands are left."""
        return len(self.centres)


@dataclass(frozen=True)
class Group:
    """One stem as the matcher hears it.

    Attributes
    ----------
    level : np.ndarray, shape=(n_coarse, n_bands)
        Mean level (fourth root of power re the loudest stem's peak) per coarse frame.
    onsets : np.ndarray, shape=(n_fine, N_REGIONS)
        Half-wave rectified rise of level.
    offset_seconds : float
        Where the file begins on the session's clock.
    peak_db : float
        Loudest mel value, absolute dB.
    """

    audio_file_id: int
    name: str
    level: Float32
    onsets: Float32
    offset_seconds: float
    peak_db: float

    def without_sound(self) -> "Group":
        """Return the same stem without its arrays, once they stand in a session."""
        # New arrays: an empty slice would keep the whole.
        return replace(
            self, level=np.empty_like(self.level[:0]), onsets=np.empty_like(self.onsets[:0])
        )


def bands_of(params: Mapping[str, Any]) -> Bands:
    """Return the pooled bands of a mel spectrogram made with ``params`` (librosa's words)."""
    sr, n_mels = float(params["sr"]), int(params["n_mels"])
    fmax = float(params.get("fmax") or sr / 2)
    to_mel, to_hz = (_htk_mel, _htk_hz) if params.get("htk") else (_slaney_mel, _slaney_hz)
    low = float(to_mel(np.array([float(params.get("fmin") or 0.0)]))[0])
    high = float(to_mel(np.array([fmax]))[0])
    points = to_hz(np.linspace(low, high, n_mels + 2))
    pool = -(-n_mels // MAX_BANDS)
    firsts = np.arange(0, n_mels, pool)
    lasts = np.minimum(firsts + pool, n_mels) - 1
    centres = (points[firsts + 1] + points[lasts + 1]) / 2
    edges = np.stack([points[firsts], points[lasts + 2]], axis=1)
    return Bands(centres, edges, sr / float(params["n_fft"]), pool)


def _slaney_mel(hz: Float64) -> Float64:
    return np.where(
        hz < 1000.0,
        3.0 * hz / 200.0,
        15.0 + 27.0 * np.log(np.maximum(hz, 1.0) / 1000.0) / np.log(6.4),
    )


def _slaney_hz(mel: Float64) -> Float64:
    return np.where(
        mel < 15.0, 200.0 * mel / 3.0, 1000.0 * np.exp(np.log(6.4) * (mel - 15.0) / 27.0)
    )


def _htk_mel(hz: Float64) -> Float64:
    return 2595.0 * np.log10(1.0 + hz / 700.0)


def _htk_hz(mel: Float64) -> Float64:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


def heard_group(
    mel: Float32, row: Mapping[str, Any], top_db: float, bands: Bands, offset_seconds: float
) -> Group:
    """Reduce one stem's mel.

    Parameters
    ----------
    mel : np.ndarray, shape=(n_frames, n_mels)
        Absolute dB.
    row : mapping
        The stem's row of features.
    top_db : float
        The loudest stem's peak: levels are relative to it, so that stems compare.

    Raises
    ------
    MappingError
        If the array does not have the shape that its row promises.
    """
    mel = np.asarray(mel)
    if mel.ndim != 2 or mel.shape[1] != int(row["n_mels"]):
        raise MappingError(
            f"the mel spectrogram of {row['canonical_name']!r} has the shape {mel.shape}, needed "
            f"is (n_frames, {int(row['n_mels'])}). Re-materialise mel_features for this cue."
        )
    hop = float(row["hop_length"]) / float(row["sample_rate"])
    late = round(offset_seconds / hop)
    if late < 0:
        mel = mel[-late:]
    if late > 0:
        mel = np.pad(mel, ((late, 0), (0, 0)), constant_values=-200.0)
    fine = _on_fine_grid(mel, hop, fine_seconds(hop))
    fine = _pooled(fine, bands.pool)
    floor = np.float32(10.0 ** (-RANGE_DB / 10 * LEVEL_EXPONENT))
    exponent = np.float32(np.log(10.0) / 10 * LEVEL_EXPONENT)
    level = fine
    level -= np.float32(top_db)
    level *= exponent
    np.exp(level, out=level)
    level -= floor
    np.maximum(level, 0.0, out=level)
    level = np.pad(level, ((0, -len(level) % COARSE), (0, 0)))
    coarse = np.add.reduce([level[i::COARSE] for i in range(COARSE)]) / np.float32(COARSE)
    return Group(
        audio_file_id=int(row["audio_file_id"]),
        name=str(row["canonical_name"]),
        level=coarse,
        onsets=_rises(level),
        offset_seconds=offset_seconds,
        peak_db=float(mel.max(initial=-200.0)),
    )


def fine_seconds(hop_seconds: float) -> float:
    """Return the fine grid's frame: a whole number of hops, at least one."""
    return hop_seconds * max(1, round(FINE_SECONDS / hop_seconds))


def _on_fine_grid(mel: Float32, hop: float, frame: float) -> Float32:
    step = max(1, round(frame / hop))
    n = len(mel) // step * step
    if n == 0:
        return np.full((1, mel.shape[1]), -200.0, np.float32)
    out = mel[:n:step].astype(np.float32)
    for i in range(1, step):
        np.maximum(out, mel[i:n:step], out=out)
    return out


def _pooled(mel: Float32, pool: int) -> Float32:
    if pool == 1:
        return mel
    starts = np.arange(0, mel.shape[1], pool)
    out: Float32 = np.maximum.reduceat(mel, starts, axis=1)
    return out


def _rises(level: Float32) -> Float32:
    """Half-wave rectified rise over two frames, summed in regions of bands."""
    rise = np.zeros_like(level)
    np.subtract(level[2:], level[:-2], out=rise[1:-1])
    np.maximum(rise, 0.0, out=rise)
    out: Float32 = rise @ bands_of_regions(level.shape[1]).T
    return out


def bands_of_regions(n_bands: int) -> Float32:
    """Return which bands are counted together for onsets, shape (n_regions, n_bands), 0 or 1."""
    n_regions = min(N_REGIONS, n_bands)
    region = np.arange(n_bands) * n_regions // n_bands
    out: Float32 = (region == np.arange(n_regions)[:, None]).astype(np.float32)
    return out


def heard_groups(
    features: pd.DataFrame, mel_of: Callable[[int], Float32], offsets: Mapping[int, float]
) -> tuple[list[Group], dict[int, str]]:
    """Read and reduce every stem; return those that can be matched, and why the others cannot.

    Returns
    -------
    groups : list of Group
    left_out : dict of int to str
        By ``audio_file_id``; the same whatever the offsets are.
    """
    rows = [{str(name): v for name, v in row.items()} for row in features.to_dict("records")]
    if not rows:
        return [], {}
    usual = _usual_parameters(rows)
    left_out: dict[int, str] = {}
    kept = []
    for row in rows:
        audio_file_id = int(row["audio_file_id"])
        if not np.isfinite(float(row["max_db"])):
            left_out[audio_file_id] = _NO_NUMBERS
        elif _parameters(row) == usual:
            kept.append(row)
        else:
            left_out[audio_file_id] = (
                "the stem's mel was made with other parameters than the others'"
            )
    if not kept:
        return [], left_out
    top_db = max(float(row["max_db"]) for row in kept)
    bands = bands_of(kept[0]["params"])
    groups = []
    for row in kept:
        audio_file_id = int(row["audio_file_id"])
        if why := _unheard(row, top_db):
            left_out[audio_file_id] = why
            continue
        offset = offsets.get(audio_file_id, 0.0)
        group = heard_group(mel_of(audio_file_id), row, top_db, bands, offset)
        if np.isfinite(group.peak_db):
            groups.append(group)
        else:
            left_out[audio_file_id] = _NO_NUMBERS
    return groups, left_out


def start_offsets(features: pd.DataFrame) -> tuple[dict[int, float], str]:
    """Return how much later than the earliest each stem's file begins, seconds, and why so.

    ``start_offset_seconds`` is where the audio's own room placed each stem; where there is no such
    column, bext time references say it. Stems that neither places begin with the earliest.
    """
    if "start_offset_seconds" in features:
        placed = features[features["start_offset_seconds"].notna()]
        begins = [float(s) for s in placed["start_offset_seconds"]]
        return _used([int(i) for i in placed["audio_file_id"]], begins, len(features))
    known = features[features["time_reference"].notna()]
    column = "file_sample_rate" if "file_sample_rate" in features else "sample_rate"
    ids = [int(i) for i in known["audio_file_id"]]
    rates = [float(rate) for rate in known[column]]
    starts = [int(t) / rate for t, rate in zip(known["time_reference"], rates, strict=True)]
    return _used(ids, starts, len(features))


def _used(ids: list[int], starts: list[float], n_groups: int) -> tuple[dict[int, float], str]:
    if not starts:
        return {}, "none: all stems are taken to begin together"
    earliest = min(starts)
    offsets = {i: start - earliest for i, start in zip(ids, starts, strict=True)}
    spread = max(offsets.values())
    if spread > MAX_OFFSET_SECONDS:
        return {}, f"not used: they lie {spread:.0f} s apart, which is no one take"
    missing = n_groups - len(starts)
    return offsets, "used" + (f"; {missing} stems have none" if missing else "")


def _parameters(row: Mapping[str, Any]) -> tuple[float, ...]:
    p = row["params"]
    names = ("sr", "n_fft", "hop_length", "n_mels", "fmin", "fmax")
    return (*(float(p.get(name) or 0.0) for name in names), float(bool(p.get("htk"))))


def _unheard(row: Mapping[str, Any], top_db: float) -> str:
    if float(row["n_frames"]) * row["hop_length"] / row["sample_rate"] < MIN_SECONDS:
        return f"the stem is shorter than {MIN_SECONDS:g} s"
    silent = float(row["max_db"]) < max(top_db + SILENT_DB, DIGITAL_SILENCE_DB)
    return "the stem is silent" if silent else ""


def _usual_parameters(rows: list[dict[str, Any]]) -> tuple[float, ...]:
    seen = [_parameters(row) for row in rows]
    return max(seen, key=seen.count)
