"""Files that may be the two sides of one source, and are named apart by what stands behind.

``VLN.L_01`` and ``VLN.R_02`` of equal length may be a left and a right that were numbered, or two
takes that each lost a side; nothing in the names says which. They stay apart, and it is said. After
an underscore, a dash or a space the L may be a word's, and only what looks like a hash is told.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from fractions import Fraction

from cue_pipeline.audio.channel_names import stem_of
from cue_pipeline.audio.gathered import Gathered, folder_of
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.spellings import LABELS, SURE

_SIDE = re.compile(r"(?<=.)(?P<before>[._\-# (\[{])(?P<side>[^\W\d_]{1,5})(?![^\W_])")
_SET_OFF = frozenset(".([{")
_HASH = re.compile(r"[\W_]*[0-9a-f]{4,64}[\W_]*", re.IGNORECASE)
_OPPOSITE = {"L": "R", "Ls": "Rs", "Lss": "Rss", "Lsr": "Rsr"}
_Side = tuple[AudioHeader, str]


def doubts_of_sides(lone: Sequence[AudioHeader], groups: Sequence[Gathered]) -> dict[str, str]:
    """Return what is doubtful of single files that may be the sides of one source, by file.

    Parameters
    ----------
    lone : sequence of AudioHeader
        Files that nothing brought together.
    groups : sequence of Gathered
        Those of one file count too: a left without its right.
    """
    single = [g.members[0].header for g in groups if len(g.members) == 1 and g.shape == "split"]
    clusters: dict[Hashable, dict[str, list[_Side]]] = defaultdict(lambda: defaultdict(list))
    for header in (*lone, *single):
        if header.channels != 1 or header.fault:
            continue
        for base, label, tail in _sides(stem_of(header.file)):
            long = Fraction(header.frames, header.sample_rate)
            clusters[folder_of(header), base, long][label].append((header, tail))
    doubts: dict[str, str] = {}
    for cluster in clusters.values():
        for left, right in _OPPOSITE.items():
            doubts |= _doubts(cluster.get(left, []), cluster.get(right, []))
    return doubts


def _sides(stem: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, label and tail of a name that says a side; anything behind a dot or a bracket."""
    for match in _SIDE.finditer(stem):
        side, tail = match["side"].lower(), stem[match.end() :]
        label = LABELS.get(side) if side in SURE else None
        if label and (match["before"] in _SET_OFF or _HASH.fullmatch(tail)):
            yield stem[: match.start()].rstrip("._-# ([{").casefold(), label, tail.casefold()


def _doubts(lefts: Sequence[_Side], rights: Sequence[_Side]) -> dict[str, str]:
    if len(lefts) != 1 or len(rights) != 1:
        return {}
    (left, behind_left), (right, behind_right) = lefts[0], rights[0]
    if behind_left == behind_right:
        return {}
    told = (
        f"'{left.file}' and '{right.file}' may be the sides of one stem: they are named as its "
        "left and right, are of equal length, and differ in what stands behind. Kept as two "
        "stems; name them alike but for the channel if they are one."
    )
    return {left.file: told, right.file: told}
