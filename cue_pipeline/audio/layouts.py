"""Channel labels and layouts: what ``.Ls`` is, and what L C R Ls Rs LFE make together.

Conventions
-----------
Labels are spelt as Pro Tools spells them (``L``, ``Ls``, ``Lss``, ``LFE``, ``Ltf``); every other
spelling is an alias. Layouts list their labels in *film order* (L C R Ls Rs LFE), the order of
every Pro Tools track. SMPTE/ITU order (L R C LFE Ls Rs) is what WAVE's channel mask, FLAC and
most deliverables use, so that a role is never read off an index without evidence.

References
----------
Avid, *Pro Tools Reference Guide*, surround track formats. SMPTE ST 2098-5 (heights).
Microsoft, *Multiple channel audio data and WAVE files* (``dwChannelMask``).
RFC 9639 section 9.1.3 (FLAC channel order); Vorbis I specification section 4.3.9.
"""

from collections.abc import Collection, Iterable, Sequence

_ALIASES: dict[str, tuple[str, ...]] = {
    "L": ("l", "lt", "left", "lft"),
    "R": ("r", "rt", "right", "rgt", "rght"),
    "C": ("c", "ctr", "cen", "cnt", "center", "centre"),
    "LFE": ("lfe", "lf", "lfe1", "sub", "boom"),
    "Ls": ("ls", "lsur", "lsurr", "sl", "leftsurround"),
    "Rs": ("rs", "rsur", "rsurr", "sr", "rightsurround"),
    "Cs": ("cs", "bs", "rearcentre", "rearcenter"),
    "S": ("s", "sur", "surr", "surround"),
    "Lss": ("lss", "lsd"),
    "Rss": ("rss", "rsd"),
    "Lsr": ("lsr", "lrs", "lr", "lb", "lbs", "bl"),
    "Rsr": ("rsr", "rrs", "rr", "rb", "rbs", "br"),
    "Lc": ("lc", "lctr"),
    "Rc": ("rc", "rctr"),
    "Lw": ("lw",),
    "Rw": ("rw",),
    "Ltf": ("ltf", "tfl", "lfh", "lh"),
    "Rtf": ("rtf", "tfr", "rfh", "rh"),
    "Ltm": ("ltm", "lts", "tsl", "tml"),
    "Rtm": ("rtm", "rts", "tsr", "tmr"),
    "Ltr": ("ltr", "ltb", "trl", "tbl", "lrh"),
    "Rtr": ("rtr", "rtb", "trr", "tbr", "rrh"),
}
#: Spellings that are words or instruments of their own: believed only beside L and R.
WORDS = frozenset({
    "c", "s", "sub", "boom", "sl", "sr", "bl", "br", "bs", "cs", "lr", "rr", "lh", "rh", "lb", "rb",
    "lc", "rc", "lw", "rw", "lf", "sur", "surr", "surround", "center", "centre", "ctr", "cen",
    "cnt", "lft", "rgt", "lrh", "rrh",
})  # fmt: skip

LABELS: dict[str, str] = {alias: label for label, row in _ALIASES.items() for alias in row}
"""Every spelling, in lower case → the label."""

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

#: What a number of interleaved channels stands for where nothing says it: an assumption.
FILM_ORDER_BY_COUNT = {
    len(LAYOUTS[name]): LAYOUTS[name]
    for name in ("mono", "stereo", "lcr", "lcrs", "5.0", "5.1", "7.0", "7.1", "7.1.2", "7.1.4",
                 "9.1.6")
}  # fmt: skip

#: Bits of WAVE_FORMAT_EXTENSIBLE's dwChannelMask, from bit 0.
_MASK_BITS = (
    "L", "R", "C", "LFE", "Lsr", "Rsr", "Lc", "Rc", "Cs", "Lss", "Rss",
    "Tc", "Ltf", "Ctf", "Rtf", "Ltr", "Ctr", "Rtr",
)  # fmt: skip

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

