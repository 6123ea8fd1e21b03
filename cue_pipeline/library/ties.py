"""Which cues may not be parted: what two of them have in common that a model could learn by heart.

Conventions
-----------
A *tie* joins two cues. There is one where they are

- of one project (unless projects may be parted), or versions of one work;
- given the same MIDI file that has notes, byte by byte, or the same sounding stem or mix, sample
  by sample: one is enough;
- of music that shares at least 0.15 of the shingles of the smaller piece: eight notes in a row
  of one part as their seven intervals, without rhythm, so in any key and at any tempo
  (:mod:`cue_pipeline.midi.shingles`);
- pieces of so few shingles that this says nothing, and share half of them, three at least;
- pieces of so few shingles, drum kits above all, of which a whole part is the same stroke by
  stroke: here with its rhythm, as ratios of the times between strokes, at any tempo.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cue_pipeline.library.works import Likeness, Pair
from cue_pipeline.midi.shingles import FEWEST_COMPARED, Sketch
from cue_pipeline.warehouse.split_rows import Held

if TYPE_CHECKING:
    import pandas as pd

    from cue_pipeline.warehouse.cue_facts import CueFacts, Kinship
    from cue_pipeline.warehouse.store import CueRow, Store

_FEW_IN_COMMON: Final = 3
_FEW_SHARE: Final = 0.5
_FEWEST_STROKES: Final = 16
_SAME_MOMENT: Final = 0.02  # of the mean time between strokes
_RATIO_STEP: Final = 0.5  # octaves: 1, 1.4, 2, 2.8 …, so that played strokes fall on one step


@dataclass(frozen=True, slots=True)
class Tie:
    """What joins two cues.

    Attributes
    ----------
    a, b : str
        Their keys.
    why : str
        In words.
    """

    a: str
    b: str
    why: str


def ties(
    cues: Sequence[CueRow],
    facts: Sequence[CueFacts],
    kin: Mapping[str, Kinship],
    likeness: Mapping[Pair, Likeness],
    held: Iterable[Held],
    *,
    projects: bool = True,
) -> list[Tie]:
    """Return what joins cues, by what the tables hold; parts without shingles excepted.

    Parameters
    ----------
    cues : sequence of CueRow
    facts : sequence of CueFacts
    kin : mapping of str to Kinship
        By key, as :func:`cue_pipeline.library.works.kinship` finds it.
    likeness : mapping of (str, str) to Likeness
        As :func:`cue_pipeline.library.works.alike` finds it.
    held : iterable of Held
    projects : bool
        Whether cues of one project are tied.
    """
    found = [Tie(a, b, _said_of(how)) for (a, b), how in sorted(likeness.items())]
    found += _by_hash(held)
    works: dict[Any, list[str]] = defaultdict(list)
    for key in sorted(kin):
        works[kin[key].work_id].append(key)
    for keys in works.values():
        found += _star(keys, "versions of one work")
    if projects:
        named: dict[str, list[str]] = defaultdict(list)
        for cue in cues:
            if cue.project is not None:
                named[cue.project.casefold()].append(cue.cue_key)
        for keys in named.values():
            found += _star(sorted(keys), "of one project")
    sketched = [(f.cue_key, f.sketch) for f in facts if f.sketch is not None]
    return found + _few_alike(sketched)


def _said_of(how: Likeness) -> str:
    return f"{how.share:.0%} of the smaller one's {how.why}"


def _star(keys: Sequence[str], why: str) -> list[Tie]:
    return [Tie(keys[0], other, why) for other in keys[1:]]


def _by_hash(held: Iterable[Held]) -> list[Tie]:
    first: dict[tuple[str, str], Held] = {}
    found = []
    for one in held:
        other = first.setdefault((one.what, one.digest), one)
        if other.cue_key != one.cue_key:
            why = f"the same {one.what}: '{other.name}', '{one.name}'"
            found.append(Tie(other.cue_key, one.cue_key, why))
    return found


def _few_alike(sketched: Sequence[tuple[str, Sketch]]) -> list[Tie]:
    """Return ties of pieces of too few shingles to estimate what they share."""
    few = [i for i, (_, sketch) in enumerate(sketched) if sketch.n_shingles < FEWEST_COMPARED]
    holders: dict[int, list[int]] = defaultdict(list)
    wanted = {int(h) for i in few for h in sketched[i][1].hashes}
    every = np.fromiter(wanted, np.uint64, len(wanted))
    for i, (_, sketch) in enumerate(sketched):
        for value in sketch.hashes[np.isin(sketch.hashes, every)].tolist():
            holders[value].append(i)
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for i in few:
        for value in sketched[i][1].hashes.tolist():
            for j in holders[value]:
                if i != j:
                    counts[i, j] += 1
    return [
        Tie(sketched[i][0], sketched[j][0], f"{n} of {of} runs of eight notes, by intervals")
        for (i, j), n in sorted(counts.items())
        if n >= _FEW_IN_COMMON
        and n >= _FEW_SHARE * (of := _comparable(sketched[i][1], sketched[j][1]))
    ]


def _comparable(few: Sketch, other: Sketch) -> int:
    """Return how many hashes of a whole sketch another one would have, if its piece had them."""
    return len(few.hashes) if other.is_whole else int((few.hashes <= other.hashes[-1]).sum())


def by_whole_parts(store: Store, keys: Iterable[str]) -> list[Tie]:
    """Return ties of cues that have a whole part in common, with its rhythm.

    Parameters
    ----------
    store : Store
    keys : iterable of str
        Cues of so few shingles that these say nothing; their notes are read.
    """
    from cue_pipeline.warehouse.vouched import read_vouched

    held = []
    for key in keys:
        found = read_vouched(
            store,
            key,
            {
                "midi_files": ["id", "same_as"],
                "midi_tracks": ["id", "midi_file_id", "track_name", "drum_kit"],
                "midi_notes": ["midi_track_id", "start_tick", "note"],
            },
        )
        files = found["midi_files"]
        tracks = found["midi_tracks"]
        counted = tracks[tracks["midi_file_id"].isin(files["id"][files["same_as"].isna()])]
        of_tracks: dict[Any, pd.DataFrame] = dict(
            iter(found["midi_notes"].groupby("midi_track_id"))
        )
        for track in counted.itertuples():
            digest = _digest(of_tracks.get(track.id), bool(track.drum_kit))
            if digest is not None:
                held.append(Held(key, "part, stroke by stroke", digest, str(track.track_name)))
    return _by_hash(held)


def _digest(notes: pd.DataFrame | None, drums: bool) -> str | None:
    if notes is None:
        return None
    return part_digest(
        notes["start_tick"].to_numpy(np.float64), notes["note"].to_numpy(np.int64), drums=drums
    )


def part_digest(
    start: np.typing.NDArray[np.float64], pitch: np.typing.NDArray[np.int64], *, drums: bool
) -> str | None:
    """Return a digest of a part: the same at every tempo and, of what is no kit, in every key.

    Parameters
    ----------
    start : np.ndarray, shape=(n_notes,)
        Ticks, or any other unit.
    pitch : np.ndarray, shape=(n_notes,)
    drums : bool
        Whether pitches are instruments of a kit, which no transposition changes.

    Returns
    -------
    str or None
        None where it is too short or too plain to be anybody's: fewer than sixteen strokes, or one
        pitch, or two of them, in even time.
    """
    if len(start) < _FEWEST_STROKES:
        return None
    order = np.lexsort((pitch, start))
    start, pitch = start[order], pitch[order]
    apart = np.diff(start)
    mean = (start[-1] - start[0]) / len(apart)
    struck = apart[apart > _SAME_MOMENT * mean]
    if len(struck) < _FEWEST_STROKES - 1:
        return None
    steps = np.rint(np.log2(struck[1:] / struck[:-1]) / _RATIO_STEP).astype(np.int64)
    if len(np.unique(pitch)) < 3 and len(np.unique(steps)) < 3:
        return None
    told = pitch if drums else pitch - pitch[0]
    together = (apart <= _SAME_MOMENT * mean).astype(np.int64)
    digest = hashlib.sha256(b"kit" if drums else b"pitched")
    for values in (told, together, steps):
        digest.update(np.ascontiguousarray(values, "<i8").tobytes())
    return digest.hexdigest()
