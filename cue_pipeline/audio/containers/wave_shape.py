"""What the course of a wave shows of its samples: their byte order, and how many channels they are.

Sound is smooth: at any usual rate most of its power lies far below half the rate, so that a sample
differs little from the one before it. Read in the wrong byte order it is noise; read as one channel
where two are interleaved, every other sample is the neighbour that it should be.

Conventions
-----------
The *roughness* of a signal at a lag is the power of its difference from itself that many samples
later, re twice its own: near 0 for smooth sound, 1 for white noise, up to 2 for what alternates.
White noise is alike in every reading, and decides nothing.

Channels that are interleaved leave *images*: the spectrum of `k` of them, read as one, holds around
each multiple of 1/k of the rate what it holds around 0, for each channel is but one sample in k.
One high tone, a bell or cicadas near such a multiple repeat every k samples too, and have no such
power around 0: they are one channel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.containers.contents import Contents, SampleForm
from cue_pipeline.audio.containers.walking import FileView

_WINDOWS, _WINDOW_BYTES, _LONG_WINDOW_BYTES = 16, 6_144, 49_152
_STRIDE, _FIRST_LOOK = 5, 4
_FEWEST_SAMPLES = 256
_FEWEST_WINDOWS = 3
_SMOOTH = 0.35
_ROUGHER, _HARDLY_ROUGH = 4.0, 0.03
_MOST_OF_WINDOWS = 0.75
_MOST_INTERLEAVED = 8
_OPPOSITE = -0.7
_HELD, _SHARE_HELD = 0.02, 0.8
_WEAKEST_IMAGE = 0.01
_UNEVEN = 1.06
_PEAK_BINS, _BESIDE_PEAK = 4, 0.01

Samples = npt.NDArray[np.float64]


def take_shape(file: FileView, contents: Contents) -> None:
    """Correct byte order and channels of plain samples where these can only be others."""
    form, at, size = contents.form, contents.data_offset or 0, contents.data_size
    if form is None or contents.fault or contents.channels < 1:
        return
    if is_swapped(file, at, size, form, contents.channels):
        form = contents.form = in_other_order(form, contents)
    found = channels_of(file, at, size, form, contents.channels)
    contents.channels = found.count
    if found.note:
        contents.notes.append(found.note)


def in_other_order(form: SampleForm, contents: Contents) -> SampleForm:
    """Return a form with the other end first, and say so."""
    end = "little-endian" if form.big_endian else "big-endian"
    contents.notes.append(f"its samples are {end}, which its header denies: read as that")
    return replace(form, big_endian=not form.big_endian)


def is_swapped(file: FileView, at: int, size: int, form: SampleForm, channels: int) -> bool:
    """Return whether samples are far smoother in the byte order that is not said.

    Parameters
    ----------
    file : FileView
    at, size : int
        Where the samples lie, bytes.
    form : SampleForm
        As it is said.
    channels : int
        As many as are said.
    """
    if form.bytes not in (2, 3):
        return False
    for_said = for_other = 0
    for n, blob in enumerate(_windows(file, at, size, channels * form.bytes)):
        said, other = (
            _roughness_of_channels(_samples(blob, form.subtype, big_endian=big), channels)
            for big in (form.big_endian, not form.big_endian)
        )
        for_said += other > _ROUGHER * said
        for_other += said > max(_ROUGHER * other, _HARDLY_ROUGH)
        if n >= _FIRST_LOOK and not for_other:
            break
    return for_other >= _FEWEST_WINDOWS and for_other > 4 * for_said


@dataclass(frozen=True, slots=True)
class Channels:
    """How many channels samples are.

    Attributes
    ----------
    count : int
    note : str or None
        What to say where it is another number than was said, or may be.
    """

    count: int
    note: str | None = None


def channels_of(file: FileView, at: int, size: int, form: SampleForm, said: int) -> Channels:
    """Return how many channels samples are: as many as are said, but where no sound could be so.

    Parameters
    ----------
    file : FileView
    at, size : int
        Where the samples lie, bytes.
    form : SampleForm
        As it is.
    said : int
        By the header.
    """
    if not 1 <= said <= _MOST_INTERLEAVED:
        return Channels(said)
    rows: list[Samples] = []
    suspicious = False
    for blob in _windows(file, at, size, said * form.bytes):
        row = _samples(blob, form.subtype, big_endian=form.big_endian)
        if len(row) < _FEWEST_SAMPLES or not np.ptp(row) > 0:
            continue
        rows.append(row)
        suspicious = suspicious or _is_suspicious(row, said)
        if len(rows) > _FIRST_LOOK and not suspicious:
            return Channels(said)
    if said > 1 or len(rows) < _FEWEST_WINDOWS:
        return _one_or_said(rows, said)
    count = _repeating_after(rows)
    if count == 1:
        return _standing_twice(rows)
    long = (
        _samples(blob, form.subtype, big_endian=form.big_endian)
        for blob in _windows(file, at, size, form.bytes, _LONG_WINDOW_BYTES)
    )
    return _by_images([row for row in long if len(row) and np.ptp(row) > 0], count)


def _windows(
    file: FileView, at: int, size: int, block: int, most: int = _WINDOW_BYTES
) -> Iterator[bytes]:
    """Yield bytes of whole samples from all over a stretch, the first few far apart."""
    length = max(1, most // block) * block
    step = max(length, size // _WINDOWS // block * block)
    starts = range(0, size, step)
    for i in range(_STRIDE):
        for p in starts[i::_STRIDE]:
            yield file.at(at + p, min(length, size - p) // block * block)


def _samples(blob: bytes, subtype: str, *, big_endian: bool) -> Samples:
    """Return samples as they stand, interleaved, at any scale."""
    order = ">" if big_endian else "<"
    if subtype == "PCM_24":
        octets = np.frombuffer(blob, np.uint8).reshape(-1, 3).astype(np.int32)
        high, low = (0, 2) if big_endian else (2, 0)
        signed = (octets[:, high] << 24 | octets[:, 1] << 16 | octets[:, low] << 8) >> 8
        return signed.astype(np.float64)
    kinds = {"PCM_U8": "u1", "PCM_S8": "i1", "PCM_16": "i2", "PCM_32": "i4", "FLOAT": "f4"}
    with np.errstate(invalid="ignore"):
        found = np.frombuffer(blob, order + kinds.get(subtype, "f8")).astype(np.float64)
    usable = np.abs(found) < np.float64(2.0**64)  # no NaN, and squares that can be added
    return found if usable.all() else found[:0]


def _roughness_of_channels(flat: Samples, channels: int) -> float:
    """Return the roughness at a lag of 1; NaN where nothing sounds, which is neither."""
    rows = flat[: len(flat) // channels * channels].reshape(-1, channels)
    power = float(rows.var(axis=0).sum()) if len(rows) >= _FEWEST_SAMPLES // 2 else 0.0
    return float((np.diff(rows, axis=0) ** 2).mean(axis=0).sum()) / (2 * power) if power else np.nan


def _is_suspicious(row: Samples, said: int) -> bool:
    if said > 1:
        return _is_one_signal(row, said)
    near = _difference(row, 1)
    lags = range(2, _MOST_INTERLEAVED + 1)
    return _stands_twice(row) or any(_difference(row, lag) < _SMOOTH * near for lag in lags)


def _one_or_said(rows: Sequence[Samples], said: int) -> Channels:
    """Return one channel where the channels that are said are one signal's samples."""
    if len(rows) < _FEWEST_WINDOWS or said == 1:
        return Channels(said)
    one = _share([_is_one_signal(row, said) for row in rows]) >= _MOST_OF_WINDOWS
    return Channels(1, _told(said, 1)) if one and _is_even(rows, said) else Channels(said)


