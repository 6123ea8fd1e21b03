"""Which track is heard in which group: the pure function behind the ``match_evidence`` asset.

Conventions
-----------
A cue's groups stand on one session clock, whose zero is the beginning of the earliest file (the
bext time references say how much later the others begin). ``session = midi + lag``; the lag that
is stored with a pair is in the group's own file: ``file = midi + lag_seconds``.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cue_pipeline.hearing.alignment import (
    CLEAR_MARGIN,
    Alignment,
    Score,
    Session,
    joint_lag,
    level_explained,
    score_of,
    session_of,
)
from cue_pipeline.hearing.clock import UNKNOWN_CLOCK, alignments_table, clock_of, onset_scatter
from cue_pipeline.hearing.drift import with_drift
from cue_pipeline.hearing.drum_bands import drum_to_bands
from cue_pipeline.hearing.group_spectra import (
    Group,
    bands_of,
    fine_seconds,
    heard_groups,
    start_offsets,
)
from cue_pipeline.hearing.heard_times import segments, segments_table
from cue_pipeline.hearing.origins import Origins, from_origin, moved, origins, session_zero
from cue_pipeline.hearing.own_start import own_starts
from cue_pipeline.hearing.regression import Explained
from cue_pipeline.hearing.scoring import (
    FEATURES,
    Measures,
    levels_at,
    measures,
    onsets_explained,
)
from cue_pipeline.hearing.templates import (
    Spread,
    TrackNotes,
    pitch_to_bands,
    same_notes,
    track_notes,
)
from cue_pipeline.hearing.tempo_check import linear_drift, other_tempo

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

MIN_NOTES = 4
LEAST_LAG_CONFIDENCE = 0.5
# A window hears an onset before its middle reaches it: level, the fourth root of power, rises with
# the first of it. By so much of the window, in renders of known times.
_EARLY_SHARE = 0.25
COLUMNS = (
    "midi_track_id",
    "audio_file_id",
    "onset_score",
    "activity_score",
    "pitch_score",
    "score",
    "lag_seconds",
    "n_notes",
    "level_db",
    "abstained",
    "clock_doubt",
)


@dataclass(frozen=True)
class MatchEvidence:
    """What was heard.

    Attributes
    ----------
    pairs : pd.DataFrame
        One row per track and group, columns of ``match_evidence``. Where the ear abstains, the
        scores are NULL and ``abstained`` says why.
    summary : dict
        Plain JSON values: ``seconds``; ``n_pairs``; ``groups_left_out`` (group, reason);
        ``time_references`` (used, not used, and why); ``files``, one per MIDI file: its
        ``lag_seconds`` on the session's clock, ``lag_confidence`` 0..1, ``lag_r2`` (share of the
        sound that the notes explain), ``lag_rivals`` (other lags tried: seconds, R²),
        ``drift_seconds`` (from the earliest to the latest the take leans), ``lag_named_by`` (what
        besides the sound says this lag, None: nothing), ``named_lags`` (what time codes and
        references say: seconds, how), ``clock_doubt`` (why the sound refuses the tempo map, None:
        it does not), ``moved_groups`` (that begin at a time of their own: name, seconds on the
        session's clock), ``abstained`` (track, reason), ``same_notes`` (tracks that sound cannot
        tell apart).
    alignments : pd.DataFrame
        One row per MIDI file and group, columns of ``stem_alignments``: the clock of the file, also
        where a track of it, or the group, was not judged. ``method`` is ``none`` and the rest NULL
        where nothing tells the lag.
    regressors : pd.DataFrame
        What each score was computed from: the pair's ids and :data:`~.scoring.FEATURES`.
    """

    pairs: pd.DataFrame
    summary: dict[str, Any] = field(default_factory=dict)
    regressors: pd.DataFrame = field(default_factory=pd.DataFrame)
    alignments: pd.DataFrame = field(default_factory=lambda: alignments_table([]))

    @property
    def warnings(self) -> list[str]:
        """What of the clocks is to be said: a tempo map, or a time code, that the sound refuses."""
        return [text for file in self.summary["files"] for text in file.get("warnings", ())]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return table name → rows."""
        return {
            "match_evidence": self.pairs,
            "stem_alignments": self.alignments,
            "alignment_segments": segments_table(
                [
                    row
                    for key, group, knots in zip(
                        self.alignments["midi_file_id"],
                        self.alignments["audio_file_id"],
                        self.alignments["knots"],
                        strict=True,
                    )
                    if knots is not None
                    for row in segments(int(key), int(group), knots)
                ]
            ),
        }


