"""Which role each channel of an interleaved file has, by the best word there is.

The words, the strongest first: iXML's own names and functions, the Audio Definition Model, Apple's
channel layout chunk, the channel mask, the order that a format prescribes. Two that contradict
each other are told. Where there is none, the count says how many channels there are and nothing
says which: an order is taken later, by the setting or by custom, and that is told too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cue_pipeline.audio.adm import labels_of_adm
from cue_pipeline.audio.containers.contents import Contents
from cue_pipeline.audio.core_audio import labels_of_b_format, labels_of_chan, says_nothing
from cue_pipeline.audio.layouts import (
    FILM_ORDER_BY_COUNT,
    FLAC_ORDER,
    VORBIS_ORDER,
    labels_of_mask,
    with_sides,
)
from cue_pipeline.audio.spellings import LABELS, SURE, company_needed

_GENERIC_NAME = re.compile(
    r"(?:(?:audio|track|trk|tr|channel|chan|ch|chn|input|in|out|output|mono|a|stereo)?[ ._#-]*\d*)"
    r"(?:\s*\(?\d+\)?)?",
    re.IGNORECASE,
)
_MOST_NAMED = 8
_PAIR = 2
_ORDER_OF_FORMAT = {"FLAC": FLAC_ORDER, "OGG": VORBIS_ORDER}
# SUBTYPE_AMBISONIC_B_FORMAT_PCM and …_IEEE_FLOAT, behind their first number.
_B_FORMAT = bytes.fromhex("2107d3118644c8c1ca000000")


@dataclass(frozen=True, slots=True)
class Words:
    """What a file says of its channels.

    Attributes
    ----------
    labels : tuple of (str, tuple of str)
        Where a word is from, and the labels that it gives; the strongest first.
    unread : tuple of str
        What speaks of roles and does not fit the file.
    names : tuple of str
        What iXML calls the channels.
    """

    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unread: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Roles:
    """What is known of a file's channels.

    Attributes
    ----------
    labels : tuple of str
        One of each channel: a role, or its number where it has none.
    known_from : str
        ``ixml``, ``chna``, ``chan``, ``mask``, ``format``, or ``count`` where nothing says it.
    doubts : tuple of str
        What contradicts it, without the file's name.
    """

    labels: tuple[str, ...]
    known_from: str
    doubts: tuple[str, ...] = field(default=())


def words_of(container: str, contents: Contents | None, channels: int) -> Words:
    """Return what a file says of its channels.

    Parameters
    ----------
    container : str
        ``WAV``, ``FLAC``, ``OGG`` ….
    contents : Contents or None
        What its chunks say, where its container is read chunk by chunk.
    channels : int
        As many as it really holds.
    """
    by_format = _ORDER_OF_FORMAT.get(container, {}).get(channels)
    if contents is None:
        return Words((("format", by_format),) if by_format else ())
    tracks = contents.ixml.tracks if contents.ixml else ()
    names = tuple(track.name or track.function for track in tracks)
    functions = labels_of_names([track.function for track in tracks])
    by_ixml = functions or labels_of_names(names)
    chan, mask = contents.channel_layout, contents.channel_mask
    if (contents.subformat or b"")[4:] == _B_FORMAT:
        by_format = labels_of_b_format(channels)
    said: list[tuple[str, tuple[str, ...] | None, str]] = [
        ("ixml", by_ixml if len(names) == channels > 1 else None,
         f"its iXML lists {len(names)} tracks for {channels} channels"
         if len(names) not in {0, 1, channels} else ""),
        ("chna", labels_of_adm(contents.adm_tracks, contents.axml or b"", channels),
         f"its ADM chunk (chna) does not speak of each of its {channels} channels"
         if contents.chunk(b"chna") else ""),
        ("chan", labels_of_chan(chan or b"", channels),
         f"its channel layout chunk ({chan[:4].hex()}) fits no {channels} channels"
         if chan and not says_nothing(chan) else ""),
        ("mask", labels_of_mask(mask or 0, channels),
         f"its channel mask {mask:#x} names {mask.bit_count()} loudspeakers for {channels} channels"
         if mask else ""),
        ("format", None if container == "FLAC" and mask == 0 else by_format, ""),
    ]  # fmt: skip
    return Words(
        tuple((source, labels) for source, labels, _ in said if labels),
        tuple(unread for _, labels, unread in said if unread and not labels),
        names,
    )


def roles_of(channels: int, words: Words) -> Roles:
    """Return the roles of a file's channels.

    Examples
    --------
    >>> roles_of(2, Words((("mask", ("L", "R")),)))
    Roles(labels=('L', 'R'), known_from='mask', doubts=())
    """
    said = words.labels
    if channels == 1:
        return Roles(("M",), said[0][0] if said else "count")
    if said:
        return _said(said)
    numbers = tuple(str(i + 1) for i in range(channels))
    if _are_sources(words.names, channels):
        if channels == _PAIR:
            first, second = words.names
            doubt = (
                f"its channels are called '{first}' and '{second}', and are taken as left and "
                "right; if they are stems of their own, export each as a file"
            )
            return Roles(FILM_ORDER_BY_COUNT[_PAIR], "count", (doubt,))
        shown = ", ".join(f"'{name}'" for name in words.names[:_MOST_NAMED])
        doubt = (
            f"its channels are called {shown}{' …' if channels > _MOST_NAMED else ''}: these are "
            "not the channels of a layout, so they have numbers; if they are stems of their own, "
            "export each as a file"
        )
        return Roles(numbers, "ixml", (doubt,))
    unread = words.unread if channels > 2 else ()
    return Roles(FILM_ORDER_BY_COUNT.get(channels, numbers), "count", unread)


def _said(said: Sequence[tuple[str, tuple[str, ...]]]) -> Roles:
    """Return the strongest word, and what contradicts it."""
    source, labels = said[0]
    against = next((other for other in said[1:] if _plain(other[1]) != _plain(labels)), None)
    if against is None or labels == ("Mid", "Side"):  # programs mark those as left and right
        return Roles(labels, source)
    doubt = (
        f"its channels are {' '.join(labels)} by its {TOLD[source]}, and "
        f"{' '.join(against[1])} by its {TOLD[against[0]]}: the first is taken"
    )
    return Roles(labels, source, (doubt,))


def _plain(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return labels as they compare: one name for the one surround behind, 7.1's sides as such."""
    return with_sides("S" if label == "Cs" else label for label in labels)


