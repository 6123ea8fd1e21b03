"""One MIDI file placed on the session's clock: lag, drift, doubts, and what is measured there.

Every way to stand the stems, and every place where the score may begin, is tried; what is
explained best is followed through its drift, and measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import (
    CLEAR_MARGIN,
    MAX_LAG_SECONDS,
    Alignment,
    Score,
    joint_lag,
    level_explained,
    score_of,
)
from cue_pipeline.hearing.attacks import lateness
from cue_pipeline.hearing.drift import FINER_SECONDS, with_drift
from cue_pipeline.hearing.file_tracks import FileTracks
from cue_pipeline.hearing.group_spectra import MAX_OFFSET_SECONDS
from cue_pipeline.hearing.heard_times import none_within
from cue_pipeline.hearing.kit_pieces import KitNotes, kit_notes
from cue_pipeline.hearing.origins import Origins, from_origin, moved, origins
from cue_pipeline.hearing.own_start import heard_elsewhere, own_starts
from cue_pipeline.hearing.regression import Explained
from cue_pipeline.hearing.scatter import onset_scatter
from cue_pipeline.hearing.scoring import Measures, levels_at, measures, onsets_explained
from cue_pipeline.hearing.standing import Standing
from cue_pipeline.hearing.stated import Stated
from cue_pipeline.hearing.take_path import Followed, follow
from cue_pipeline.hearing.templates import TrackNotes
from cue_pipeline.hearing.tempo_check import linear_drift, other_tempo
from cue_pipeline.hearing.transposition import sounding_intervals

Float64 = NDArray[np.float64]

LEAST_LAG_CONFIDENCE = 0.5
"""Below it the ear abstains on the whole file."""

_FEWEST_TO_FOLLOW = 16  # notes: fewer agree with anything somewhere
_NEAR_SECONDS = 0.25  # so near a stated lag, what is heard is the same music: its wander counts
_AGREES_SECONDS = 0.02  # so near it, the sound says the same


@dataclass(frozen=True)
class _Tried:
    """One way to stand the stems and one place to search for the lag, and what was found."""

    heard: Standing
    names: Origins
    origin: float
    tracks: list[TrackNotes]
    score: Score
    straight: Alignment


@dataclass(frozen=True)
class Placed:
    """How one file's notes stand on the session's clock, and how well.

    Attributes
    ----------
    heard : Standing
        The stems.
    alignment : Alignment
        Of the notes with the clock, where they sound.
    measured : Measures
        Of every voice in every stem.
    names : Origins
        Lags that are named by other means than sound.
    clock_doubt : str or None
        Why the sound refuses the tempo map; None: it does not.
    scatter : np.ndarray, shape=(n_groups,)
        How far onsets scatter around their places, seconds.
    file : FileTracks
        The notes, at the tempo at which they are played.
    held : bool
        Whether the lag is a person's word, and what is heard is elsewhere or nowhere.
    instead : float or None
        The lag that the sound tells surely in place of a person's word; None: that one, or none.
    instead_in : dict of int to float
        The lags that it tells in place of a word on one stem, by ``audio_file_id``.
    followed : Followed or None
        How the take leaves the score's time; None: one line holds.
    kits : dict of int to list of list of (int, float, float)
        What is heard of the keys of drum kits, by place of the voice.
    intervals : dict of int to int
        By how many semitones voices sound elsewhere than written, by place of the voice.
    """

    heard: Standing
    alignment: Alignment
    measured: Measures
    names: Origins
    clock_doubt: str | None
    scatter: Float64
    file: FileTracks
    held: bool = False
    instead: float | None = None
    instead_in: Mapping[int, float] = field(default_factory=dict)
    followed: Followed | None = None
    kits: Mapping[int, list[KitNotes]] = field(default_factory=dict)
    intervals: Mapping[int, int] = field(default_factory=dict)

    @property
    def refused(self) -> list[str]:
        """What the sound says against a person's words."""
        stated = self.file.stated
        said = []
        if self.instead is not None and stated.lag_seconds is not None:
            said.append(_refusal(stated, "the recording", stated.lag_seconds, self.instead))
        names = {group.audio_file_id: group.name for group in self.heard.groups}
        return said + [
            _refusal(stated, f"stem {names[key]!r}", stated.in_files[key], lag)
            for key, lag in self.instead_in.items()
        ]

    @property
    def sure(self) -> bool:
        """Whether the sound, or a person, tells the lag."""
        return self.alignment.confidence >= LEAST_LAG_CONFIDENCE

    @property
    def unfollowed(self) -> str | None:
        """Why the recording may be of other music; None: its lag is sure."""
        if self.sure:
            return None
        how_sure = f"the lag is not certain ({self.alignment.confidence:.2f})"
        if self._n_notes < _FEWEST_TO_FOLLOW:
            return f"{how_sure}: {self._n_notes} notes do not tell it"
        return f"score and recording do not follow each other: {how_sure}"

    @property
    def doubt(self) -> str | None:
        """Why nothing that is decided for the file stands without a person; None: it may."""
        if self.clock_doubt is not None:
            return self.clock_doubt
        # A person who says where a stem stands has heard that it is this music.
        if self.file.stated.in_files or self._n_notes < _FEWEST_TO_FOLLOW:
            return None
        return self.unfollowed

    @property
    def _n_notes(self) -> int:
        return sum(track.n_notes for track in self.file.leaders)

    def doubt_in(self, audio_file_id: int) -> str:
        """Why nothing can be judged in a stem; empty: something can."""
        said = self.file.stated.in_files.get(audio_file_id)
        if said is None:
            return self.unfollowed or ""
        begins = self.alignment.lag_seconds - said
        if abs(begins - self.heard.begins(audio_file_id)) <= _NEAR_SECONDS:
            return ""
        return f"the lag stated of it puts the stem {begins:+.0f} s from the others"


