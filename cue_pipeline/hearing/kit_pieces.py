"""In which stems the pieces of a drum kit are heard: one part in the score, a stem for each drum.

A kit's keys (General MIDI) are laid apart and their strokes looked for in every stem, beside each
other and beside all other tracks, where in the spectrum each piece sounds.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import Alignment
from cue_pipeline.hearing.scoring import onsets_explained
from cue_pipeline.hearing.standing import Standing
from cue_pipeline.hearing.templates import TrackNotes

Float64 = NDArray[np.float64]
KitNotes = list[tuple[int, float, float]]
"""Of one kit in one stem: key, how well its strokes are heard there, how loud beside elsewhere."""

FEWEST_STROKES = 4
_DIGITS = 3


def kit_notes(
    voices: Sequence[TrackNotes], alignment: Alignment, heard: Standing
) -> dict[int, list[KitNotes]]:
    """Return what is heard of each key of each kit in each stem.

    Parameters
    ----------
    voices : sequence of TrackNotes
        The tracks that differ in their notes.
    alignment : Alignment
        Of them.
    heard : Standing
        The stems.

    Returns
    -------
    dict of int to list of list of (int, float, float)
        By the kit's place in ``voices``, for each stem: the key, the partial correlation of its
        strokes with the stem's onsets, 0..1, and how loud it is there beside the stem in which it
        is loudest, 0..1 in level. Kits of one key, and keys of fewer than four strokes, have none.
    """
    pieces: list[TrackNotes] = []
    owners: list[tuple[int, int]] = []
    rest = []
    for place, voice in enumerate(voices):
        keys = _keys(voice)
        if len(keys) < 2:
            rest.append(voice)
            continue
        for key in keys:
            pieces.append(_only(voice, key))
            owners.append((place, key))
    if not pieces or len(heard.groups) < 2:
        return {}
    found = onsets_explained([*pieces, *rest], heard.spread, alignment, heard.session)
    part = np.sqrt(found.gain[: len(pieces)])
    level = found.level[: len(pieces)]
    level = level / np.maximum(level.max(axis=1, keepdims=True), 1e-12)
    out: dict[int, list[KitNotes]] = {}
    for p, (place, key) in enumerate(owners):
        of_stems = out.setdefault(place, [[] for _ in heard.groups])
        for g, of_stem in enumerate(of_stems):
            heard_there, loud = (
                round(float(part[p, g]), _DIGITS),
                round(float(level[p, g]), _DIGITS),
            )
            of_stem.append((key, heard_there, loud))
    return out


def _keys(voice: TrackNotes) -> list[int]:
    """Return the keys of a kit that are struck often enough; of anything else, none."""
    if not voice.is_drum:
        return []
    keys, counts = np.unique(voice.pitch, return_counts=True)
    return [int(key) for key in keys[counts >= FEWEST_STROKES]]


def _only(voice: TrackNotes, key: int) -> TrackNotes:
    of_key = voice.pitch == key
    return replace(
        voice,
        start=voice.start[of_key],
        duration=voice.duration[of_key],
        pitch=voice.pitch[of_key],
        level=voice.level[of_key],
    )
