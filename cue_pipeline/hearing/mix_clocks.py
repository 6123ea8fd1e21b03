"""Where the mixes of a cue begin on the clock of its stems.

A mix is the stems' own sound: their onsets together agree with its onsets at one place far better
than at any other, whatever the mix went through. Where a time reference, or the search to the
sample that found which file is the mix, names that place, it is taken from there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import MAX_LAG_SECONDS, Session
from cue_pipeline.hearing.clock import Clock, OwnOnsets, UnknownClock, clock_of, unknown_clock
from cue_pipeline.hearing.file_tracks import FileTracks
from cue_pipeline.hearing.group_spectra import heard_groups
from cue_pipeline.hearing.placing import Placed, placed
from cue_pipeline.hearing.scatter import scatter_of_all
from cue_pipeline.hearing.standing import Standing, ways_to_stand

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Tones: the stems' own mix 0.6 and more, one of them alone too; other music 0.05.
_LEAST_AGREEMENT = 0.2
_LEAST_LEAD, _CLEAR_LEAD = (
    0.1,
    0.2,
)  # of the best place's agreement before that of any other: a loop has several
_APART_SECONDS = 0.25
_SAME = 0.95  # of the best: the named place is as good
_TOGETHER = 0.5  # how far to believe that a mix of loops begins with its stems, where it may


@dataclass(frozen=True)
class Mixes:
    """The mixes of a cue.

    Attributes
    ----------
    features : pd.DataFrame
        One row per mix, the columns of the stems' features: ``audio_file_id`` holds
        ``final_mixes.id``.
    mel_of : callable
        ``final_mixes.id`` → absolute dB, shape=(n_frames, n_mels).
    """

    features: pd.DataFrame
    mel_of: Callable[[int], Float32]


@dataclass(frozen=True)
class Begins:
    """Where a mix begins on the session's clock.

    Attributes
    ----------
    seconds : float or None
        Less than 0 where it begins before the stems; None: nothing tells it.
    confidence : float
    reason : str
        What tells it, in words; or why nothing does.
    onsets : np.ndarray, shape=(n_regions, n_frames), or None
        What begins in it, from its own beginning on; None: it is not heard.
    """

    seconds: float | None
    confidence: float
    reason: str
    onsets: Float32 | None = field(default=None, repr=False)


class MixClocks:
    """The rows of ``mix_alignments``, gathered MIDI file by MIDI file.

    Parameters
    ----------
    stems : pd.DataFrame
        Features of the stems, as :func:`~cue_pipeline.hearing.match.match_evidence` takes them.
    mixes : Mixes or None
        None: the cue has none.
    """

    def __init__(self, stems: pd.DataFrame, mixes: Mixes | None) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self._stems = stems
        self._mixes = mixes if mixes is not None and len(mixes.features) else None
        self._begins: list[tuple[Session, dict[int, Begins]]] = []  # by clock: files share one
        self._as_stems: list[Standing] | None = None

    def add(self, file: FileTracks, found: Placed | None) -> None:
        """Add the rows of one MIDI file.

        Parameters
        ----------
        file : FileTracks
        found : Placed or None
            Where it stands on the stems' clock; None: no stem can be heard. Then the mixes are
            heard as stems are.
        """
        if self._mixes is None:
            return
        if found is None:
            if self._as_stems is None:
                self._as_stems, _ = ways_to_stand(self._mixes.features, self._mixes.mel_of)
            found = placed(file, self._as_stems)
            begins = {} if found is None else _where_they_stand(found.heard)
        else:
            begins = self._begins_on(found.heard)
        scatter = {mix: _scatter(found, of) for mix, of in begins.items() if found}
        clock, stated = clock_of(file, found), file.stated
        for mix in (int(i) for i in self._mixes.features["audio_file_id"]):
            if mix in stated.in_files:
                instead = found.instead_in.get(mix) if found else None
                told = clock.as_stated(stated.in_files[mix], stated.who, instead)
            else:
                told = of_mix(
                    clock, begins.get(mix, Begins(0.0, 1.0, "")), scatter.get(mix, np.nan)
                )
            self.rows.append((file.key, mix, *told))

    def _begins_on(self, way: Standing) -> dict[int, Begins]:
        assert self._mixes is not None
        for session, begins in self._begins:
            if session is way.session:
                return begins
        begins = mix_starts(way, self._stems, self._mixes)
        self._begins.append((way.session, begins))
        return begins


def _where_they_stand(way: Standing) -> dict[int, Begins]:
    """Return where mixes begin on a clock that is theirs."""
    frame, found = way.session.frame_seconds, {}
    for i, group in enumerate(way.groups):
        begins = way.begins(group.audio_file_id)
        onsets = way.session.onsets[:, i, max(0, round(begins / frame)) :]
        found[group.audio_file_id] = Begins(begins, 1.0, "", onsets)
    return found


def _scatter(found: Placed, mix: Begins) -> float:
    """Return how far a mix's onsets scatter around where the score puts them; NaN: not known."""
    if mix.onsets is None or mix.seconds is None or not found.sure:
        return np.nan
    shift = found.heard.early_seconds + mix.seconds
    alignment = replace(found.alignment, lag_seconds=found.alignment.lag_seconds - shift)
    frame = found.heard.session.frame_seconds
    return scatter_of_all(found.file.leaders, alignment, mix.onsets, frame)


