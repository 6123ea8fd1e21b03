"""How samples are written, as their bytes show it: integers or floats, byte order, scale.

A tag says it too, and may lie: floats that are called integers are noise at full scale, and say
nothing. What is judged here is the distribution of bytes over the whole file, and a tag is only
contradicted by what no sound could look like.

References
----------
IEEE 754-2019. Microsoft, *Multiple channel audio data and WAVE files*. libsndfile,
``audio_detect.c`` (24 bits in 32). Adobe Audition's *32-bit 16.8 float* and *24.0 float*.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.containers.contents import SampleForm
from cue_pipeline.audio.containers.walking import FileView

WIDTHS = (1, 2, 3, 4, 8)
_MOST_CHANNELS = 256
_WINDOWS = 24
_WINDOW_BYTES = 6_144  # of whole samples of 1, 2, 3, 4 and 8 bytes, in up to 32 channels
_ENOUGH = 512  # words that are not zero
_SIXTEEN_EIGHT, _TWENTY_FOUR_NAUGHT = 2.0**-15, 2.0**-23
_FEW_WINDOWS = 8
_SURE_MARKS = 3
_PREAMBLES = {
    "Dolby E or AC-3 (SMPTE ST 337)": (
        b"\x72\xf8\x96\x1f\x4e\xa5", b"\x96\xf8\x72\xa5\x4e\x1f",
        b"\x20\x87\x6f\xf0\xe1\x54", b"\x6f\x87\x20\x54\xe1\xf0",
        b"\x72\xf8\x1f\x4e", b"\xf8\x72\x4e\x1f", b"\x72\xf8\x00\x1f\x4e",
    ),
    "DTS": (
        b"\xfe\x7f\x01\x80", b"\x7f\xfe\x80\x01",
        b"\xff\x1f\x00\xe8", b"\x1f\xff\xe8\x00",
    ),
}  # fmt: skip
_ALIKE, _SURELY_APART = 0.3, 1.5
_TOLD_APART = 0.5
_HOT = 64.0  # 36 dB above full scale: no mix is that loud
_SURELY_SCALED = 256.0

U32Array = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Layout:
    """Channels side by side, and bytes of one sample of one of them."""

    channels: int
    width: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The form that samples have, and what to say where the header has another."""

    form: SampleForm
    note: str | None = None


def judged(
    form: SampleForm, file: FileView, at: int, size: int, *, low_bits_free: int = 0
) -> Verdict:
    """Return the form of samples, by their bytes where these leave no doubt, else as it is said.

    Parameters
    ----------
    form : SampleForm
        As the header says.
    file : FileView
    at, size : int
        Where the samples lie, bytes.
    low_bits_free : int
        So many of each word's lowest bits are said to be unused.
    """
    if form.bytes == 4:
        return _of_four_bytes(form, _words(file, at, size), low_bits_free)
    if form.bytes in (2, 3):
        return _of_few_bytes(form, _sampled(file, at, size, form.bytes))
    if form.subtype == "DOUBLE":
        return _of_eight_bytes(form, _sampled(file, at, size, 8))
    return Verdict(form)


def _sampled(file: FileView, at: int, size: int, width: int) -> npt.NDArray[np.uint8]:
    """Return bytes from all over the file, shape=(n, width): as they stand."""
    return np.frombuffer(_blob(file, at, size, width), np.uint8).reshape(-1, width)