@dataclass(frozen=True)
class _Heard:
    """One way to stand the groups on a clock."""

    groups: list[Group]
    left_out: list[dict[str, str]]
    session: Session
    spread: Spread
    references: str
    zero: float | None
    again: Callable[[dict[int, float]], "_Heard"]
    moved: dict[str, float] = field(default_factory=dict)
    starts: Mapping[int, float] = field(default_factory=dict)
    early_seconds: float = 0.0

    def with_starts(self, starts: dict[int, float]) -> "_Heard":
        """Return the same groups, some of which begin elsewhere on the clock."""
        known = {g.audio_file_id: g.offset_seconds for g in self.groups}
        names = {g.audio_file_id: g.name for g in self.groups}
        moved = {names[i]: round(start, 3) for i, start in starts.items()}
        return replace(
            self.again(known | starts),
            references=self.references,
            moved=moved,
            starts={**self.starts, **starts},
        )


@dataclass(frozen=True)
class _File:
    """One MIDI file's tracks; ``voices`` are sets of tracks with the same notes."""

    ids: list[int]
    names: list[str]
    tracks: list[TrackNotes]
    voices: list[list[int]]
    time_codes: Sequence[float] = ()
    key: int = 0

    @property
    def leaders(self) -> list[TrackNotes]:
        return [self.tracks[voice[0]] for voice in self.voices]


@dataclass(frozen=True)
class _Tried:
    """One way to stand the groups and one place to search for the lag, and what was found."""

    heard: _Heard
    names: Origins
    origin: float
    tracks: list[TrackNotes]
    score: Score
    straight: Alignment


@dataclass(frozen=True)
class _Found:
    """How one file's notes stand on the session's clock, and how well."""

    heard: _Heard
    alignment: Alignment
    measured: Measures
    names: Origins
    clock_doubt: str | None
    scatter: Float64

    @property
    def recorded_seconds(self) -> float:
        """Where on the session's clock the last group ends."""
        return float(self.heard.session.level.shape[2] * self.heard.session.coarse_seconds)


def match_evidence(
    tracks: pd.DataFrame,
    notes: pd.DataFrame,
    features: pd.DataFrame,
    mel_of: Callable[[int], Float32],
    time_codes: Mapping[int, Sequence[float]] | None = None,
) -> MatchEvidence:
    """Say for each track and each group how surely the one is heard in the other.

    Each group's mel spectrogram is explained by all tracks together (non-negative regression,
    band by band), so that several tracks in one group each get their due, and a leak is seen as
    what it is: the same track, fainter. One lag holds for the whole cue, with slow drift.

    Parameters
    ----------
    tracks : pd.DataFrame
        Rows of ``midi_tracks``: ``id``, ``midi_file_id``, ``track_name``, and ``sounds`` with
        ``drum_kit`` where they say which tracks are drum kits.
    notes : pd.DataFrame
        Rows of ``midi_notes`` of these tracks.
    features : pd.DataFrame
        One row per group: ``audio_file_id``, ``sample_rate``, ``hop_length``, ``n_mels``,
        ``n_frames``, ``max_db``, ``params``, ``canonical_name``, ``time_reference`` (samples since
        midnight at ``file_sample_rate`` if there is such a column, else at ``sample_rate``).
    mel_of : callable
        ``audio_file_id`` → absolute dB, shape=(n_frames, n_mels). Called once per group; again
        where the groups' time references differ, or a group begins at a time of its own.
    time_codes : mapping of int to sequence of float, optional
        ``midi_file_id`` → seconds since midnight that the file names for its MIDI time 0.

    Returns
    -------
    MatchEvidence

    Raises
    ------
    MappingError
        If a mel spectrogram does not have the shape that ``features`` says.

    Notes
    -----
    BLAS has one thread in the whole process meanwhile: not for several threads at once.
    """
    # Cues run side by side. Two threads of BLAS took twice the processor time, and no less time.
    with threadpool_limits(limits=1, user_api="blas"):
        return _match_evidence(tracks, notes, features, mel_of, time_codes or {})


