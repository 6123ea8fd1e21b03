"""Layouts: what the channels L C R Ls Rs LFE make together, and in which orders they come.

Conventions
-----------
Labels are spelt as Pro Tools spells them (``L``, ``Ls``, ``Lss``, ``LFE``, ``Ltf``); ``spellings``
has all other spellings. Layouts list their labels in *film order* (L C R Ls Rs LFE), the order of
every Pro Tools track. SMPTE/ITU order (L R C LFE Ls Rs) is what WAVE's channel mask, FLAC and
most deliverables use, so that a role is never read off an index without evidence.

References
----------
Avid, *Pro Tools Reference Guide*, surround track formats. SMPTE ST 2098-5 (heights).
SMPTE ST 2067-8 and EBU R 123 (L R C LFE Ls Rs, then sides, rears, heights).
Microsoft, *Multiple channel audio data and WAVE files* (``dwChannelMask``).
RFC 9639 section 9.1.3 (FLAC channel order); Vorbis I specification section 4.3.9.
FFmpeg, ``channel_layout.c`` (the masks of its layouts' names).
ISO/IEC 14496-3, table 1.19 (AAC's channel configurations).
"""

from collections.abc import Collection, Iterable, Mapping

LAYOUTS: dict[str, tuple[str, ...]] = {
    "mono": ("M",),
    "stereo": ("L", "R"),
    "2.1": ("L", "R", "LFE"),
    "lcr": ("L", "C", "R"),
    "3.1": ("L", "C", "R", "LFE"),
    "lcrs": ("L", "C", "R", "S"),
    "quad": ("L", "R", "Ls", "Rs"),
    "4.1": ("L", "R", "Ls", "Rs", "LFE"),
    "5.0": ("L", "C", "R", "Ls", "Rs"),
    "5.1": ("L", "C", "R", "Ls", "Rs", "LFE"),
    "6.0": ("L", "C", "R", "Ls", "Cs", "Rs"),
    "6.1": ("L", "C", "R", "Ls", "Cs", "Rs", "LFE"),
    "7.0": ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr"),
    "7.1": ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr", "LFE"),
    "7.0 sdds": ("L", "Lc", "C", "Rc", "R", "Ls", "Rs"),
    "7.1 sdds": ("L", "Lc", "C", "Rc", "R", "Ls", "Rs", "LFE"),
    "5.0.2": ("L", "C", "R", "Ls", "Rs", "Ltm", "Rtm"),
    "5.1.2": ("L", "C", "R", "Ls", "Rs", "LFE", "Ltm", "Rtm"),
    "5.0.4": ("L", "C", "R", "Ls", "Rs", "Ltf", "Rtf", "Ltr", "Rtr"),
    "5.1.4": ("L", "C", "R", "Ls", "Rs", "LFE", "Ltf", "Rtf", "Ltr", "Rtr"),
    "7.0.2": ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr", "Ltm", "Rtm"),
    "7.1.2": ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr", "LFE", "Ltm", "Rtm"),
    "7.0.4": ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr", "Ltf", "Rtf", "Ltr", "Rtr"),
    "7.1.4": ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr", "LFE", "Ltf", "Rtf", "Ltr", "Rtr"),
    "7.1.6": ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr", "LFE", "Ltf", "Rtf", "Ltm", "Rtm",
              "Ltr", "Rtr"),
    "9.1.4": ("L", "C", "R", "Lw", "Rw", "Lss", "Rss", "Lsr", "Rsr", "LFE", "Ltf", "Rtf",
              "Ltr", "Rtr"),
    "9.1.6": ("L", "C", "R", "Lw", "Rw", "Lss", "Rss", "Lsr", "Rsr", "LFE", "Ltf", "Rtf",
              "Ltm", "Rtm", "Ltr", "Rtr"),
}  # fmt: skip