def _refusal(stated: Stated, where: str, word: float, sound: float) -> str:
    return (
        f"{stated.who} states that the score begins {word:+.3f} s into {where}, "
        f"the sound says {sound:+.2f} s; the person is believed"
    )


def placed(file: FileTracks, ways: list[Standing]) -> Placed | None:
    """Return the clock on which this file's notes explain most, how they stand, the measures."""
    if not file.voices or not ways or stated_outside(file, ways) is not None:
        return None
    best, clear = _best_lag([tried for way in ways for tried in _tries(file, way)])
    found = _lag_of(best, clear, file.stated)
    way, straight = found.way, found.straight
    tracks, names, origin = best.tracks, best.names, best.origin
    del best  # its templates are as large as the session, and have done their part
    # Where the sound does not confirm what a person says, it is followed to the letter.
    fit = _fit(straight, tracks, way)
    if not found.held:
        fit = max(fit, _fit(with_drift(straight, tracks, way.session), tracks, way))
    said = found.held or file.stated.lag_seconds is not None
    take = None if said else follow(tracks, way, fit.alignment)
    base = straight
    if take:
        tracks, base = take.tracks, take.alignment
        bent = with_drift(base, tracks, way.session)
        fit = max(_fit(base, tracks, way), _fit(bent, tracks, way))
    # On this clock the score's weights were fitted; where the notes are, shorter windows tell.
    measured = measures(tracks, fit.onsets, way.spread, fit.alignment, way.session)
    kits = kit_notes(tracks, fit.alignment, way)
    intervals = sounding_intervals(tracks, measured.score(), way.spread, fit.alignment, way.session)
    other = None if take else other_tempo(tracks, way.spread, way.session, straight)
    doubt = other or linear_drift(fit.alignment)
    if not found.held:
        finer = with_drift(base, tracks, way.session, FINER_SECONDS)
        fit = max(fit, _fit(finer, tracks, way))
    alignment = fit.alignment
    scatter = onset_scatter(tracks, measured.onset_part, alignment, way.session)
    late = 0.0 if found.held else _lateness(tracks, measured, scatter, alignment, way)
    if take:
        alignment = take.of_score(alignment)
    alignment = _as_it_sounds(from_origin(alignment, origin), way, late)
    begins = found.begins if found.held else _begins(alignment)
    return Placed(
        way,
        _begun_as_stated(alignment, file.stated),
        measured,
        names,
        None if doubt is None else str(doubt),
        scatter,
        file,
        found.held,
        _instead(file.stated, begins),
        found.begins_in,
        take,
        kits,
        intervals,
    )