def _blob(file: FileView, at: int, size: int, unit: int, windows: int = _WINDOWS) -> bytes:
    """Return bytes from all over a stretch, windows that begin at, and are, whole units."""
    length = max(unit, _WINDOW_BYTES // unit * unit)
    step = max(length, size // windows // unit * unit)
    parts = [file.at(at + p, min(length, size - p) // unit * unit) for p in range(0, size, step)]
    return b"".join(parts)


def _words(file: FileView, at: int, size: int) -> U32Array:
    """Return 32-bit words from all over the file, read as little-endian."""
    return _sampled(file, at, size, 4).reshape(-1).view("<u4").astype(np.uint32)


def _of_four_bytes(form: SampleForm, words: U32Array, low_bits_free: int) -> Verdict:
    ordered = words.byteswap() if form.big_endian else words
    swapped = words if form.big_endian else words.byteswap()
    other_end = "little-endian" if form.big_endian else "big-endian"
    is_float = form.subtype == "FLOAT"
    if len(_sounding(ordered)) < _ENOUGH:
        return Verdict(form)
    if are_floats(ordered):
        found = replace(form, subtype="FLOAT", scale=1.0)
        note = None if is_float else "its samples are called integers and are floats: read as these"
        return _scaled(found, ordered, note)
    if are_floats(swapped):
        found = replace(form, subtype="FLOAT", scale=1.0, big_endian=not form.big_endian)
        return _scaled(found, swapped, f"its samples are {other_end} floats, which its header "
                                       "denies: read as these")  # fmt: skip
    if is_float and are_integers(ordered):
        found = replace(form, subtype="PCM_32", scale=1.0)
        return Verdict(found, "its samples are called floats and are integers: read as these")
    if not is_float:
        return _right_justified(form, ordered, low_bits_free)
    return Verdict(form)


def _sounding(words: U32Array) -> U32Array:
    sounding: U32Array = words[(words & np.uint32(0x7FFFFFFF)) != 0]
    return sounding


def are_floats(words: U32Array) -> bool:
    """Whether 32-bit words can only be floats of sound.

    Floats of sound lie in a narrow range of exponents, spread over many of them as a wave that
    crosses zero is, and reach about as far up as down. Integers do none of it: as floats, their
    positive and negative values are some 200 powers of two apart.
    """
    sounding = _sounding(words)
    if len(sounding) < _ENOUGH:
        return False
    tops = np.bincount((sounding >> 23).astype(np.int64), minlength=512).reshape(2, 256)
    positive, negative = tops[:, 127 - 60 : 127 + 26]  # counts by exponent
    if not 0.02 < tops[1].sum() / len(sounding) < 0.98:
        return False
    both = positive + negative
    if both.sum() < 0.998 * len(sounding) or np.count_nonzero(both) < 8:
        return False
    if not positive.any() or not negative.any():
        return False
    up, down = np.flatnonzero(positive)[-1], np.flatnonzero(negative)[-1]
    return bool(abs(up - down) <= 5)


def are_integers(words: U32Array) -> bool:
    """Whether 32-bit words cannot be floats and look like integers of sound.

    A fifth of them, read as floats, would be beyond 2⁴⁰ or no numbers, and not the same one over
    and over.
    """
    sounding = _sounding(words)
    exponents = sounding >> 23 & 0xFF
    beyond = sounding[exponents > 127 + 40]
    if len(sounding) < _ENOUGH or len(beyond) < 0.2 * len(sounding):
        return False
    return len(np.unique(beyond)) > max(16, len(beyond) // 50)


def _scaled(form: SampleForm, words: U32Array, note: str | None) -> Verdict:
    """Return floats with the scale that they have: Audition's old formats count in integers."""
    values = words.view(np.float32)
    peak = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    if peak <= _HOT:
        return Verdict(form, note)
    if peak < _SURELY_SCALED:
        doubt = (
            f"its floats reach {peak:.0f} times full scale: they may be of Audition's 16.8 or 24.0 "
            "format, and the level wrong. Bounce it again as 24 bits"
        )
        return Verdict(form, f"{note}; {doubt}" if note else doubt)
    scale, name = (_SIXTEEN_EIGHT, "16.8") if peak <= 2.0**17 else (_TWENTY_FOUR_NAUGHT, "24.0")
    told = (
        f"its floats reach {peak:.0f}: read as Audition's {name} format, full scale at "
        f"{1 / scale:.0f}"
    )
    return Verdict(replace(form, scale=scale), f"{note}; {told}" if note else told)


def _right_justified(form: SampleForm, words: U32Array, low_bits_free: int) -> Verdict:
    """Return 24 bits in 32 that stand at the lower end of their words, as such."""
    if low_bits_free != 8:
        return Verdict(form)
    values = words.view(np.int32)
    fits = bool((np.abs(values.astype(np.int64)) <= 1 << 23).all())
    if fits and (words & np.uint32(0xFF)).any():
        return Verdict(
            replace(form, scale=2.0**8),
            "its 24 bits stand at the lower end of 32-bit words, where the upper end is the rule: "
            "read so",
        )
    return Verdict(form)


def _of_few_bytes(form: SampleForm, rows: npt.NDArray[np.uint8]) -> Verdict:
    """Return integers of 16 or 24 bits, the other end first where only that can be sound."""
    if len(rows) < 4 * _ENOUGH:
        return Verdict(form)
    top, low = (rows[:, 0], rows[:, -1]) if form.big_endian else (rows[:, -1], rows[:, 0])
    if _concentration(top) > 1.6 or _concentration(low) < 3.0 or len(np.unique(low)) <= 16:
        return Verdict(form)
    # A low byte that gathers about 0 and 255, as only a high byte's sign makes it.
    near = ((low < 32) | (low >= 224)).mean()
    if near < 0.6 or not (low < 32).any() or not (low >= 224).any():
        return Verdict(form)
    end = "little-endian" if form.big_endian else "big-endian"
    return Verdict(
        replace(form, big_endian=not form.big_endian),
        f"its samples are {end}, which its header denies: read as that",
    )


def _concentration(column: npt.NDArray[np.uint8]) -> float:
    """Return how much likelier two bytes are alike than by chance: 1 for noise."""
    shares = np.bincount(column, minlength=256) / len(column)
    return float((shares**2).sum() * 256)


def _of_eight_bytes(form: SampleForm, rows: npt.NDArray[np.uint8]) -> Verdict:
    """Return doubles, the other end first where only that gives numbers of sound."""
    words = np.ascontiguousarray(rows).reshape(-1)
    order = ">f8" if form.big_endian else "<f8"
    other = "<f8" if form.big_endian else ">f8"
    if _share_of_sound(words.view(order)) < 0.5 and _share_of_sound(words.view(other)) > 0.998:
        end = "little-endian" if form.big_endian else "big-endian"
        return Verdict(
            replace(form, big_endian=not form.big_endian),
            f"its samples are {end} floats, which its header denies: read as these",
        )
    return Verdict(form)


def _share_of_sound(values: npt.NDArray[np.float64]) -> float:
    """Return the share of values, zeros apart, that can be samples."""
    with np.errstate(all="ignore"):
        sizes = np.abs(values.astype(np.float64))
        sounding = sizes[sizes != 0]
        if len(sounding) < _ENOUGH:
            return 0.75
        return float(((sounding > 2.0**-200) & (sounding < 2.0**30)).mean())


def likeliest(
    file: FileView, at: int, size: int, layouts: Sequence[Layout], order: str
) -> Layout | None:
    """Return the layout in which high bytes look like high bytes most; the first of equals.

    The high byte of sound gathers about zero and, for negative values, about 255; the bytes below
    it are the more even the lower they are. Only in the right layout do they keep apart.
    """
    if not layouts:
        return None
    scores = [_apart(file, at, size, layout, order) for layout in layouts]
    best = max(scores)
    return next(x for x, score in zip(layouts, scores, strict=True) if score >= best - 0.05)


def reconciled(
    file: FileView, at: int, size: int, said: Layout, block: int, order: str
) -> tuple[Layout, str]:
    """Return the layout of samples whose channels, width and block do not fit, and what to say.

    Parameters
    ----------
    file : FileView
    at, size : int
        Where the samples lie, bytes.
    said : Layout
    block : int
        Bytes of one sample of all channels, as it is said.
    order : str
        ``<`` or ``>``.
    """
    guesses = [said]
    if said.width and block % said.width == 0:
        guesses.append(Layout(block // said.width, said.width))
    if said.channels and block % said.channels == 0:
        guesses.append(Layout(said.channels, block // said.channels))
    possible = [g for g in guesses if 0 < g.channels <= _MOST_CHANNELS and g.width in WIDTHS]
    best = likeliest(file, at, size, possible, order) or said
    return best, (
        f"its header contradicts itself ({said.channels} channels of {8 * said.width} bits in "
        f"blocks of {block} bytes): read as {best.channels} channels of {8 * best.width} bits, as "
        "the samples look; bounce it again to be sure"
    )


def continues(
    file: FileView, at: int, believed: int, there: int, form: SampleForm, channels: int
) -> bool:
    """Whether what follows some samples looks like more of them; yes where neither can be told.

    Parameters
    ----------
    file : FileView
    at : int
        Where the samples begin.
    believed, there : int
        Bytes of samples by the header, and bytes to the end of what follows.
    form : SampleForm
    channels : int
    """
    block = channels * form.bytes
    start = -(-believed // block) * block
    rest = there - start
    if rest < 64 * block:
        return False
    if form.subtype in ("FLOAT", "DOUBLE"):
        kind = (">" if form.big_endian else "<") + ("f4" if form.bytes == 4 else "f8")
        rows = _sampled(file, at + start, rest, form.bytes)
        with np.errstate(all="ignore"):
            sizes = np.abs(rows.reshape(-1).view(kind).astype(np.float64))
        return bool(((sizes == 0) | ((sizes > 2.0**-60) & (sizes < 2.0**25))).mean() > 0.99)
    layout, order = Layout(channels, form.bytes), ">" if form.big_endian else "<"
    body = _apart(file, at, believed, layout, order)
    if body < _TOLD_APART:
        return True
    return _apart(file, at + start, rest, layout, order) > max(_TOLD_APART, body / 4)


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why integers cannot be what they are called: another width, or no samples at all."""

    layout: Layout | None
    note: str


def misfit(file: FileView, at: int, size: int, said: Layout, order: str) -> Misfit | None:
    """Return what integers are in truth where they cannot be what the header says; else None.

    At a wrong width high and low bytes fall into each other's columns and are all alike, as they
    are in a coded stream; at the right one they keep apart.

    References
    ----------
    SMPTE ST 337 and IEC 61937-1 (preambles); ETSI TS 102 114 (DTS sync words).
    """
    unit = 24 * said.channels
    blob = _blob(file, at, size, unit, _FEW_WINDOWS)
    if len(blob) < 64 * unit or _apartness(blob, said, order) > _ALIKE or not blob.strip(b"\0"):
        return None
    for name, marks in _PREAMBLES.items():
        if max(blob.count(mark) for mark in marks) >= _SURE_MARKS:
            return Misfit(None, f"holds {name} in the place of samples, which is not decoded here")
    for width in (2, 3, 4):
        layout = Layout(said.channels, width)
        if width != said.width and _apartness(blob, layout, order) > _SURELY_APART:
            note = f"its samples are called {8 * said.width} bits, and are {8 * width}"
            return Misfit(layout, f"{note}: read as these")
    return None


def looks_like(file: FileView, at: int, size: int, layout: Layout, order: str) -> bool:
    """Whether bytes look like plain samples of a layout, and not like a codec's."""
    return _apart(file, at, size, layout, order) > 1.0


def _apart(file: FileView, at: int, size: int, layout: Layout, order: str) -> float:
    return _apartness(_blob(file, at, size, layout.channels * layout.width), layout, order)


def _apartness(blob: bytes, layout: Layout, order: str) -> float:
    """Return how much more high bytes gather than low ones, in powers of two."""
    block = layout.channels * layout.width
    whole = len(blob) // block * block
    rows = np.frombuffer(blob, np.uint8, whole).reshape(-1, layout.channels, layout.width)
    rows = rows[rows.any(axis=(1, 2))]  # digital silence tells nothing
    if len(rows) < 64:
        return 0.0
    gathered = np.array([
        [_concentration(rows[:, c, b]) for b in range(layout.width)]
        for c in range(layout.channels)
    ])  # fmt: skip
    columns = np.log2(np.maximum(gathered, 1e-3)).mean(axis=0)
    high = columns[0] if order == ">" else columns[-1]
    rest = np.delete(columns, 0 if order == ">" else -1)
    return float(high - (rest.mean() if len(rest) else 0.0))
