"""What a library holds for training, counted: sound, notes, clocks, doubt, repetitions.

Cues are read one by one, so memory does not grow with their number.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cue_pipeline.errors import CuePipelineError, WarehouseAwayError
from cue_pipeline.training.exports.cue_content import CueContent

if TYPE_CHECKING:
    from cue_pipeline.reading import Cue, Library

NO_SPLIT: Final = "no split"
UNDECIDED: Final = "undecided"
MOST_VOICES: Final = 16
"""Notes at once that are told apart: more count as so many."""

STATES: Final = ("confirmed", "auto", "review", "unmatched")

Array = np.ndarray[Any, Any]


@dataclass
class Notes:
    """The labels of one category.

    Attributes
    ----------
    pitches, velocities : np.ndarray, shape=(128,)
        How many notes have each.
    """

    pitches: Array = field(default_factory=lambda: np.zeros(128, np.int64))
    velocities: Array = field(default_factory=lambda: np.zeros(128, np.int64))

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.pitches.sum())


@dataclass(frozen=True)
class Repetition:
    """A cue that repeats another one."""

    cue_key: str
    split: str
    of: str
    of_split: str
    share: float
    why: str


@dataclass
class Census:
    """What is counted, by split.

    Attributes
    ----------
    cues : Counter
        Split → cues that could be counted.
    seconds : dict of (str, str) to float
        Category and split → sound of stems.
    complete_seconds : dict of str to float
        Split → sound of stems whose labels are all known.
    notes : dict of str to Notes
        Category → labels.
    voices : dict of str to np.ndarray, shape=(MOST_VOICES + 1,)
        Category → seconds in which so many notes are down at once, in stems with labels.
    states : dict of str to Counter
        Split → states of tracks with notes.
    confidences : dict of str to np.ndarray, shape=(10,)
        Split → stems by the confidence of their clock, in tenths.
    methods : Counter
        What tells the clocks of stems.
    repetitions : list of Repetition
    left_out : dict of str to str
        Cues that could not be counted, and why.
    """

    cues: Counter[str] = field(default_factory=Counter)
    seconds: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    stems: Counter[str] = field(default_factory=Counter)
    complete_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    notes: dict[str, Notes] = field(default_factory=lambda: defaultdict(Notes))
    voices: dict[str, Array] = field(
        default_factory=lambda: defaultdict(lambda: np.zeros(MOST_VOICES + 1))
    )
    states: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    confidences: dict[str, Array] = field(
        default_factory=lambda: defaultdict(lambda: np.zeros(10, np.int64))
    )
    methods: Counter[str] = field(default_factory=Counter)
    repetitions: list[Repetition] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def splits(self) -> list[str]:
        """Splits that have cues, in order."""
        order = ("train", "validation", "test", NO_SPLIT)
        return [split for split in order if self.cues[split]]


def take_census(library: Library, say: Callable[[str], None] = lambda _: None) -> Census:
    """Count what a library holds.

    Parameters
    ----------
    library : Library
    say : callable
        Takes the key of each cue before it is read.
    """
    census = Census()
    splits = library.splits()
    ready = {cue.key for cue in library.cues(state="ready")}
    for cue in library.cues(state="present"):
        if cue.key not in ready:
            census.left_out[cue.key] = "not all of its assets are ready"
            continue
        say(cue.key)
        try:
            _count(census, cue, splits)
        except WarehouseAwayError:
            raise
        except CuePipelineError as e:
            census.left_out[cue.key] = str(e)
    for cue in library.cues(state="missing"):
        census.left_out[cue.key] = "its folder is gone"
    return census


def _count(census: Census, cue: Cue, splits: dict[str, str]) -> None:
    content = CueContent(cue)
    split = splits.get(cue.key, NO_SPLIT)
    notes, tracks = content.notes, content.tracks
    by_stem = dict(iter(notes.groupby("stem")))
    for name, stem in cue.stems.items():
        category = stem.category or UNDECIDED
        census.stems[split] += 1
        census.seconds[category, split] += stem.duration_seconds
        if name not in content.incomplete:
            census.complete_seconds[split] += stem.duration_seconds
        mine = by_stem.get(name)
        if mine is not None:
            told = census.notes[category]
            told.pitches += np.bincount(mine["note"], minlength=128)[:128]
            told.velocities += np.bincount(mine["velocity"], minlength=128)[:128]
            begin = content.starts[name].seconds
            census.voices[category] += voices(
                mine["start"].to_numpy(np.float64) - begin,
                mine["end"].to_numpy(np.float64) - begin,
                stem.duration_seconds,
            )
    census.states[split].update(tracks[tracks["n_notes"] > 0]["state"].dropna())
    clocks = cue.table("stem_alignments")
    census.methods.update(clocks["method"])
    tenths = np.clip((clocks["confidence"].to_numpy(np.float64) * 10).astype(np.int64), 0, 9)
    census.confidences[split] += np.bincount(tenths, minlength=10)
    _repetition(census, cue, split, splits)
    census.cues[split] += 1


def _repetition(census: Census, cue: Cue, split: str, splits: dict[str, str]) -> None:
    (row,) = cue.table("cues").astype(object).to_dict("records")
    of = row["duplicate_of"]
    if isinstance(of, str):
        census.repetitions.append(
            Repetition(
                cue.key, split, of, splits.get(of, NO_SPLIT), float(row["duplicate_share"]),
                str(row["duplicate_why"]),
            )
        )  # fmt: skip


def voices(start: Array, end: Array, seconds: float) -> Array:
    """Return for how long so many notes are down at once.

    Parameters
    ----------
    start, end : np.ndarray, shape=(n_notes,)
        Seconds.
    seconds : float
        Length of the whole.

    Returns
    -------
    np.ndarray, shape=(MOST_VOICES + 1,)
        Seconds of 0, 1, … notes; the last is of so many and more. Their sum is ``seconds``.
    """
    moments = np.clip(np.concatenate([start, end]), 0.0, seconds)
    steps = np.concatenate([np.ones(len(start)), -np.ones(len(end))])
    order = np.argsort(moments, kind="stable")
    edges = np.concatenate([[0.0], moments[order], [seconds]])
    down = np.concatenate([[0.0], np.cumsum(steps[order])]).astype(np.int64)
    counts = np.clip(down, 0, MOST_VOICES)
    return np.bincount(counts, weights=np.diff(edges), minlength=MOST_VOICES + 1)