def stated_outside(file: FileTracks, ways: list[Standing]) -> str | None:
    """Return that a stated lag puts no note into the recording, and where; None: some are in it."""
    said = file.stated.lag_seconds
    tracks = [track for track in file.leaders if track.n_notes]
    if said is None or not tracks or not ways:
        return None
    starts = np.concatenate([track.start for track in tracks]) + said
    ends = np.concatenate([track.start + track.duration for track in tracks]) + said
    return none_within(starts, ends, max(way.seconds for way in ways))


@dataclass(frozen=True)
class _Lag:
    """The lag by sound or by a person's word, and the stems where they really begin."""

    way: Standing
    straight: Alignment
    held: bool = False
    begins: float | None = None  # where the score does by sound alone
    begins_in: Mapping[int, float] = field(default_factory=dict)  # and in stems, if not as stated


def _lag_of(best: _Tried, clear: float, stated: Stated) -> _Lag:
    """Return the lag of a file: by a person's word where there is one, else by sound."""
    way, by_sound = best.heard, best.straight
    begins_in = _heard_elsewhere(stated, best)
    word = _stated_lag(stated, best, sure=clear * by_sound.confidence >= LEAST_LAG_CONFIDENCE)
    starts = own_starts(best.score, way.groups, way.session, by_sound)
    starts |= _stated_starts(stated, best, by_sound.lag_seconds if word is None else word)
    if starts:
        way = way.with_starts(starts)
        by_sound = joint_lag(best.score, way.session, best.names.near(best.origin))
    by_sound = replace(by_sound, confidence=clear * by_sound.confidence)
    if word is None:
        return _Lag(way, by_sound, begins_in=begins_in)
    straight, held = by_sound, not _near(by_sound, word)
    begins = None
    if by_sound.confidence >= LEAST_LAG_CONFIDENCE:
        begins = _begins(_as_it_sounds(from_origin(by_sound, best.origin), way))
    if held:
        straight = joint_lag(best.score, way.session, known=word)
    # What is said of one stem tells nothing of the others.
    sure = by_sound.confidence if stated.lag_seconds is None else 1.0
    return _Lag(way, replace(straight, confidence=sure), held, begins, begins_in)


def _stated_lag(stated: Stated, best: _Tried, *, sure: bool) -> float | None:
    """Return the lag that people state, as the ear finds lags of ``best``; None: they do not.

    What they say of one stem is the lag of all only where the sound tells none: it may have been
    recorded, or cut, by itself.
    """
    early = best.heard.early_seconds + best.origin
    if stated.lag_seconds is not None:
        return stated.lag_seconds - early
    heard = [group.audio_file_id for group in best.heard.groups]
    said = [key for key in heard if key in stated.in_files]
    if sure or not said:
        return None
    return stated.in_files[said[0]] + best.heard.begins(said[0]) - early


def _stated_starts(stated: Stated, best: _Tried, lag_seconds: float) -> dict[int, float]:
    """Return where on the session's clock stems begin of which people state a lag of their own."""
    lag = lag_seconds + best.origin + best.heard.early_seconds
    heard = (group.audio_file_id for group in best.heard.groups)
    starts = {key: lag - stated.in_files[key] for key in heard if key in stated.in_files}
    # Silence is put before a stem that begins late: not hours of it.
    return {key: start for key, start in starts.items() if abs(start) <= MAX_OFFSET_SECONDS}


def _heard_elsewhere(stated: Stated, best: _Tried) -> dict[int, float]:
    """Return where the score begins by the sound of stems of which people state something else."""
    way = best.heard
    own = {
        key: way.early_seconds + best.origin - way.begins(key)
        for key in (group.audio_file_id for group in way.groups)
        if key in stated.in_files
    }
    on_clock = {key: stated.in_files[key] - zero for key, zero in own.items()}
    found = heard_elsewhere(best.score, way.groups, way.session, best.straight, on_clock)
    return {key: lag + own[key] for key, lag in found.items()}


