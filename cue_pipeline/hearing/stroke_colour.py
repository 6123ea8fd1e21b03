"""Whether a drum's strokes sound like the drum, or like the instrument whose stem it is.

A bass that plays with the kick has a note at each of its strokes, and where the kick was not
recorded, these are explained by it as well as by a drum. But then the strokes have the bass's own
colour. A drum that really is in the stem has more above it, or below.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import Alignment, Session
from cue_pipeline.hearing.templates import TrackNotes

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_NEAR_FRAMES = 3  # about 60 ms: what begins there may be the stroke
_FEWEST_NOTES = 6


def stroke_likeness(
    voices: Sequence[TrackNotes],
    at_home: NDArray[np.bool_],
    alignment: Alignment,
    session: Session,
) -> Float64:
    """Return how alike drums' strokes in a stem sound to the pitched notes that it is home to.

    Parameters
    ----------
    voices : sequence of TrackNotes
    at_home : np.ndarray of bool, shape=(n_tracks, n_groups)
        Where each voice may be heard.
    alignment : Alignment
        Of the voices.
    session : Session
        The stems.

    Returns
    -------
    np.ndarray, shape=(n_tracks, n_groups)
        0 to 1: the cosine of what begins, over the regions of the spectrum, at the drum's strokes
        and at pitched notes that no drum strikes with. NaN for pitched tracks, where the stem is
        home to none, and where hardly a note of it stands without a drum.
    """
    out = np.full(at_home.shape, np.nan)
    frames = [_frames(voice, alignment, session) for voice in voices]
    drums = np.array([voice.is_drum for voice in voices])
    struck = _struck([frames[v] for v in np.flatnonzero(drums)], session.onsets.shape[2])
    for g in np.flatnonzero(at_home[drums].any(axis=0)):
        own = [frames[v] for v in np.flatnonzero(at_home[:, g] & ~drums)]
        notes = np.concatenate(own) if own else np.zeros(0, np.int64)
        notes = notes[~struck[notes]]
        if len(notes) < _FEWEST_NOTES:
            continue
        begins = _peaks(session.onsets[:, g])
        usual = begins[:, notes].mean(axis=1)
        for v in np.flatnonzero(at_home[:, g] & drums):
            if len(frames[v]):
                out[v, g] = _cosine(begins[:, frames[v]].mean(axis=1), usual)
    return out


def _frames(voice: TrackNotes, alignment: Alignment, session: Session) -> NDArray[np.int64]:
    """Return the frames in which a voice's notes begin."""
    at = np.round(alignment.session_time(voice.start) / session.frame_seconds).astype(np.int64)
    inside: NDArray[np.int64] = at[(at >= 0) & (at < session.onsets.shape[2])]
    return inside


def _struck(drums: Sequence[NDArray[np.int64]], n_frames: int) -> NDArray[np.bool_]:
    """Return the frames in or near which a drum is struck."""
    out = np.zeros(n_frames, np.bool_)
    for shift in range(-_NEAR_FRAMES, _NEAR_FRAMES + 1):
        for frames in drums:
            out[np.clip(frames + shift, 0, n_frames - 1)] = True
    return out


def _peaks(onsets: Float32) -> Float32:
    """Return the highest of each frame and its neighbours: a stroke may be a frame off."""
    out = onsets.copy()
    np.maximum(out[:, 1:], onsets[:, :-1], out=out[:, 1:])
    np.maximum(out[:, :-1], onsets[:, 1:], out=out[:, :-1])
    return out


def _cosine(x: Float32, y: Float32) -> float:
    return float(x @ y / max(float(np.linalg.norm(x) * np.linalg.norm(y)), 1e-12))