def _repeating_after(rows: Sequence[Samples]) -> int:
    """Return after how many samples one signal is its smooth self again: 1 for sound as usual."""
    for count in range(2, _MOST_INTERLEAVED + 1):
        if _share([_is_interleaved(row, count) for row in rows]) >= _MOST_OF_WINDOWS:
            return count
    return 1


def _standing_twice(rows: Sequence[Samples]) -> Channels:
    if _share([_stands_twice(row) for row in rows]) < _MOST_OF_WINDOWS:
        return Channels(1)
    return Channels(
        1,
        "nearly every sample of it stands twice: its header says one channel, and it may hold "
        "two that are alike, at half the length; bounce it again to be sure",
    )


def _by_images(rows: Sequence[Samples], count: int) -> Channels:
    """Return so many channels where windows hold the images of them, one channel where they do not.

    Images of one tone alone are too little to go by: they are told, and the header is believed.
    """
    images = [_images(row, count) for row in rows]
    if not images or _share([_are_images(found) for found in images]) < _MOST_OF_WINDOWS:
        return Channels(1)
    length = max(found.shape[1] for found in images)
    if _are_broad(sum(found / found.sum() for found in images if found.shape[1] == length)):
        return Channels(count, _told(1, count))
    return Channels(
        1,
        f"its header says one channel, and one tone of it stands around multiples of 1/{count} of "
        f"the rate as if it were {count} channels in turns; bounce it again to be sure",
    )