def _near(by_sound: Alignment, lag_seconds: float) -> bool:
    sure = by_sound.confidence >= LEAST_LAG_CONFIDENCE
    return sure and abs(by_sound.lag_seconds - lag_seconds) <= _NEAR_SECONDS


def _instead(stated: Stated, begins: float | None) -> float | None:
    """Return where the score begins by sound, not by word; None: there too, or it tells nothing."""
    if stated.lag_seconds is None or begins is None:
        return None
    return None if abs(begins - stated.lag_seconds) <= _AGREES_SECONDS else begins


def _as_it_sounds(alignment: Alignment, way: Standing, late: float = 0.0) -> Alignment:
    """Return an alignment on which notes stand where they sound, not where windows hear them."""
    return replace(alignment, lag_seconds=alignment.lag_seconds + way.early_seconds - late)


def _begun_as_stated(alignment: Alignment, stated: Stated) -> Alignment:
    """Return an alignment on which the score begins where people say; the sound tells its wander.

    To the letter, however near the sound is: who moves a clock by 20 ms means 20 ms.
    """
    if stated.lag_seconds is None:
        return alignment
    lag_seconds = alignment.lag_seconds + stated.lag_seconds - _begins(alignment)
    return replace(alignment, lag_seconds=lag_seconds)


def _begins(alignment: Alignment) -> float:
    return float(alignment.session_time(np.zeros(1))[0])


def _lateness(
    tracks: list[TrackNotes],
    measured: Measures,
    scatter: Float64,
    alignment: Alignment,
    way: Standing,
) -> float:
    """Return by how much notes sound before the clock on which they sound says so."""
    instant = way.instant_rise + way.early_seconds
    return lateness(tracks, measured.onset_part, scatter, alignment, way.session, instant)


@dataclass(frozen=True)
class _Fit:
    """An alignment, the onsets as they are explained at it, and how much of all is."""

    alignment: Alignment
    onsets: Explained
    explained: float

    def __lt__(self, other: "_Fit") -> bool:
        return self.explained < other.explained


def _fit(alignment: Alignment, tracks: list[TrackNotes], way: Standing) -> _Fit:
    """Return how much of level and onsets is explained at an alignment.

    Level alone does not tell 60 ms, which are more than a drum's stroke.
    """
    onsets = onsets_explained(tracks, way.spread, alignment, way.session)
    levels = levels_at(alignment, tracks, way.spread, way.session)
    explained = level_explained(levels, way.session) + float(onsets.r2.mean())
    return _Fit(alignment, onsets, explained)


def _tries(file: FileTracks, way: Standing) -> Iterator[_Tried]:
    """Search for the lag at each place where the score may begin: most often, one."""
    names = origins(file.leaders, file.time_codes, way.zero, way.seconds)
    for origin in _searched(names, file.stated.lag_seconds):
        tracks = moved(file.leaders, origin)
        seconds = max((float((t.start + t.duration).max()) for t in tracks if t.n_notes), default=0)
        score = score_of(tracks, way.spread, seconds, way.session.frame_seconds)
        straight = joint_lag(score, way.session, names.near(origin))
        yield _Tried(way, names, origin, tracks, score, straight)


def _searched(names: Origins, said: float | None) -> list[float]:
    """Return around which places to search: near a person's word, which is not one of them.

    What the sound says is asked without it: a lag that is tried because somebody states it would
    be found, if it is not far off.
    """
    if said is None:
        return names.searched
    near = [origin for origin in names.searched if abs(said - origin) <= MAX_LAG_SECONDS]
    return near or [said]


def _best_lag(tried: list[_Tried]) -> tuple[_Tried, float]:
    """Return the try whose notes explain most, and how clearly they do so in no other place.

    Returns
    -------
    best : _Tried
    clear : float
        0..1: by it the lag is believed less.
    """
    best = max(tried, key=lambda of: of.straight.r2)
    elsewhere = max(
        (of.straight.r2 for of in tried if of.heard is best.heard and of.origin != best.origin),
        default=0.0,
    )
    margin = (best.straight.r2 - elsewhere) / max(best.straight.r2, 1e-9)
    return best, float(np.clip(margin / CLEAR_MARGIN, 0.0, 1.0))