def of_mix(clock: Clock | UnknownClock, begins: Begins, scatter: float) -> tuple[Any, ...]:
    """Return what is stored of a clock in a mix, whose onsets scatter so far (NaN: not known)."""
    if begins.seconds is None:
        return unknown_clock(begins.reason)
    own = OwnOnsets(0.0, 1.0, 1.0) if np.isfinite(scatter) else None  # of strokes that stand alone
    lag, knots, method, confidence, spread, reason = clock.in_file(begins.seconds, scatter, own)
    said = "; ".join(part for part in (reason, begins.reason) if part)
    return lag, knots, method, round(confidence * begins.confidence, 4), spread, said


def mix_starts(way: Standing, stems: pd.DataFrame, mixes: Mixes) -> dict[int, Begins]:
    """Return where each mix begins on the clock of the stems.

    Parameters
    ----------
    way : Standing
        The stems.
    stems : pd.DataFrame
        Their features, with ``start_offset_seconds`` where the audio's own room placed them.
    mixes : Mixes

    Returns
    -------
    dict of int to Begins
        By ``final_mixes.id``.
    """
    heard, left_out = heard_groups(mixes.features, mixes.mel_of, {})
    named = _named_starts(stems, mixes.features)
    found = {key: _unheard(named.get(key), why) for key, why in left_out.items()}
    together = way.session.onsets.sum(axis=1)
    for mix in heard:
        lags, agreement = _agreement(together, mix.onsets.T, way.session)
        begins = _begins(lags, agreement, named.get(mix.audio_file_id))
        found[mix.audio_file_id] = replace(begins, onsets=mix.onsets.T.copy())
    return found


def _named_starts(stems: pd.DataFrame, mixes: pd.DataFrame) -> dict[int, float]:
    """Return where mixes begin by their own room's placing, on the clock of the earliest stem."""
    column = "start_offset_seconds"
    if column not in stems or column not in mixes or not stems[column].notna().any():
        return {}
    zero = float(stems[column].min())
    known = mixes[mixes[column].notna()]
    return {
        int(key): float(start) - zero
        for key, start in zip(known["audio_file_id"], known[column], strict=True)
    }


def _unheard(named: float | None, why: str) -> Begins:
    if named is None:
        return Begins(
            None, 0.0, f"{why.replace('the stem', 'the mix')}, and no reference places it"
        )
    return Begins(named, 0.5, f"{why.replace('the stem', 'the mix')}; placed by its reference")


def _begins(lags: Float64, agreement: Float64, named: float | None) -> Begins:
    best = int(agreement.argmax())
    most = float(agreement[best])
    if named is not None and _best_near(lags, agreement, named) >= max(
        _LEAST_AGREEMENT, _SAME * most
    ):
        return Begins(named, 1.0, "the mix stands where its start says, and sounds so")
    apart = np.abs(lags - lags[best]) > _APART_SECONDS
    lead = 1.0 - float(agreement[apart].max(initial=0.0)) / max(most, 1e-9)
    if most < _LEAST_AGREEMENT:
        told = f"the mix does not sound like the stems ({most:.2f})"
    elif lead >= _LEAST_LEAD:
        seconds = float(lags[best] + _summit(agreement, best) * (lags[1] - lags[0]))
        return Begins(seconds, min(1.0, lead / _CLEAR_LEAD), "the mix sounds like the stems there")
    else:
        told = "the mix sounds like the stems in several places"
        if named is None and _best_near(lags, agreement, 0.0) == most:
            return Begins(0.0, _TOGETHER, f"{told}, and is taken to begin with them")
    if named is None:
        return Begins(None, 0.0, told)
    return Begins(named, 0.5, f"{told}; placed by its reference")


def _best_near(lags: Float64, agreement: Float64, seconds: float) -> float:
    near = np.abs(lags - seconds) <= 2 * (lags[1] - lags[0])
    return float(agreement[near].max(initial=0.0))


def _summit(agreement: Float64, best: int) -> float:
    """Return how far beside a place, in its steps, the parabola through three values is highest."""
    if not 0 < best < len(agreement) - 1:
        return 0.0
    left, mid, right = agreement[best - 1 : best + 2]
    bend = left - 2 * mid + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _agreement(stems: Float32, mix: Float32, session: Session) -> tuple[Float64, Float64]:
    """Return how well onsets agree where the mix begins so many seconds after the session.

    Parameters
    ----------
    stems, mix : np.ndarray, shape=(n_regions, n_frames)
        Of any lengths.

    Returns
    -------
    lags : np.ndarray, shape=(n_lags,)
        Seconds, to a minute beyond what either reaches.
    agreement : np.ndarray, shape=(n_lags,)
        Normalised cross-correlation over all regions of the spectrum.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    reach = round(MAX_LAG_SECONDS / session.frame_seconds)
    x = stems - stems.mean(axis=1, keepdims=True)
    y = mix - mix.mean(axis=1, keepdims=True)
    # A region counts as much as any: in power the lowest would be all.
    x /= np.maximum(np.sqrt((x**2).sum(axis=1, keepdims=True)), 1e-9)
    y /= np.maximum(np.sqrt((y**2).sum(axis=1, keepdims=True)), 1e-9)
    n = next_fast_len(x.shape[1] + y.shape[1], real=True)
    product = (rfft(x, n, axis=1) * rfft(y, n, axis=1).conj()).sum(axis=0)
    found = irfft(product, n) / len(x)
    order = np.arange(-min(reach, y.shape[1] - 1), min(reach, x.shape[1] - 1) + 1)
    lags: Float64 = order * np.float64(session.frame_seconds)
    return lags, found[order % n].astype(np.float64)
