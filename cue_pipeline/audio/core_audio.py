"""Apple's channel layouts: the chunk ``chan`` of CAF, ``CHAN`` of AIFF.

References
----------
Apple, *Core Audio Format Specification*, channel layout chunk; ``CoreAudioBaseTypes.h``
(``AudioChannelLayout``: the tags, their orders and the channel labels).
"""

import struct

from cue_pipeline.audio.layouts import labels_of_mask, with_sides

_BY_DESCRIPTIONS, _BY_BITMAP = 0, 1 << 16
_HIGHER_ORDER_AMBISONIC = {190, 191}
_SAYS_NOTHING = {147, 0xFFFF}  # discrete in order, unknown

# Number of the tag → its channels in order, as Apple's header has them.
_TAGS = {
    100: "M", 101: "L R", 102: "L R", 103: "L R", 104: "Mid Side", 106: "L R", 107: "W X Y Z",
    108: "L R Ls Rs", 109: "L R Ls Rs C", 110: "L R Ls Rs C Cs", 111: "L R Ls Rs C Cs Lw Rw",
    112: "L R Ls Rs Ltf Rtf Ltr Rtr", 113: "L R C", 114: "C L R", 115: "L R C S", 116: "C L R S",
    117: "L R C Ls Rs", 118: "L R Ls Rs C", 119: "L C R Ls Rs", 120: "C L R Ls Rs",
    121: "L R C LFE Ls Rs", 122: "L R Ls Rs C LFE", 123: "L C R Ls Rs LFE", 124: "C L R Ls Rs LFE",
    125: "L R C LFE Ls Rs Cs", 126: "L R C LFE Ls Rs Lc Rc", 127: "C Lc Rc L R Ls Rs LFE",
    128: "L R C LFE Ls Rs Lsr Rsr", 129: "L R Ls Rs C LFE Lc Rc", 130: "L R C LFE Ls Rs Lt Rt",
    131: "L R Cs", 132: "L R Ls Rs", 133: "L R LFE", 134: "L R LFE Cs", 135: "L R LFE Ls Rs",
    136: "L R C LFE", 137: "L R C LFE Cs", 138: "L R Ls Rs LFE", 139: "L R Ls Rs C Cs",
    140: "L R Ls Rs C Lsr Rsr", 141: "C L R Ls Rs Cs", 142: "C L R Ls Rs Cs LFE",
    143: "C L R Ls Rs Lsr Rsr", 144: "C L R Ls Rs Lsr Rsr Cs", 148: "L R Ls Rs C Lc Rc",
    149: "C LFE", 150: "L C R", 151: "L C R S", 152: "L C R LFE", 153: "L R Cs LFE",
    154: "L C R Cs LFE", 155: "L C R Ls Rs Cs", 156: "L C R Ls Rs Lsr Rsr",
    157: "L C R Ls Rs LFE Cs", 158: "L C R Ls Rs LFE Tc", 159: "L C R Ls Rs LFE Ctf",
    160: "L C R Ls Rs LFE Lsr Rsr", 161: "L C R Ls Rs LFE Lc Rc", 162: "L C R Ls Rs LFE Lss Rss",
    163: "L C R Ls Rs LFE Lw Rw", 164: "L C R Ls Rs LFE Ltf Rtf", 165: "L C R Ls Rs LFE Cs Tc",
    166: "L C R Ls Rs LFE Cs Ctf", 167: "L C R Ls Rs LFE Tc Ctf", 168: "C L R LFE",
    169: "C L R Cs LFE", 170: "Lc Rc L R Ls Rs", 171: "C L R Lsr Rsr Tc", 172: "C Cs L R Lsr Rsr",
    173: "Lc Rc L R Ls Rs LFE", 174: "C L R Lsr Rsr Tc LFE", 175: "C Cs L R Lsr Rsr LFE",
    176: "Lc C Rc L R Ls Rs", 177: "Lc C Rc L R Ls Rs LFE", 178: "Lc Rc L R Ls Rs Lsr Rsr",
    179: "Lc C Rc L R Ls Cs Rs", 180: "Lc Rc L R Ls Rs Lsr Rsr LFE",
    181: "Lc C Rc L R Ls Cs Rs LFE", 182: "C L R Ls Rs LFE Cs", 183: "C L R Ls Rs Lsr Rsr LFE",
    184: "C L R Ls Rs LFE Ltf Rtf", 185: "L R Ls Rs", 186: "L R C Ls Rs", 187: "L R C LFE Ls Rs",
    188: "L R C LFE Cs Ls Rs", 189: "L R C LFE Lsr Rsr Ls Rs",
    192: "L R C LFE Ls Rs Lsr Rsr Ltf Rtf Ltr Rtr",
    193: "L R C LFE Ls Rs Lsr Rsr Lw Rw Ltf Rtf Ltm Rtm Ltr Rtr",
    194: "L R C LFE Ls Rs Ltm Rtm", 195: "L R C LFE Ls Rs Ltf Rtf Ltr Rtr",
    196: "L R C LFE Ls Rs Lsr Rsr Ltm Rtm",
}  # fmt: skip

