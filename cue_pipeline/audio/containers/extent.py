"""Where the samples of a file end: by its header, and by what follows them.

A header's size is taken where it leads to a chunk or to the file's end. Else it may have been
written before the recording went on, wrapped at 4 GiB, or belong to a file that was cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cue_pipeline.audio.containers.walking import FileView, Head, Walker

_WRAP = 1 << 32
_PLAIN_TEXT = 0.95
_SLACK = 16


@dataclass(frozen=True, slots=True)
class Extent:
    """How long the samples are: what is there, what was promised, and where the next chunk is."""

    size: int
    promised: int
    following: int
    note: str | None = None


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
            if by and is_open:
                note = None
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
    said = head.said
    end = walker.tail(head.at)
    there = rest if end is None else end - head.at
    following = walker.file.size if end is None else end
    if is_open:
        promised = max((c for c in claims if there < c < _WRAP * _WRAP >> 1), default=there)
        note = None if promised > there else (
            f"its header was never finished (it promises {said} bytes of audio, {there} follow): "
            "read to the end of the audio; bounce it again if it should be longer or shorter"
        )  # fmt: skip
        return Extent(there, promised, following, note)
    if said > there:
        if end is None:
            return Extent(there, said, following)  # cut short, as the caller tells in full
        note = f"its size is wrong: {said} bytes of audio promised, a chunk follows after {there}"
        return Extent(there, there, following, note)
    if end is None and _is_no_audio(walker.file, head.at + said, walker.file.size):
        note = f"{rest - said} bytes behind its audio are no chunk and no audio, and are not read"
        return Extent(said, said, walker.file.size, note)
    note = (
        f"its header promises {said} bytes of audio, {there} are there: read to the end of the "
        "audio; bounce it again if it should be shorter"
    )
    return Extent(there, there, following, note)


def _is_no_audio(file: FileView, start: int, end: int) -> bool:
    """Whether bytes behind the samples are all alike, or text, or too few to be sound."""
    if end - start < _SLACK or file.is_uniform(start, end):
        return True
    looked = file.at(start, 4_096)
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n\0" for byte in looked)
    letters = sum(32 <= byte < 127 for byte in looked)
    return printable >= _PLAIN_TEXT * len(looked) and letters >= len(looked) // 4
