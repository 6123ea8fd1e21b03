"""Channels of one source whose names differ in a hash too: ``HRN.L-5F3A``, ``HRN.R-5F3B``.

Asset stores, sharing services and some exports put a hash or UUID into every file's name, before
the channel or behind it. Without it the names are one name's: where they then make a whole layout,
are of equal length and every channel is there once, they are one source, and it is said. A hash
that is the same in all of them is a part of the name. Behind a sure channel (``VC.L-BEEF``,
``VC.R-CAFE``) it may be letters or digits alone; elsewhere that is a word or a year.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from cue_pipeline.audio.channel_claims import Claim, believed, told_apart
from cue_pipeline.audio.channel_names import parse_channel_name, stem_of
from cue_pipeline.audio.gathered import folder_of
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.layouts import layout_of
from cue_pipeline.audio.spellings import LETTERS, PARTNERS

_HASH = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|"  # a UUID
    r"[0-9a-f]{4,64}|[0-9a-z]{16,64}"  # hexadecimal digits, or base 32 and 64 without signs
)
_HASHED = re.compile(
    rf"(?P<before>[._\- ]*[(\[{{]?)(?<![^\W_])(?P<hash>{_HASH})(?![^\W_])(?P<behind>[)\]}}]?)",
    re.IGNORECASE,
)
_COUNT = re.compile(r"\d+(?P<unit>[a-z]+)|(?P<letters>[a-z]+)\d+")
_SEPARATORS = "._- "


class _Hashed(NamedTuple):
    claim: Claim
    hash: str
    is_last: bool


def hashed_sources(headers: Sequence[AudioHeader]) -> tuple[list[list[Claim]], dict[str, str]]:
    """Return the channels of each source whose files differ in a hash, and doubts of others.

    Parameters
    ----------
    headers : sequence of AudioHeader
        Of all audio of the cue.

    Returns
    -------
    sources : list of list of Claim
        Their bases are without the hash.
    doubts : dict of str to str
        File → sentence: files of which several may be the other channel.
    """
    clusters = _clusters(headers)
    sources: list[list[Claim]] = []
    taken: set[str] = set()
    for cluster in clusters:
        files = {one.claim.header.file for one in cluster}
        held = _one_source([one.claim for one in cluster]) if _are_hashes(cluster) else []
        if held and not taken & files:
            sources.append(held)
            taken |= files
    left = (one for cluster in clusters for one in cluster if one.claim.header.file not in taken)
    return sources, {one.claim.header.file: _doubt(one.claim) for one in left if _hides(one)}


def _clusters(headers: Sequence[AudioHeader]) -> list[list[_Hashed]]:
    """Return files that are one name's and of equal length, but for a hash of equal length."""
    clusters: dict[Hashable, list[_Hashed]] = defaultdict(list)
    for header in headers:
        if header.channels != 1 or header.fault:
            continue
        for without, found, is_last in _without_hash(stem_of(header.file)):
            said = parse_channel_name(without)
            if said is not None and said.token not in LETTERS:
                long = len(found), Fraction(header.frames, header.sample_rate)
                key = folder_of(header).casefold(), said.base.casefold(), said.form, long
                clusters[key].append(_Hashed(Claim(header, said, "channel token"), found, is_last))
    return list(clusters.values())


def _without_hash(stem: str) -> Iterator[tuple[str, str, bool]]:
    """Yield a name without each word that may be a hash, that word, and whether nothing follows."""
    for match in _HASHED.finditer(stem):
        before, behind = stem[: match.start()], stem[match.end() :]
        between = match["before"][:1] if match["before"][:1] in _SEPARATORS else ""
        if not behind or not before or behind[0] in _SEPARATORS:
            between = ""
        without = f"{before}{between}{behind}".strip(_SEPARATORS)
        if without:
            yield without, match["hash"].lower(), not behind


def _are_hashes(cluster: Sequence[_Hashed]) -> bool:
    """Return whether words of one length are hashes: all differ, and one at least looks like one.

    Years, dates and take numbers are digits only; 'face' and 'added' are words. Behind a sure
    channel any are, where the channels make one source.
    """
    words = [one.hash for one in cluster]
    counts = [_COUNT.fullmatch(word) for word in words]
    counted = all(counts) and len({count.groups() for count in counts if count}) == 1
    behind = all(one.is_last and one.claim.said.certain for one in cluster)
    look_so = behind or any(map(_is_mixed, words))
    return len(set(words)) == len(words) > 1 and look_so and not counted


def _is_mixed(word: str) -> bool:
    return any(c.isdigit() for c in word) and any(c.isalpha() for c in word)


def _one_source(claims: Sequence[Claim]) -> list[Claim]:
    """Return claims that are every channel of a layout or a pair of it, each once; else none."""
    parts = told_apart(claims)
    if len(parts) != 1:
        return []
    held, doubted = believed(parts[0])
    labels = [claim.said.label for claim in held]
    name, missing = layout_of(labels)
    is_pair = len(held) == 2 and PARTNERS.get(labels[0]) == (labels[1],)
    whole = len(held) > 1 and not missing and not name.endswith("discrete")
    return held if (whole or is_pair) and not doubted else []


def _hides(one: _Hashed) -> bool:
    """Return whether a hash stands behind a sure channel, so that the name itself says none."""
    hashed = _is_mixed(one.hash) and not _COUNT.fullmatch(one.hash)
    return (
        hashed
        and one.claim.said.certain
        and parse_channel_name(stem_of(one.claim.header.file)) is None
    )


def _doubt(claim: Claim) -> str:
    file, label = claim.header.file, claim.said.label
    return (
        f"'{file}' is named as channel {label} and by a hash, and no file, or more than one, of "
        "its name and length may be its other channel: kept as a stem of its own, mono. Name the "
        "files of one stem alike but for the channel."
    )
