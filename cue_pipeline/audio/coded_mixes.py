"""Mixes that were coded with loss (MP3, AAC, Ogg) and lie beside the stems, to listen to.

A coder changes every sample, the more the higher the pitch, and often delays them all: a coded mix
is no sum and no copy to the last bits. So it is held against the mix, and against every stem, at
the lag that fits best and below 3 kHz, where coders keep the wave.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cue_pipeline.audio.excerpts import EXCERPT_SECONDS, composite_spectra
from cue_pipeline.audio.grouping import ChannelGroup
from cue_pipeline.audio.lags import coarse_signal, exact_start, likely_lags, start_seconds
from cue_pipeline.audio.mix_names import Cast

_CODED = frozenset({"MP3", "M4A", "OGG"})
_SAME = 0.8
"""Of the power below 3 kHz that one explains of the other, at one gain."""
_HIGHEST_HZ = 3_000
_EXCERPTS = 16
_PLACES_TRIED = 2


def cast_coded(folder: Path, groups: Sequence[ChannelGroup], cast: Sequence[Cast]) -> list[Cast]:
    """Return what groups are, where stems that were coded with loss may be the mix again.

    Parameters
    ----------
    folder : Path
        The cue's.
    groups : sequence of ChannelGroup
    cast : sequence of Cast
        What they are by their names and exact sums.
    """
    found = list(cast)
    coded = [i for i, g in enumerate(groups) if cast[i].role == "stem" and _is_coded(g)]
    plain = [i for i, g in enumerate(groups) if not _is_coded(g)]
    mix = next((i for i in plain if cast[i].role == "mix"), None)
    if mix is None or not coded:
        return found
    stems = [groups[i] for i in plain if cast[i].role == "stem"]
    for i in coded:
        start = _start_in(folder, groups[i], groups[mix])
        share = _explained(folder, groups[i], groups[mix], start)
        if share < _SAME or any(_explained(folder, groups[i], s, start) >= share for s in stems):
            continue
        kind = groups[i].channels[0].header.container
        note = (
            f"'{groups[i].canonical_name}' is the same mix as '{groups[mix].canonical_name}', "
            f"coded with loss ({kind}): it is no stem."
        )
        found[i] = Cast("mix", "sound", (note,))
    return found


def _is_coded(group: ChannelGroup) -> bool:
    return all(c.header.container in _CODED for c in group.channels)


def _start_in(folder: Path, coded: ChannelGroup, mix: ChannelGroup) -> float:
    """Return where a coded mix begins on the clock of the mix, seconds."""
    signals = (coarse_signal(folder, g, mix.sample_rate) for g in (mix, coded))
    if mix.sample_rate != coded.sample_rate:
        return 0.0
    places = start_seconds(likely_lags(*signals), mix.sample_rate)[:_PLACES_TRIED] or [0.0]
    exact = [exact_start(folder, mix, 0.0, coded, place) for place in places]
    return max(exact, key=lambda start: _explained(folder, coded, mix, start))


def _explained(folder: Path, coded: ChannelGroup, other: ChannelGroup, start: float) -> float:
    """Return the share of a group's power that another explains, below 3 kHz."""
    begin = max(0.0, start)
    end = min(other.duration_seconds, start + coded.duration_seconds)
    seconds = min(EXCERPT_SECONDS, end - begin)
    if seconds <= 0.01 or end - begin < coded.duration_seconds / 2:
        return 0.0
    # One after the other: what is decoded is not gone back in.
    times = np.linspace(begin, end - seconds, min(_EXCERPTS, max(1, int((end - begin) / seconds))))
    highest = int(_HIGHEST_HZ * seconds)
    a, b = (
        composite_spectra(folder, group, (times - at).tolist(), seconds)[:, :highest]
        for group, at in ((coded, start), (other, 0.0))
    )
    power = float((np.abs(a) ** 2).sum()) * float((np.abs(b) ** 2).sum())
    return float((a * b.conj()).sum().real) ** 2 / power if power > 0.0 else 0.0
