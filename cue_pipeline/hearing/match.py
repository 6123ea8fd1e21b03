"""Which track is heard in which stem: the pure function behind the ``match_evidence`` asset.

Conventions
-----------
A cue's stems stand on one session clock, whose zero is the beginning of the earliest file (the
bext time references say how much later the others begin). ``session = midi + lag``; the lag that
is stored with a pair is in the stem's own file: ``file = midi + lag_seconds``.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cue_pipeline.hearing.clock import (
    OwnOnsets,
    alignments_table,
    clock_of,
    mix_alignments_table,
)
from cue_pipeline.hearing.file_tracks import FileTracks, file_tracks
from cue_pipeline.hearing.heard_times import segments, segments_table
from cue_pipeline.hearing.mix_clocks import MixClocks, Mixes
from cue_pipeline.hearing.pair_rows import pair_rows, pairs_table
from cue_pipeline.hearing.placing import Placed, placed, stated_outside
from cue_pipeline.hearing.scoring import FEATURES, Measures
from cue_pipeline.hearing.standing import Standing, ways_to_stand
from cue_pipeline.hearing.stated import Stated, TempoBend

Float32 = NDArray[np.float32]

_CLEARLY_MORE = 1.1  # of what is explained: another tempo map of the cue is believed
_MOST_TEMPOS = 4
_SILENT = (np.nan, OwnOnsets(0.0, 1.0, 1.0))  # it has no onsets, and none is missed


@dataclass(frozen=True)
class MatchEvidence:
    """What was heard.

    Attributes
    ----------
    pairs : pd.DataFrame
        One row per track and stem, columns of ``match_evidence``. Where the ear abstains, the
        scores are NULL and ``abstained`` says why.
    summary : dict
        Plain JSON values: ``seconds``; ``n_pairs``; ``stems_left_out`` (stem, reason);
        ``time_references`` (used, not used, and why); ``files``, one per MIDI file: its
        ``lag_seconds`` on the session's clock, ``lag_confidence`` 0..1, ``lag_r2`` (share of the
        sound that the notes explain), ``lag_rivals`` (other lags tried: seconds, R²),
        ``drift_seconds`` (from the earliest to the latest the take leans), ``lag_named_by`` (what
        besides the sound says this lag, None: nothing), ``named_lags`` (what time codes and
        references say: seconds, how), ``clock_doubt`` (why the sound refuses the tempo map, None:
        it does not), ``moved_stems`` (that begin at a time of their own: name, seconds on the
        session's clock), ``abstained`` (track, reason), ``same_notes`` (tracks that sound cannot
        tell apart), ``transposed`` (track, by how much it sounds elsewhere than written).
    alignments : pd.DataFrame
        One row per MIDI file and stem, columns of ``stem_alignments``: the clock of the file, also
        where a track of it, or the stem, was not judged. ``method`` is ``none`` and the rest NULL
        where nothing tells the lag.
    mix_alignments : pd.DataFrame
        The same of every mix, columns of ``mix_alignments``.
    regressors : pd.DataFrame
        What each score was computed from: the pair's ids and :data:`~.scoring.FEATURES`.
    """

    pairs: pd.DataFrame
    summary: dict[str, Any] = field(default_factory=dict)
    regressors: pd.DataFrame = field(default_factory=pd.DataFrame)
    alignments: pd.DataFrame = field(default_factory=lambda: alignments_table([]))
    mix_alignments: pd.DataFrame = field(default_factory=lambda: mix_alignments_table([]))

    @property
    def warnings(self) -> list[str]:
        """What is to be said: a tempo map, a time code or pitches that the sound refuses."""
        return [text for file in self.summary["files"] for text in file.get("warnings", ())]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return table name → rows."""
        return {
            "match_evidence": self.pairs,
            "stem_alignments": self.alignments,
            "mix_alignments": self.mix_alignments,
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


def match_evidence(
    tracks: pd.DataFrame,
    notes: pd.DataFrame,
    features: pd.DataFrame,
    mel_of: Callable[[int], Float32],
    time_codes: Mapping[int, Sequence[float]] | None = None,
    *,
    stated: Mapping[int, Stated] | None = None,
    tempos: Mapping[int, Sequence[TempoBend]] | None = None,
    mixes: Mixes | None = None,
) -> MatchEvidence:
    """Say for each track and each stem how surely the one is heard in the other.

    Each stem's mel spectrogram is explained by all tracks together (non-negative regression,
    band by band), so that several tracks in one stem each get their due, and a leak is seen as
    what it is: the same track, fainter. One lag holds for the whole cue, with slow drift.

    Parameters
    ----------
    tracks : pd.DataFrame
        Rows of ``midi_tracks``: ``id``, ``midi_file_id``, ``track_name``, and ``sounds`` with
        ``drum_kit`` where they say which tracks are drum kits.
    notes : pd.DataFrame
        Rows of ``midi_notes`` of these tracks.
    features : pd.DataFrame
        One row per stem: ``audio_file_id``, ``sample_rate``, ``hop_length``, ``n_mels``,
        ``n_frames``, ``max_db``, ``params``, ``canonical_name``, ``time_reference`` (samples since
        midnight at ``file_sample_rate`` if there is such a column, else at ``sample_rate``).
    mel_of : callable
        ``audio_file_id`` → absolute dB, shape=(n_frames, n_mels). Called once per stem; again
        where the stems' time references differ, or a stem begins at a time of its own.
    time_codes : mapping of int to sequence of float, optional
        ``midi_file_id`` → seconds since midnight that the file names for its MIDI time 0.
    stated : mapping of int to Stated, optional
        ``midi_file_id`` → what people say of its clock, which is true.
    tempos : mapping of int to sequence of TempoBend, optional
        ``midi_file_id`` → other tempo maps of the cue: the one that the sound bears out best is
        taken.
    mixes : Mixes, optional
        The mixes of the cue.

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
        files = [
            file_tracks(rows, notes, time_codes or {}, stated or {})
            for _, rows in tracks.groupby("midi_file_id", sort=False)
        ]
        return _match_evidence(files, features, mel_of, tempos or {}, mixes)


def _match_evidence(
    files: Sequence[FileTracks],
    features: pd.DataFrame,
    mel_of: Callable[[int], Float32],
    tempos: Mapping[int, Sequence[TempoBend]],
    mixes: Mixes | None,
) -> MatchEvidence:
    began = time.perf_counter()
    ways, left_out = ways_to_stand(features, mel_of)
    summary: dict[str, Any] = {"files": []}
    pairs, regressors, placings = [], [], []
    of_mixes = MixClocks(features, mixes)
    heard = ways[0] if ways else None
    for own in files:
        found = _placed(own, ways, tempos.get(own.key, ()))
        file = found.file if found else own
        if found:
            heard = found.heard
            regressors.append(_regressors(file, heard, found.measured))
        outside = stated_outside(file, ways) or ""
        pairs.append(pair_rows(file, features, found, left_out, summary, outside))
        placings.append((file, found))
        of_mixes.add(file, found)
    best = _best_scores([found for _, found in placings if found])
    alignments = [row for placing in placings for row in _alignments(*placing, features, best)]
    summary["stems_left_out"] = [
        {"stem": str(name), "reason": left_out[int(key)]}
        for key, name in zip(features["audio_file_id"], features["canonical_name"], strict=True)
        if int(key) in left_out
    ]
    summary["time_references"] = heard.references if heard else "no stem can be heard"
    table = pd.concat(pairs, ignore_index=True) if pairs else pairs_table([])
    summary["n_pairs"] = len(table)
    summary["seconds"] = round(time.perf_counter() - began, 3)
    return MatchEvidence(
        table,
        summary,
        pd.concat(regressors) if regressors else pd.DataFrame(),
        alignments_table(alignments),
        mix_alignments_table(of_mixes.rows),
    )


def _placed(file: FileTracks, ways: list[Standing], tempos: Sequence[TempoBend]) -> Placed | None:
    """Place a file at its own tempo, or at another of the cue's that the sound bears out better."""
    best = placed(file, ways)
    if best is None or file.bend is not None:
        return best
    # Also where nothing is doubted: a map that is wrong in part fits the rest well.
    for tempo in tempos[:_MOST_TEMPOS]:
        other = placed(file.bent(tempo), ways)
        if other is None or not other.sure or other.clock_doubt is not None:
            continue
        if other.alignment.r2 > _least_of_another(best, other) * best.alignment.r2:
            best = other
    return best


def _least_of_another(best: Placed, other: Placed) -> float:
    """Return how much of what is explained another tempo map must explain to be believed."""
    if best.followed is not None and other.followed is None:
        return 1.0 / _CLEARLY_MORE  # what is followed explains as much at any tempo
    doubted = not best.sure or best.clock_doubt is not None
    return 1.0 if doubted else _CLEARLY_MORE


def _best_scores(found: Sequence[Placed]) -> dict[int, float]:
    """Return how surely any track of any file is heard in each stem, by its id."""
    best: dict[int, float] = {}
    for of_file in found:
        scores = of_file.measured.score().max(axis=0)
        for group, score in zip(of_file.heard.groups, scores, strict=True):
            key = group.audio_file_id
            best[key] = max(float(score), best.get(key, 0.0))
    return best


def _alignments(
    file: FileTracks, found: Placed | None, features: pd.DataFrame, best: Mapping[int, float]
) -> list[tuple[Any, ...]]:
    """Return the rows of ``stem_alignments`` of one MIDI file."""
    own = _own_onsets(found, best) if found else {}
    instead = found.instead_in if found else {}
    clock, stated = clock_of(file, found), file.stated
    rows = []
    for stem in (int(i) for i in features["audio_file_id"]):
        begins = found.heard.begins(stem) if found else 0.0
        if stem in stated.in_files:
            told = clock.as_stated(stated.in_files[stem], stated.who, instead.get(stem))
        else:
            told = clock.in_file(begins, *own.get(stem, _SILENT))
        rows.append((file.key, stem, *told))
    return rows


def _own_onsets(found: Placed, best: Mapping[int, float]) -> dict[int, tuple[float, OwnOnsets]]:
    """Return how far the onsets of each stem scatter, and what is heard in it, by its id."""
    parts = found.measured.onset_part.max(axis=0)
    scores = found.measured.score().max(axis=0)
    return {
        group.audio_file_id: (
            float(found.scatter[g]),
            OwnOnsets(float(parts[g]), float(scores[g]), best[group.audio_file_id]),
        )
        for g, group in enumerate(found.heard.groups)
    }


def _regressors(file: FileTracks, heard: Standing, measured: Measures) -> pd.DataFrame:
    values = measured.features()
    rows = [
        (file.ids[t], group.audio_file_id, *values[v, g])
        for v, voice in enumerate(file.voices)
        for t in voice
        for g, group in enumerate(heard.groups)
    ]
    return pd.DataFrame(rows, columns=["midi_track_id", "audio_file_id", *FEATURES])