_LABELS = {
    1: "L", 2: "R", 3: "C", 4: "LFE", 5: "Ls", 6: "Rs", 7: "Lc", 8: "Rc", 9: "Cs", 10: "Lss",
    11: "Rss", 12: "Tc", 13: "Ltf", 14: "Ctf", 15: "Rtf", 16: "Ltr", 17: "Ctr", 18: "Rtr",
    33: "Lsr", 34: "Rsr", 35: "Lw", 36: "Rw", 37: "LFE2", 38: "Lt", 39: "Rt", 42: "M", 44: "Cs",
    49: "Ltm", 51: "Rtm", 52: "Ltr", 53: "Ctr", 54: "Rtr", 55: "Lss", 56: "Rss", 60: "Ltm",
    61: "Rtm", 63: "Lsr", 64: "Rsr", 200: "W", 201: "X", 202: "Y", 203: "Z", 204: "Mid",
    205: "Side", 208: "L", 209: "R", 301: "L", 302: "R",
}  # fmt: skip


def labels_of_chan(payload: bytes, channels: int) -> tuple[str, ...] | None:
    """Return the labels of a channel layout chunk.

    Parameters
    ----------
    payload : bytes
        An ``AudioChannelLayout``, big-endian: tag, bitmap, number of descriptions, descriptions.
    channels : int
        Of the file.

    Returns
    -------
    tuple of str or None
        One of each channel; None where the chunk names no roles, or not those of so many
        channels.
    """
    if len(payload) < 12:
        return None
    tag, bitmap, count = struct.unpack_from(">III", payload)
    if tag == _BY_BITMAP:
        return labels_of_mask(bitmap, channels)
    if tag == _BY_DESCRIPTIONS:
        labels = _described(payload[12:], min(count, channels + 1))
    elif tag >> 16 in _HIGHER_ORDER_AMBISONIC:
        labels = ambisonic_labels(range(channels))
    else:
        labels = tuple(_TAGS.get(tag >> 16, "").split())
    if channels == 1 and len(labels) == 1:
        return ("M",)
    if len(labels) != channels or len(set(labels)) != channels:
        return None
    return with_sides(labels)


def says_nothing(payload: bytes) -> bool:
    """Return whether a channel layout chunk is there to say that the channels have no roles."""
    if len(payload) < 12:
        return not payload
    tag, _, descriptions = struct.unpack_from(">III", payload)
    return tag >> 16 in _SAYS_NOTHING or (tag == _BY_DESCRIPTIONS and not descriptions)


def ambisonic_labels(numbers: range | list[int]) -> tuple[str, ...]:
    """Return the labels of ambisonic components by their ACN number; W Y Z X are the first four."""
    first = ("W", "Y", "Z", "X")
    return tuple(first[n] if n < len(first) and len(numbers) <= 4 else f"ACN{n}" for n in numbers)


def labels_of_b_format(channels: int) -> tuple[str, ...] | None:
    """Return the labels of so many channels in B-format (FuMa) order, or None.

    A WAVE file with an ambisonic GUID has them in this order: W X Y Z, then R S T U V ….
    """
    in_order = (0, 3, 1, 2, 6, 7, 5, 8, 4, 12, 13, 11, 14, 10, 15, 9)
    return ambisonic_labels(list(in_order[:channels])) if channels in {3, 4, 9, 16} else None


def _described(rows: bytes, count: int) -> tuple[str, ...]:
    """Return the labels of a list of channel descriptions; empty where one names no role."""
    numbers = [
        struct.unpack_from(">I", rows, 20 * i)[0] for i in range(min(count, len(rows) // 20))
    ]
    higher = [n & 0xFFFF for n in numbers if n >> 16 == 2]
    if numbers and len(higher) == len(numbers):
        return ambisonic_labels(higher)
    labels = [_LABELS.get(number) for number in numbers]
    return () if None in labels else tuple(label for label in labels if label)