TOLD = {
    "ixml": "iXML",
    "chna": "ADM (chna)",
    "chan": "channel layout chunk",
    "mask": "channel mask",
    "format": "format's own order",
}
"""What a source of roles is called in a sentence."""


def labels_of_names(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the labels that a file's own track names end in, or None unless all differ.

    Examples
    --------
    >>> labels_of_names(["STR.L", "STR.R"]), labels_of_names(["L-5.1", "C-5.1", "R-5.1"])
    (('L', 'R'), ('L', 'C', 'R'))
    """
    if not names:
        return None
    if len(names) == 2 and [n.strip().upper() for n in names] == ["M-MID_SIDE", "S-MID_SIDE"]:
        return ("Mid", "Side")
    for end in (-1, 0):
        found = [LABELS.get(_word(name, end)) for name in names]
        labels = tuple(label for label in found if label)
        if len(set(labels)) == len(names) and _in_company(names, labels, end):
            return labels
    return None


def _in_company(names: Sequence[str], labels: Sequence[str], end: int) -> bool:
    """Return whether every spelling that may be a word has the labels beside it that it needs."""
    return all(
        _word(name, end) in SURE or set(company_needed(label)) <= set(labels)
        for name, label in zip(names, labels, strict=True)
    )


def _word(name: str, end: int) -> str:
    """Return the last or the first word of a name, in lower case."""
    words = [w for w in re.split(r"[\s._\-()\[\]]+", name.lower()) if w]
    return words[end] if words else ""


def _are_sources(names: Sequence[str], channels: int) -> bool:
    """Return whether names tell the channels of a file apart as sources: 'Vln', 'Vla', 'Room'."""
    if channels < _PAIR or len(names) != channels or not all(names):
        return False
    plain = [name.strip().casefold() for name in names]
    numberless = {re.sub(r"[\s._-]*a?\d+$", "", name) for name in plain}
    return len(numberless) > 1 and not any(_GENERIC_NAME.fullmatch(name) for name in plain)