#: Which labels a label needs beside it to be believed where its token is ambiguous.
PARTNERS: dict[str, tuple[str, ...]] = {
    "L": ("R",), "R": ("L",), "C": ("L", "R"), "S": ("L", "R"), "Cs": ("L", "R"),
    "LFE": ("L", "R"), "Ls": ("Rs",), "Rs": ("Ls",), "Lss": ("Rss",), "Rss": ("Lss",),
    "Lsr": ("Rsr",), "Rsr": ("Lsr",), "Lc": ("Rc",), "Rc": ("Lc",), "Lw": ("Rw",), "Rw": ("Lw",),
    "Ltf": ("Rtf",), "Rtf": ("Ltf",), "Ltm": ("Rtm",), "Rtm": ("Ltm",),
    "Ltr": ("Rtr",), "Rtr": ("Ltr",),
}  # fmt: skip


def _as_7x(labels: Iterable[str]) -> frozenset[str]:
    """Return the labels with Ls and Rs read as sides where rears stand beside them."""
    have = frozenset(labels)
    if not have & {"Lsr", "Rsr"}:
        return have
    sides = {"Ls": "Lss", "Rs": "Rss"}
    return frozenset(sides.get(label, label) for label in have)


def layout_of(labels: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return the layout that labels make, and which of its channels are missing.

    Parameters
    ----------
    labels : collection of str
        Labels as in :data:`LAYOUTS`, in any order.

    Returns
    -------
    name : str
        A key of :data:`LAYOUTS`; ``"N discrete"`` where no layout holds all of the labels.
    missing : tuple of str
        Labels that the layout has and ``labels`` lack, in film order.

    Examples
    --------
    >>> layout_of(["L", "R", "C", "LFE", "Ls"])
    ('5.1', ('Rs',))
    """
    have = _as_7x(labels)
    if len(have) == 1 and have <= {"M", "LFE", "C", "S"}:
        return "mono", ()
    holding = [
        (len(row), index, name, row)
        for index, (name, row) in enumerate(LAYOUTS.items())
        if have <= frozenset(row)
    ]
    if not holding:
        return f"{len(have)} discrete", ()
    _, _, name, row = min(holding)
    return name, tuple(label for label in row if label not in have)


def film_position(label: str) -> int:
    """Return where a label stands in film order, for sorting; unknown labels come last."""
    order = (
        "M", "L", "Lc", "C", "Rc", "R", "Lw", "Rw", "Ls", "Cs", "Rs", "S", "Lss", "Rss",
        "Lsr", "Rsr", "LFE", "Ltf", "Rtf", "Ltm", "Rtm", "Ltr", "Rtr",
    )  # fmt: skip
    return order.index(label) if label in order else len(order)


def labels_of_mask(mask: int, channels: int) -> tuple[str, ...] | None:
    """Return the labels of a ``dwChannelMask``, or None where it does not fit the count.

    Side and back pairs are both called surrounds in 5.1: a lone pair of either becomes Ls, Rs.
    """
    labels = [name for bit, name in enumerate(_MASK_BITS) if mask >> bit & 1]
    if len(labels) != channels:
        return None
    if channels == 1:
        return ("M",) if labels == ["C"] else tuple(labels)
    both = "Lss" in labels and "Lsr" in labels
    if not both:
        plain = {"Lss": "Ls", "Rss": "Rs", "Lsr": "Ls", "Rsr": "Rs"}
        labels = [plain.get(name, name) for name in labels]
    if labels == ["L", "R", "C", "Cs"]:
        labels[-1] = "S"
    return tuple(labels)


def labels_of_names(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the labels that a file's own track names end in, or None unless all differ."""
    found: list[str] = []
    for name in names:
        word = name.strip().replace("-", " ").replace("_", " ").replace(".", " ").split(" ")[-1]
        label = LABELS.get(word.lower())
        if label is None:
            return None
        found.append(label)
    return tuple(found) if found and len(set(found)) == len(found) else None