def _match_evidence(
    tracks: pd.DataFrame,
    notes: pd.DataFrame,
    features: pd.DataFrame,
    mel_of: Callable[[int], Float32],
    time_codes: Mapping[int, Sequence[float]],
) -> MatchEvidence:
    began = time.perf_counter()
    files = [
        _file(rows, notes, time_codes) for _, rows in tracks.groupby("midi_file_id", sort=False)
    ]
    ways = _ways_to_stand(features, mel_of)
    summary: dict[str, Any] = {"files": []}
    pairs, regressors = [], []
    alignments: list[tuple[Any, ...]] = []
    heard = ways[0] if ways else None
    for file in files:
        found = _best_way(file, ways)
        if found:
            heard = found.heard
            regressors.append(_regressors(file, heard, found.measured))
        pairs.append(_rows(file, features, found, summary))
        alignments += _alignments(file, features, found)
    summary["groups_left_out"] = heard.left_out if heard else _all_left_out(features)
    summary["time_references"] = heard.references if heard else "no group can be heard"
    table = pd.concat(pairs, ignore_index=True) if pairs else _table([])
    summary["n_pairs"] = len(table)
    summary["seconds"] = round(time.perf_counter() - began, 3)
    measures_of_pairs = pd.concat(regressors) if regressors else pd.DataFrame()
    return MatchEvidence(table, summary, measures_of_pairs, alignments_table(alignments))


def _alignments(file: _File, features: pd.DataFrame, found: _Found | None) -> list[tuple[Any, ...]]:
    """Return the rows of ``stem_alignments`` of one MIDI file."""
    groups = [int(i) for i in features["audio_file_id"]]
    if found is None:
        return [(file.key, group, *UNKNOWN_CLOCK) for group in groups]
    scatter = dict(zip((g.audio_file_id for g in found.heard.groups), found.scatter, strict=True))
    last = max((float((t.start + t.duration).max()) for t in file.leaders), default=0.0)
    clock = clock_of(found.alignment, found.names, last, sure=LEAST_LAG_CONFIDENCE)
    return [
        (
            file.key,
            group,
            *clock.in_file(found.heard.starts.get(group, 0.0), scatter.get(group)),
        )
        for group in groups
    ]


def _regressors(file: _File, heard: _Heard, measured: Measures) -> pd.DataFrame:
    values = measured.features()
    rows = [
        (file.ids[t], group.audio_file_id, *values[v, g])
        for v, voice in enumerate(file.voices)
        for t in voice
        for g, group in enumerate(heard.groups)
    ]
    return pd.DataFrame(rows, columns=["midi_track_id", "audio_file_id", *FEATURES])


def _file(
    rows: pd.DataFrame,
    notes: pd.DataFrame,
    time_codes: Mapping[int, Sequence[float]] = MappingProxyType({}),
) -> _File:
    ids = [int(i) for i in rows["id"]]
    tracks = track_notes(ids, notes, _kits(rows))
    names = [str(name) for name in rows["track_name"]]
    key = int(rows["midi_file_id"].iloc[0])
    return _File(ids, names, tracks, same_notes(tracks), time_codes.get(key, ()), key)


def _kits(rows: pd.DataFrame) -> dict[int, bool]:
    """Return which tracks are drum kits; those of which the rows say so."""
    if "drum_kit" not in rows:
        return {}
    known = rows[rows["sounds"].notna()]
    return dict(zip(known["id"], known["drum_kit"].notna(), strict=True))


def _ways_to_stand(features: pd.DataFrame, mel_of: Callable[[int], Float32]) -> list[_Heard]:
    """Return the groups on a clock by their time references, and as if all began together."""
    offsets, why = start_offsets(features)
    ways = [(offsets, why)]
    if any(offsets.values()):
        ways.append(({}, "not used: the sound agrees better without them"))
    standing = [_standing(features, mel_of, starts, references) for starts, references in ways]
    return [way for way in standing if way]


def _standing(
    features: pd.DataFrame,
    mel_of: Callable[[int], Float32],
    starts: dict[int, float],
    references: str,
) -> _Heard | None:
    groups, left_out = heard_groups(features, mel_of, starts)
    if not groups:
        return None
    row = _row_of(features, groups[0].audio_file_id)
    frame = fine_seconds(float(row["hop_length"]) / float(row["sample_rate"]))
    bands = bands_of(row["params"])
    spread = Spread(
        pitch_to_bands(bands.centres, bands.edges, bands.fft_bin_hz), drum_to_bands(bands.edges)
    )
    early = _EARLY_SHARE * float(row["params"]["n_fft"]) / float(row["params"]["sr"])
    zero = session_zero(features, starts)

    def again(starts: dict[int, float]) -> _Heard:
        elsewhere, _ = heard_groups(features, mel_of, starts)
        return standing(elsewhere)

    def standing(groups: list[Group]) -> _Heard:
        light = [group.without_sound() for group in groups]
        session = session_of(groups, frame)
        return _Heard(
            light,
            left_out,
            session,
            spread,
            references,
            zero,
            again,
            starts=starts,
            early_seconds=early,
        )

    return standing(groups)


