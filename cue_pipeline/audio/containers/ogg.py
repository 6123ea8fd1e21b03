"""Whether an Ogg file reaches its end: decoders take a cut one for a shorter one.

References
----------
RFC 3533, *The Ogg Encapsulation Format Version 0*, section 6: the page header.
"""

import os
from pathlib import Path
from typing import Final

from cue_pipeline.cue.gate import opened

_MAGIC: Final = b"OggS"
_HEADER_BYTES, _FLAGS_AT, _COUNT_AT = 27, 5, 26
_LAST_PAGE: Final = 4
_LONGEST_PAGE: Final = _HEADER_BYTES + 255 + 255 * 255


def why_cut(path: Path) -> str | None:
    """Return what shows that an Ogg file was cut, as a predicate; None where nothing does."""
    with opened(path) as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 2 * _LONGEST_PAGE))
        tail = stream.read()
    at, last = tail.find(_MAGIC), None
    while at >= 0:
        end = _end_of_page(tail, at)
        if end is None:
            break
        last = at
        at = tail.find(_MAGIC, end)
    if at >= 0:
        return "ends in the middle of a page"
    if last is None or not tail[last + _FLAGS_AT] & _LAST_PAGE:
        return "has no last page: it was cut, or is a part of a stream"
    return None


def _end_of_page(tail: bytes, at: int) -> int | None:
    """Return where a page ends; None where the bytes end before."""
    table = at + _HEADER_BYTES
    if table > len(tail):
        return None
    count = tail[at + _COUNT_AT]
    end = table + count + sum(tail[table : table + count])
    return end if end <= len(tail) and table + count <= len(tail) else None