#: Layouts of other labels that go by the same name: heights in front instead of above.
_ALSO: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("lcrs", ("L", "C", "R", "Cs")),
    ("5.0.2", ("L", "C", "R", "Ls", "Rs", "Ltf", "Rtf")),
    ("5.1.2", ("L", "C", "R", "Ls", "Rs", "LFE", "Ltf", "Rtf")),
    ("7.0.2", ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr", "Ltf", "Rtf")),
    ("7.1.2", ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr", "LFE", "Ltf", "Rtf")),
)

#: What a number of interleaved channels stands for in film order, where nothing says it.
FILM_ORDER_BY_COUNT = {
    len(LAYOUTS[name]): LAYOUTS[name]
    for name in ("mono", "stereo", "lcr", "lcrs", "5.0", "5.1", "7.0", "7.1", "7.1.2", "7.1.4",
                 "9.1.6")
}  # fmt: skip

_SMPTE_FIRST = ("M", "L", "R", "C", "LFE", "Ls", "Rs", "S", "Lss", "Rss", "Lsr", "Rsr", "Lw", "Rw")


def _in_smpte_order(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels with those of the bed in SMPTE's order, heights behind as they are."""
    bed = sorted((lb for lb in labels if lb in _SMPTE_FIRST), key=_SMPTE_FIRST.index)
    return (*bed, *(lb for lb in labels if lb not in _SMPTE_FIRST))


ORDERS_BY_COUNT: Mapping[str, Mapping[int, tuple[str, ...]]] = {
    "film": FILM_ORDER_BY_COUNT,
    "smpte": {count: _in_smpte_order(row) for count, row in FILM_ORDER_BY_COUNT.items()},
}
"""The orders that ``CUE_INTERLEAVED_ORDER`` chooses from: number of channels → labels."""

KNOWN_ORDERS: Mapping[str, Mapping[int, tuple[str, ...]]] = {
    "smpte": ORDERS_BY_COUNT["smpte"],
    "film": ORDERS_BY_COUNT["film"],
    "wave": {8: ("L", "R", "C", "LFE", "Lsr", "Rsr", "Lss", "Rss")},
    "lfe last": {
        6: ("L", "R", "C", "Ls", "Rs", "LFE"),
        8: ("L", "R", "C", "Lss", "Rss", "Lsr", "Rsr", "LFE"),
    },
    "aac": {
        3: ("C", "L", "R"),
        4: ("C", "L", "R", "S"),
        5: ("C", "L", "R", "Ls", "Rs"),
        6: ("C", "L", "R", "Ls", "Rs", "LFE"),
        8: ("C", "L", "R", "Lss", "Rss", "Lsr", "Rsr", "LFE"),
    },
    "dts": {
        5: ("L", "R", "Ls", "Rs", "C"),
        6: ("L", "R", "Ls", "Rs", "C", "LFE"),
        8: ("L", "R", "Lss", "Rss", "Lsr", "Rsr", "C", "LFE"),
    },
    "quad": {4: LAYOUTS["quad"]},
}
"""All orders in which programs write channels: number of channels → labels; the likelier first."""

#: Bits of WAVE_FORMAT_EXTENSIBLE's dwChannelMask, from bit 0.
_MASK_BITS = (
    "L", "R", "C", "LFE", "Lsr", "Rsr", "Lc", "Rc", "Cs", "Lss", "Rss",
    "Tc", "Ltf", "Ctf", "Rtf", "Ltr", "Ctr", "Rtr",
)  # fmt: skip

MASKS_BY_NAME: Mapping[str, int] = {
    "mono": 0x4, "stereo": 0x3, "2.1": 0xB, "3.0": 0x7, "3.0(back)": 0x103, "4.0": 0x107,
    "quad": 0x33, "quad(side)": 0x603, "3.1": 0xF, "5.0": 0x37, "5.0(side)": 0x607,
    "4.1": 0x10F, "5.1": 0x3F, "5.1(side)": 0x60F, "6.0": 0x707, "6.0(front)": 0x6C3,
    "hexagonal": 0x137, "6.1": 0x70F, "6.1(back)": 0x13F, "6.1(front)": 0x6CB, "7.0": 0x637,
    "7.0(front)": 0x6C7, "7.1": 0x63F, "7.1(wide)": 0xFF, "7.1(wide-side)": 0x6CF,
    "octagonal": 0x737, "5.1.4": 0x2D03F, "7.1.4": 0x2D63F,
}  # fmt: skip
"""FFmpeg's names of layouts → ``dwChannelMask``: its decoders give channels in the mask's order."""

#: FLAC's and Vorbis' own channel orders, fixed by their specifications.
FLAC_ORDER: dict[int, tuple[str, ...]] = {
    1: ("M",),
    2: ("L", "R"),
    3: ("L", "R", "C"),
    4: ("L", "R", "Ls", "Rs"),
    5: ("L", "R", "C", "Ls", "Rs"),
    6: ("L", "R", "C", "LFE", "Ls", "Rs"),
    7: ("L", "R", "C", "LFE", "Cs", "Ls", "Rs"),
    8: ("L", "R", "C", "LFE", "Lsr", "Rsr", "Lss", "Rss"),
}
VORBIS_ORDER: dict[int, tuple[str, ...]] = {
    1: ("M",),
    2: ("L", "R"),
    3: ("L", "C", "R"),
    4: ("L", "R", "Ls", "Rs"),
    5: ("L", "C", "R", "Ls", "Rs"),
    6: ("L", "C", "R", "Ls", "Rs", "LFE"),
    7: ("L", "C", "R", "Ls", "Rs", "Cs", "LFE"),
    8: ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr", "LFE"),
}

AMBISONIC = ("W", "X", "Y", "Z")
"""First order, in the order of the B format; ambiX has W Y Z X."""

_FILM = (
    "M", "Mid", "Side", "L", "Lc", "C", "Rc", "R", "Lw", "Rw", "Ls", "Cs", "Rs", "S",
    "Lss", "Rss", "Lsr", "Rsr", "LFE", "LFE2", "Ltf", "Ctf", "Rtf", "Ltm", "Tc", "Rtm",
    "Ltr", "Ctr", "Rtr", "Lt", "Rt", *AMBISONIC,
)  # fmt: skip
_HEIGHTS = frozenset({"Ltf", "Ctf", "Rtf", "Ltm", "Tc", "Rtm", "Ltr", "Ctr", "Rtr"})
_LFES = frozenset({"LFE", "LFE2"})


def with_sides(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the labels with Ls and Rs read as what they are in 7.1, in the order given.

    Where rears stand beside them they are the sides; beside sides they are the rears.
    """
    have = tuple(labels)
    if {"Lsr", "Rsr"} & set(have):
        read = {"Ls": "Lss", "Rs": "Rss"}
    elif {"Lss", "Rss"} & set(have):
        read = {"Ls": "Lsr", "Rs": "Rsr"}
    else:
        return have
    changed = tuple(read.get(label, label) for label in have)
    return changed if len(set(changed)) == len(set(have)) else have


def layout_of(labels: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return the layout that labels make, and which of its channels are missing.

    Parameters
    ----------
    labels : collection of str
        Labels as in :data:`LAYOUTS`, in any order.

    Returns
    -------
    name : str
        A key of :data:`LAYOUTS`; a number such as ``"7.2"`` or ``"6.1.2"`` for a known layout
        and whole pairs more; ``"ambisonic"``, ``"mid-side"``; ``"N discrete"`` where no layout
        holds all of the labels, or where neither L nor R is among them.
    missing : tuple of str
        Labels that the layout has and ``labels`` lack, in film order.

    Examples
    --------
    >>> layout_of(["L", "R", "C", "LFE", "Ls"])
    ('5.1', ('Rs',))
    """
    have = frozenset(with_sides(labels))
    if len(have) == 1 and not have & {"L", "R"}:
        return "mono", ()
    if all(label in AMBISONIC or label.startswith("ACN") for label in have):
        return "ambisonic", ()
    if have == {"Mid", "Side"}:
        return "mid-side", ()
    rows = [*LAYOUTS.items(), *_ALSO]
    if have & {"L", "R"}:
        number = _counted(have)
        exact = next((name for name, row in rows if have == frozenset(row)), number)
        if exact:
            return exact, ()
        holding = [
            (len(row), index, name, row)
            for index, (name, row) in enumerate(rows)
            if have <= frozenset(row)
        ]
        if holding:
            _, _, name, row = min(holding)
            return name, tuple(label for label in row if label not in have)
    return f"{len(have)} discrete", ()


def _counted(have: frozenset[str]) -> str | None:
    """Return bed.LFE.heights of a known layout with whole pairs more, or None."""
    beds = [
        frozenset(row)
        for row in LAYOUTS.values()
        if len(row) >= 5 and "C" in row and frozenset(row) <= have
    ]
    if not beds or not have <= frozenset(_FILM) - {"M", "S", "Mid", "Side", "Lt", "Rt", *AMBISONIC}:
        return None
    more = have - max(beds, key=len)
    if any(_mirrored(label) not in have for label in more):
        return None
    heights, lfes = len(have & _HEIGHTS), len(have & _LFES)
    name = f"{len(have) - heights - lfes}.{lfes}"
    return f"{name}.{heights}" if heights else name


def _mirrored(label: str) -> str:
    """Return the label on the other side; a label of the middle is its own."""
    other = {"L": "R", "R": "L"}.get(label[0])
    return label if other is None or label in _LFES else other + label[1:]


def film_position(label: str) -> int:
    """Return where a label stands in film order, for sorting; unknown labels come last."""
    return _FILM.index(label) if label in _FILM else len(_FILM)


def labels_of_mask(mask: int, channels: int) -> tuple[str, ...] | None:
    """Return the labels of a ``dwChannelMask``, or None where it does not fit the count.

    One channel is mono whatever its bit, and two channels of any left and right pair are stereo:
    programs write the bit of the loudspeaker that a split file was made for. Side and back pairs
    are both called surrounds in 5.1: a lone pair of either becomes Ls, Rs.
    """
    labels = [name for bit, name in enumerate(_MASK_BITS) if mask >> bit & 1]
    if channels == 1 and labels:
        return ("M",)
    if len(labels) != channels:
        return None
    if channels == 2 and _mirrored(labels[0]) == labels[1]:
        return ("L", "R")
    if not ({"Lss", "Rss"} & set(labels) and {"Lsr", "Rsr"} & set(labels)):
        plain = {"Lss": "Ls", "Rss": "Rs", "Lsr": "Ls", "Rsr": "Rs"}
        labels = [plain.get(name, name) for name in labels]
    if labels == ["L", "R", "C", "Cs"]:
        labels[-1] = "S"
    return tuple(labels)