def _best_way(file: _File, ways: list[_Heard]) -> _Found | None:
    """Return the clock on which this file's notes explain most, how they stand, the measures."""
    if not file.voices or not ways:
        return None
    best, straight = _best_lag([tried for way in ways for tried in _tries(file, way)])
    way, tracks = best.heard, best.tracks
    starts = own_starts(best.score, way.groups, way.session, straight)
    if starts:
        way = way.with_starts(starts)
        straight = joint_lag(best.score, way.session, best.names.near(best.origin))
    names, origin = best.names, best.origin
    del best  # its templates are as large as the session, and have done their part
    bent = with_drift(straight, tracks, way.session)
    alignment, onsets = _straight_or_bent(straight, bent, tracks, way)
    measured = measures(tracks, onsets, way.spread, alignment, way.session)
    other = other_tempo(tracks, way.spread, way.session, straight)
    doubt = other or linear_drift(alignment)
    return _Found(
        way,
        _as_it_sounds(from_origin(alignment, origin), way),
        measured,
        names,
        None if doubt is None else str(doubt),
        onset_scatter(tracks, measured.onset_part, alignment, way.session),
    )


def _as_it_sounds(alignment: Alignment, way: _Heard) -> Alignment:
    """Return an alignment on which notes stand where they sound, not where windows hear them."""
    return replace(alignment, lag_seconds=alignment.lag_seconds + way.early_seconds)


def _straight_or_bent(
    straight: Alignment, bent: Alignment, tracks: list[TrackNotes], way: _Heard
) -> tuple[Alignment, Explained]:
    """Return the alignment at which more is explained, with levels and onsets there."""
    onsets = [
        onsets_explained(tracks, way.spread, alignment, way.session)
        for alignment in (straight, bent)
    ]
    # Level alone does not tell 60 ms, which are more than a drum's stroke.
    of_straight, of_bent = (
        level_explained(levels_at(alignment, tracks, way.spread, way.session), way.session)
        + float(by_onsets.r2.mean())
        for alignment, by_onsets in zip((straight, bent), onsets, strict=True)
    )
    return (bent, onsets[1]) if of_bent > of_straight else (straight, onsets[0])


def _tries(file: _File, way: _Heard) -> Iterator[_Tried]:
    """Search for the lag at each place where the score may begin: most often, one."""
    session_seconds = way.session.level.shape[2] * way.session.coarse_seconds
    names = origins(file.leaders, file.time_codes, way.zero, session_seconds)
    for origin in names.searched:
        tracks = moved(file.leaders, origin)
        seconds = max((float((t.start + t.duration).max()) for t in tracks if t.n_notes), default=0)
        score = score_of(tracks, way.spread, seconds, way.session.frame_seconds)
        straight = joint_lag(score, way.session, names.near(origin))
        yield _Tried(way, names, origin, tracks, score, straight)


def _best_lag(tried: list[_Tried]) -> tuple[_Tried, Alignment]:
    """Return the try whose notes explain most, believed less where another place does as well."""
    best = max(tried, key=lambda of: of.straight.r2)
    elsewhere = max(
        (of.straight.r2 for of in tried if of.heard is best.heard and of.origin != best.origin),
        default=0.0,
    )
    margin = (best.straight.r2 - elsewhere) / max(best.straight.r2, 1e-9)
    clear = float(np.clip(margin / CLEAR_MARGIN, 0.0, 1.0))
    return best, replace(best.straight, confidence=best.straight.confidence * clear)


