"""What the mapping assets show of themselves: a matrix of scores, and notes above their sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cue_pipeline.mapping.tracks import track_labels
from cue_pipeline.pictures.matching import Clock, Pair, alignment_picture

if TYPE_CHECKING:
    import numpy as np
    from pandas import DataFrame

    from cue_pipeline.mapping.decision.result import TrackMapping
    from cue_pipeline.warehouse.store import Store

MOST_PAIRS = 2


@dataclass(frozen=True, slots=True)
class EvidenceMatrix:
    """Scores by track and group.

    Attributes
    ----------
    tracks, groups : list of str
        Names.
    scores : np.ndarray, shape=(len(tracks), len(groups))
        NaN where the ear abstains.
    """

    tracks: list[str]
    groups: list[str]
    scores: np.ndarray


def evidence_matrix(tracks: DataFrame, groups: DataFrame, pairs: DataFrame) -> EvidenceMatrix:
    """Return the rows of ``match_evidence`` as a matrix, groups in the order of their tracks.

    Parameters
    ----------
    tracks : DataFrame
        Rows of ``midi_tracks``.
    groups : DataFrame
        ``id``, ``canonical_name``.
    pairs : DataFrame
        ``midi_track_id``, ``audio_file_id``, ``score``.
    """
    import numpy as np

    row = {track: i for i, track in enumerate(tracks["id"])}
    column = {group: j for j, group in enumerate(groups["id"])}
    scores = np.full((len(row), len(column)), np.nan)
    for track, group, score in zip(
        pairs["midi_track_id"], pairs["audio_file_id"], pairs["score"], strict=True
    ):
        if track in row and group in column:
            scores[row[track], column[group]] = score
    # A stem stands below the first track that is heard in it, so that matches form a diagonal.
    heard = np.nan_to_num(scores, nan=0.0)
    loudest = heard.argmax(axis=0) if len(row) else np.zeros(len(column), int)
    order = np.argsort(loudest, kind="stable")
    names = list(groups["canonical_name"])
    return EvidenceMatrix(track_labels(tracks), [names[j] for j in order], scores[:, order])


def mapping_figures(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a mapping that the UI plots; cost is left out where not known."""
    states = summary["states"]
    figures = {
        "auto": states.get("auto", 0),
        "confirmed": states.get("confirmed", 0),
        "to review": states.get("review", 0),
        "unmatched": states.get("unmatched", 0),
        "model calls": summary["calls"],
        "model calls answered from the cache": summary["cached_calls"],
        "prompt tokens": summary["prompt_tokens"],
        "completion tokens": summary["completion_tokens"],
    }
    if summary["cost_usd"] is not None:
        figures["cost USD"] = float(summary["cost_usd"])
    return figures


def draw_pairs(
    store: Store,
    mappings: Sequence[TrackMapping],
    score: Mapping[str, DataFrame],
    alignments: DataFrame,
) -> str | None:
    """Return the piano rolls of some tracks above the spectrograms of their stems.

    Parameters
    ----------
    store : Store
        For the spectrograms.
    mappings : sequence of TrackMapping
        Those in doubt are drawn first: that is where a person looks. At most two.
    score : mapping of str to DataFrame
        ``midi_tracks`` and ``midi_notes``.
    alignments : DataFrame
        Rows of ``stem_alignments``: where the notes are heard.
    """
    from cue_pipeline.warehouse.features import find_composite, read_mel

    mapped = [m for m in mappings if m.audio_file_id is not None]
    mapped.sort(key=lambda m: (m.state != "review", -m.confidence))
    notes, tracks = score["midi_notes"], score["midi_tracks"]
    file_of = dict(zip(tracks["id"], tracks["midi_file_id"], strict=True))
    pairs = []
    for m in mapped:
        own = notes[notes["midi_track_id"] == m.midi_track_id]
        feature = find_composite(store, m.audio_file_id)
        if own.empty or feature is None or not feature.n_frames:
            continue
        pairs.append(
            Pair(
                track=m.track_name,
                stem=m.canonical_name or "",
                state=m.state,
                confidence=m.confidence,
                notes=own,
                mel=read_mel(store, feature.id),
                frames_per_second=feature.sample_rate / feature.hop_length,
                clock=_clock(alignments, file_of[m.midi_track_id], m.audio_file_id),
            )
        )
        if len(pairs) == MOST_PAIRS:
            break
    return alignment_picture(pairs) if pairs else None


def _clock(alignments: DataFrame, midi_file_id: int, audio_file_id: int | None) -> Clock | None:
    """Return where a MIDI file's notes are heard in a stem."""
    rows = alignments[
        (alignments["midi_file_id"] == midi_file_id)
        & (alignments["audio_file_id"] == audio_file_id)
        & (alignments["method"] != "none")
    ]
    if rows.empty:
        return None
    row = rows.iloc[0]
    return Clock(float(row["lag_seconds"]), row["knots"], str(row["method"]))
