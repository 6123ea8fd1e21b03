"""Where the samples of a file end: by its header, and by what follows them.

A header's size is taken where it leads to a chunk or to the file's end. Else it may have been
written before the recording went on, wrapped at 4 GiB, or belong to a file that was cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cue_pipeline.audio.containers.contents import Contents
from cue_pipeline.audio.containers.sample_form import continues
from cue_pipeline.audio.containers.walking import FileView, Head, Walker

LONG_SIZE = "ds64 chunk"
_WRAP = 1 << 32
_PLAIN_TEXT = 0.95
_SLACK = 16


@dataclass(frozen=True, slots=True)
class Extent:
    """How long the samples are.

    Attributes
    ----------
    size, promised : int
        Bytes that are there, and by the header.
    following : int
        Where the next chunk is.
    note : str or None
    believed : int or None
        Bytes by the header, where more follow that may be samples or not:
        :func:`settle_end` decides when the samples' form is known.
    """

    size: int
    promised: int
    following: int
    note: str | None = None
    believed: int | None = None


def samples_extent(walker: Walker, head: Head, others: Sequence[tuple[int, str]] = ()) -> Extent:
    """Return where the samples end whose chunk begins with ``head``.

    Parameters
    ----------
    walker : Walker
    head : Head
    others : sequence of (int, str)
        Payload sizes by other numbers of the header, and what these are called; the first are
        the better.
    """
    rest = walker.file.size - head.at
    is_open = head.said in walker.grammar.open_sizes or head.said < 0
    claims: list[tuple[int, str | None]] = [(size, by) for size, by in others]
    claims.insert(len(claims) if is_open else 0, (head.said, None))
    for size, by in claims:
        if is_open and by is None and (size != 0 or not _leads(walker, head.at)):
            continue
        if 0 <= size <= rest and (following := walker.follows(head.at, size)) is not None:
            note = f"its size ({head.said} bytes) is wrong: taken by its {by}" if by else None
            if is_open and by == LONG_SIZE:
                note = None  # as the standard has it
            return Extent(size, size, following, note)
    promises = [size for size, by in claims if by]
    return _wrapped(walker, head, rest) or _unproven(
        walker, head, rest, is_open=is_open, claims=promises
    )


def _leads(walker: Walker, position: int) -> bool:
    """Whether a chunk, or the file's end, is at a position."""
    return walker.file.size - position < _SLACK or walker.strong_head(position) is not None


def _wrapped(walker: Walker, head: Head, rest: int) -> Extent | None:
    """Return the extent of samples past 4 GiB whose size was written in 32 bits."""
    if not 0 <= head.said < _WRAP:
        return None
    for size in range(head.said + _WRAP, rest + 1, _WRAP):
        following = walker.follows(head.at, size)
        if following is not None:
            note = (
                f"its size was cut to 32 bits: it promises {head.said} bytes of audio, {size} "
                "are there and are read"
            )
            return Extent(size, size, following, note)
    return None


def _unproven(
    walker: Walker, head: Head, rest: int, *, is_open: bool, claims: Sequence[int]
) -> Extent:
    """Return the extent of samples whose size leads nowhere."""
    said = claims[0] if is_open and claims else head.said
    is_open = is_open and not claims
    end = walker.tail(head.at)
    there = rest if end is None else end - head.at
    following = walker.file.size if end is None else end
    if is_open:
        note = (
            f"its header was never finished (it promises {said} bytes of audio, {there} follow): "
            "read to the end of the audio; bounce it again if it should be longer or shorter"
        )
        return Extent(there, there, following, note)
    if said > there:
        if end is None:
            return Extent(there, said, following)  # cut short, as the caller tells in full
        note = f"its size is wrong: {said} bytes of audio promised, a chunk follows after {there}"
        return Extent(there, there, following, note)
    if end is None and _is_no_audio(walker.file, head.at + said, walker.file.size):
        return Extent(said, said, walker.file.size, _left_out(rest - said))
    return Extent(there, there, following, believed=said)


def _left_out(n: int) -> str:
    return f"{n} bytes behind its audio are no chunk and no audio, and are not read"


def settle_end(file: FileView, contents: Contents) -> None:
    """Decide where the samples end, now that their form is known.

    What follows them by the header may be samples too; and they may end within one.

    Parameters
    ----------
    file : FileView
    contents : Contents
        With the samples' form, or none for a codec; its ``data_size`` and ``notes`` are put right.
    """
    if contents.believed_size is not None:
        _settle_tail(file, contents, contents.believed_size)
    block = contents.frame_bytes
    rest = contents.data_size % block if block else 0
    at = (contents.data_offset or 0) + contents.data_size - rest
    padding = not file.at(at, rest).strip(b"\0")  # some writers count it
    if rest and not padding and contents.promised_size <= contents.data_size:
        contents.notes.append(
            f"it ends within a sample: {rest} bytes are left over from {contents.data_size} of "
            "audio. Bounce it again to be sure"
        )


def _settle_tail(file: FileView, contents: Contents, believed: int) -> None:
    there, form = contents.data_size, contents.form
    if form is not None and contents.channels and not continues(
        file, contents.data_offset or 0, believed, there, form, contents.channels
    ):  # fmt: skip
        contents.data_size = contents.promised_size = believed
        contents.notes.append(_left_out(there - believed))
        return
    contents.notes.append(
        f"its header promises {believed} bytes of audio, {there} are there: read to the end of "
        "the audio; bounce it again if it should be shorter"
    )


def _is_no_audio(file: FileView, start: int, end: int) -> bool:
    """Whether bytes behind the samples are all alike, or text, or too few to be sound."""
    if end - start < _SLACK or file.is_uniform(start, end):
        return True
    looked = file.at(start, 4_096)
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n\0" for byte in looked)
    letters = sum(32 <= byte < 127 for byte in looked)
    return printable >= _PLAIN_TEXT * len(looked) and letters >= len(looked) // 4