def _rows(
    file: _File,
    features: pd.DataFrame,
    found: _Found | None,
    summary: dict[str, Any],
) -> pd.DataFrame:
    """Return this file's pairs, and note in the summary what became of it."""
    report: dict[str, Any] = {"abstained": [], "same_notes": []}
    summary["files"].append(report)
    scored: dict[tuple[int, int], dict[str, Any]] = {}
    uncertain = ""
    if found:
        heard, alignment = found.heard, found.alignment
        _report_lag(report, found)
        report["moved_groups"] = heard.moved
        report["same_notes"] = [[file.names[t] for t in v] for v in file.voices if len(v) > 1]
        if alignment.confidence < LEAST_LAG_CONFIDENCE:
            uncertain = f"the lag is not certain ({alignment.confidence:.2f})"
        scored = _scored(file, heard, alignment, found.measured)
    silent = {row["group"]: row["reason"] for row in (found.heard.left_out if found else [])}
    groups = [
        (int(g), str(name))
        for g, name in zip(features["audio_file_id"], features["canonical_name"], strict=True)
    ]
    rows = []
    for track_id, name, track in zip(file.ids, file.names, file.tracks, strict=True):
        inside = track.n_notes if uncertain or not found else _n_recorded(track, found)
        outside = _outside(track, found) if found and track.n_notes and not inside else ""
        why = outside or _too_few(inside) or uncertain
        if why:
            report["abstained"].append({"track": name, "reason": why})
        for group_id, group in groups:
            of_pair = scored.get(
                (track_id, group_id), {"abstained": silent.get(group, "the group is silent")}
            )
            rows.append(
                {
                    "midi_track_id": track_id,
                    "audio_file_id": group_id,
                    "n_notes": inside,
                    "clock_doubt": found.clock_doubt if found else None,
                    **({"abstained": why} if why else of_pair),
                }
            )
    return _table(rows)


def _too_few(n_notes: int) -> str:
    if n_notes >= MIN_NOTES:
        return ""
    return f"only {n_notes} notes" if n_notes else "no notes"


def _n_recorded(track: TrackNotes, found: _Found) -> int:
    """Return how many notes sound within the recording."""
    starts, ends = (
        found.alignment.session_time(seconds)
        for seconds in (track.start, track.start + track.duration)
    )
    return int(((ends > 0.0) & (starts < found.recorded_seconds)).sum())


def _outside(track: TrackNotes, found: _Found) -> str:
    """Return where a track's notes lie, none of which is within the recording."""
    starts = found.alignment.session_time(track.start)
    ends = f"recording ends {_clock(found.recorded_seconds)}"
    if starts.min() >= found.recorded_seconds:
        return f"no note within the recording (first {_clock(float(starts.min()))}, {ends})"
    if starts.max() < 0.0:
        before = _clock(-float(starts.max()))
        return f"no note within the recording (last {before} before it begins, {ends})"
    return f"no note within the recording ({ends})"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _scored(
    file: _File, heard: _Heard, alignment: Alignment, measured: Measures
) -> dict[tuple[int, int], dict[str, Any]]:
    score = measured.score()
    out = {}
    for v, voice in enumerate(file.voices):
        for t in voice:
            for g, group in enumerate(heard.groups):
                pitch = None if file.tracks[t].is_drum else float(measured.band_part[v, g])
                out[file.ids[t], group.audio_file_id] = {
                    "onset_score": float(measured.onset_part[v, g]),
                    "activity_score": float(measured.activity_part[v, g]),
                    "pitch_score": pitch,
                    "score": float(score[v, g]),
                    "lag_seconds": alignment.lag_seconds - group.offset_seconds,
                    "level_db": float(measured.level_db[v, g]),
                }
    return out


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = [name for name in COLUMNS if name.endswith(("score", "_seconds", "_db"))]
    table[numbers] = table[numbers].astype("float64")
    for name in ("midi_track_id", "audio_file_id", "n_notes"):
        table[name] = table[name].astype("int64")
    for name in ("abstained", "clock_doubt"):
        table[name] = table[name].astype(object).where(table[name].notna(), None)
    return table


def _report_lag(report: dict[str, Any], found: _Found) -> None:
    alignment = found.alignment
    report["named_lags"] = [[round(lag, 3), how] for lag, how in found.names.named.items()]
    report["lag_named_by"] = found.names.told(alignment.lag_seconds)
    report["clock_doubt"] = found.clock_doubt
    sure = alignment.confidence >= LEAST_LAG_CONFIDENCE
    contradicted = found.names.contradicted(alignment.lag_seconds) if sure else None
    report["warnings"] = [text for text in (found.clock_doubt, contradicted) if text]
    report["lag_seconds"] = round(alignment.lag_seconds, 4)
    report["lag_confidence"] = round(alignment.confidence, 3)
    report["lag_r2"] = round(alignment.r2, 4)
    report["lag_rivals"] = [[round(lag, 3), round(r2, 4)] for lag, r2 in alignment.rivals[:3]]
    report["drift_seconds"] = round(float(np.ptp(alignment.wander)), 4)


def _row_of(features: pd.DataFrame, audio_file_id: int) -> Mapping[str, Any]:
    rows = features[features["audio_file_id"] == audio_file_id].to_dict("records")
    return {str(name): value for name, value in rows[0].items()}


def _all_left_out(features: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {"group": str(name), "reason": "the group is silent"} for name in features["canonical_name"]
    ]