def _images(row: Samples, count: int) -> Samples:
    """Return power around each multiple of 1/count of the rate, shape (count, offsets)."""
    each = len(row) // count
    part = row[: each * count] - row[: each * count].mean()
    power = np.abs(np.fft.fft(part * np.hanning(len(part)))) ** 2
    return np.roll(power, each // 2).reshape(count, each)


def _are_images(power: Samples) -> bool:
    """Return whether what stands around each multiple of a part of the rate stands around 0 too."""
    base, above = power[0], power[1:]
    beside = np.max([np.roll(base, n) for n in (-1, 0, 1)], axis=0)
    held = float(above[np.broadcast_to(beside, above.shape) >= _HELD * above].sum())
    each = above.sum(axis=1)
    weakest, all_of_it = float(each.min()), float(each.sum())
    return held >= _SHARE_HELD * all_of_it and weakest * len(each) >= _WEAKEST_IMAGE * all_of_it


def _are_broad(power: Samples) -> bool:
    """Return whether power remains in images, and is held by what is around 0, without one tone."""
    middle, length = power.shape[1] // 2, power.shape[1]
    offsets = np.abs(np.arange(length) - middle)
    tone = int(offsets[np.argmax(power[1:].sum(axis=0))])
    rest = np.where(np.abs(offsets - tone) <= _PEAK_BINS, 0.0, power)
    broad = float(rest[1:].sum()) >= _BESIDE_PEAK * float(power[1:].sum())
    return broad and _are_images(rest)


def _told(said: int, found: int) -> str:
    one, other = (f"{n} channel{'s' * (n > 1)}" for n in (said, found))
    return (
        f"its header says {one}, and its samples can only be {other}: read as that; bounce it "
        "again to be sure"
    )


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found)


def _difference(row: Samples, lag: int) -> float:
    return float(((row[lag:] - row[:-lag]) ** 2).mean())


def _is_interleaved(row: Samples, count: int) -> bool:
    """Return whether one signal is so many smooth ones in turns, and no fewer."""
    near = min(_difference(row, lag) for lag in range(1, count))
    if _difference(row, count) > _SMOOTH * near:
        return False
    rows = row[: len(row) // count * count].reshape(-1, count)
    rough = _roughness_of_channels(rows.ravel(), count)
    if not rough <= _SMOOTH:
        return False
    # One signal of very high pitches alternates: its halves are each other's opposites.
    spread = rows.std(axis=0)
    together = float(np.cov(rows[:, 0], rows[:, 1])[0, 1])
    return together >= _OPPOSITE * float(spread[0] * spread[1])


def _is_one_signal(row: Samples, count: int) -> bool:
    """Return whether the channels that are said are but samples of one signal in a row."""
    steps = np.diff(row[: len(row) // count * count]) ** 2
    apart = _difference(row, count)
    return all(float(steps[phase::count].mean()) < _SMOOTH * apart for phase in range(count))


def _is_even(rows: Sequence[Samples], count: int) -> bool:
    """Return whether the steps from each channel to the next are alike, as one signal's are.

    A tone that comes a little later in the other channel makes small steps both ways too, and only
    for a delay of exactly a part of a sample are they as large.
    """
    steps = np.zeros(count)
    for row in rows:
        squares = np.diff(row[: len(row) // count * count]) ** 2
        steps += [float(squares[phase::count].mean()) / row.var() for phase in range(count)]
    return float(steps.max()) <= _UNEVEN * float(steps.min())


def _stands_twice(row: Samples) -> bool:
    """Return whether each second sample repeats the one before it, and is not followed by it."""
    steps = np.diff(row) ** 2
    still, moving = sorted((float(np.median(steps[::2])), float(np.median(steps[1::2]))))
    return still < 0.02 * moving
