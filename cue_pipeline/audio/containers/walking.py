"""The walk from chunk to chunk, which finds its way again where a size leads astray.

A chunk's size is believed if a chunk, or the file's end, follows where it says. If not, the next
one is looked for: first beside that place, where padding bytes are missing or too many, then by the
names that chunks are known to have. The samples' own size is held against all that could be meant,
see :mod:`cue_pipeline.audio.containers.extent`.
"""

import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import BinaryIO

from cue_pipeline.audio.containers.contents import Chunk

_MAX_CHUNKS = 4_096
_SEARCHED_BYTES = 1 << 20
_MOST_PADDING = 16
_MAX_PAYLOAD = 4 << 20


class FileView:
    """A file to read here and there, or what follows its first bytes.

    Parameters
    ----------
    stream : binary file
    start : int
        Bytes in front that are not looked at.
    """

    def __init__(self, stream: BinaryIO, start: int = 0) -> None:
        self._stream = stream
        self._start = start
        self.size = os.fstat(stream.fileno()).st_size - start

    def at(self, position: int, n: int) -> bytes:
        """Return up to ``n`` bytes from a position; fewer at the file's end."""
        if not 0 <= position < self.size or n <= 0:
            return b""
        self._stream.seek(self._start + position)
        return self._stream.read(min(n, self.size - position))

    def payload(self, chunk: Chunk) -> bytes:
        """Return what a chunk of metadata holds."""
        return self.at(chunk.at, min(chunk.size, _MAX_PAYLOAD))

    def is_uniform(self, start: int, end: int) -> bool:
        """Whether a stretch holds one byte's value throughout, as far as 64 samples of it tell."""
        if end <= start:
            return True
        step = max(4_096, (end - start) // 64)
        first = self.at(start, 1)
        looked = [*range(start, end, step), max(start, end - 4_096)]
        return all(not self.at(p, min(4_096, end - p)).strip(first) for p in looked)


@dataclass(frozen=True, slots=True)
class Head:
    """A chunk's head: its name, where its payload begins, and how long that is said to be."""

    name: bytes
    at: int
    said: int


@dataclass(frozen=True)
class Grammar:
    """How a container writes its chunks.

    Attributes
    ----------
    size : int
        Bytes of a chunk's head.
    unpack : callable
        From a head's bytes to name and payload size; None where they are no head.
    align : int
        Chunks begin at multiples of this.
    samples : bytes
        The name of the chunk that holds the samples.
    known : frozenset of bytes
        Names that are searched for.
    open_sizes : frozenset of int
        Sizes by which writers say that they do not know yet.
    search : bytes, optional
        What the heads are searched by, where it is not their names, and its place in a head.
    """

    size: int
    unpack: Callable[[bytes], tuple[bytes, int] | None]
    align: int
    samples: bytes
    known: frozenset[bytes]
    open_sizes: frozenset[int]
    search: tuple[bytes, int] | None = None

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """What finds a known head among other bytes."""
        if self.search:
            return re.compile(re.escape(self.search[0]))
        return re.compile(b"|".join(re.escape(name) for name in sorted(self.known)))

    def padded(self, size: int) -> int:
        """Return a payload's size with the padding behind it."""
        return -(-size // self.align) * self.align


def four_letters(layout: str) -> Callable[[bytes], tuple[bytes, int] | None]:
    """Return what unpacks a head of a four-letter name and a size (``struct`` notation)."""
    packed = struct.Struct(layout)

    def unpack(head: bytes) -> tuple[bytes, int] | None:
        name = head[:4]
        if not all(32 <= byte < 127 for byte in name) or name == b"    ":
            return None
        return name, packed.unpack_from(head, 4)[0]

    return unpack


@dataclass(slots=True)
class Walk:
    """What a walk found."""

    chunks: list[Chunk] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Walker:
    """One walk through one file.

    Parameters
    ----------
    file : FileView
    grammar : Grammar
    start : int
        Where the first chunk begins.
    """

    def __init__(self, file: FileView, grammar: Grammar, start: int) -> None:
        self.file = file
        self.grammar = grammar
        self.start = start
        self.found = Walk()

    def chunks(self) -> Iterator[Head]:
        """Yield head after head; whoever takes one says by :meth:`step` where it ends."""
        self._position = self.start
        for _ in range(_MAX_CHUNKS):
            if self.file.size - self._position < self.grammar.size:
                return
            head = self.head(self._position)
            if head is None:
                after = self._position
                if self.file.is_uniform(after, self.file.size):
                    self._tell_tail(after)
                    return
                head = self._search(after, self.file.size)
                if head is None:
                    self._tell_tail(after)
                    return
                self._note(f"{head.at - self.grammar.size - after} bytes at offset {after} are no "
                           f"chunk: read on at its {shown(head.name)} chunk")  # fmt: skip
            yield head

    def _tell_tail(self, position: int) -> None:
        rest = self.file.size - position
        if rest >= self.grammar.align + self.grammar.size:
            zeros = self.file.is_uniform(position, self.file.size)
            self._note(
                f"{rest} {'equal ' if zeros else ''}bytes behind its last chunk are no chunk, and "
                "are not read"
            )

    def step(self, head: Head) -> None:
        """Keep a chunk of metadata and go to the next."""
        end, following = self._end(head)
        self.found.chunks.append(Chunk(head.name, head.at, end - head.at, head.said))
        self._position = following

    def keep(self, head: Head, size: int, following: int) -> None:
        """Keep a chunk whose length is known better, and go to where the next begins."""
        self.found.chunks.append(Chunk(head.name, head.at, size, head.said))
        self._position = following

    def _note(self, text: str) -> None:
        if text not in self.found.notes:
            self.found.notes.append(text)

    def head(self, position: int) -> Head | None:
        """Return the head at a position, if that is one: known, or of a size that fits."""
        raw = self.file.at(position, self.grammar.size)
        if len(raw) < self.grammar.size:
            return None
        unpacked = self.grammar.unpack(raw)
        if unpacked is None:
            return None
        name, said = unpacked
        at = position + self.grammar.size
        if name in self.grammar.known or 0 <= said <= self.file.size - at:
            return Head(name, at, said)
        return None

    def strong_head(self, position: int) -> Head | None:
        """Return the head at a position where nothing but the head itself speaks for one."""
        head = self.head(position)
        if head is None or head.name not in self.grammar.known:
            return None
        if 0 <= head.said <= self.file.size - head.at:
            return head
        if head.name != self.grammar.samples:
            return None
        letters = self.file.at(head.at - 4, 4)
        text = all(32 <= byte < 127 for byte in letters)  # prose that happens to hold the name
        return None if text and head.said not in self.grammar.open_sizes else head

    def follows(self, at: int, payload: int) -> int | None:
        """Return where the next chunk begins behind a payload; None if nowhere.

        The file's end, with or without a padding byte, is a good place too.
        """
        end, nominal = at + payload, at + self.grammar.padded(payload)
        size = self.file.size
        if end <= size <= nominal + 1 and not self.file.at(end, size - end).strip(b"\0"):
            return size
        if nominal > size:
            return None
        if self.chain_holds(nominal):
            return nominal
        gap = self.file.at(end, _MOST_PADDING + self.grammar.size)
        for skipped in range(_MOST_PADDING):
            if gap[:skipped].strip(b"\0"):
                break
            if end + skipped != nominal and self.strong_head(end + skipped):
                self._note(
                    f"{skipped or 'no'} padding bytes stand before offset {end + skipped}, where "
                    f"{nominal - end or 'none'} belong"
                )
                return end + skipped
        return None

    def chain_holds(self, position: int) -> bool:
        """Whether a chunk begins here, and is known or the first of others up to the end."""
        if self.strong_head(position):
            return True
        for _ in range(64):
            head = self.head(position)
            if head is None:
                return False
            end = head.at + max(0, head.said)
            position = head.at + self.grammar.padded(max(0, head.said))
            if end <= self.file.size <= position:
                return True
            if self.strong_head(position):
                return True
        return False

    def _end(self, head: Head) -> tuple[int, int]:
        """Return where a chunk of metadata ends, and where the next begins."""
        size = self.file.size
        end = head.at + max(0, head.said)
        nominal = head.at + self.grammar.padded(max(0, head.said))
        if head.said >= 0 and end <= size:
            following = self.follows(head.at, head.said)
            if following is not None:
                return end, following
            if self.file.is_uniform(end, size):
                return end, nominal
        found = self._search(head.at, size)
        if found is not None:
            at = found.at - self.grammar.size
            self._note(
                f"the size of its {shown(head.name)} chunk ({head.said} bytes) leads astray: read "
                f"on at its {shown(found.name)} chunk, {at - head.at} bytes on"
            )
            return min(max(end, head.at), at) if head.said >= 0 else at, at
        if end > size or head.said < 0:
            self._note(f"its {shown(head.name)} chunk is cut short: {head.said} bytes promised, "
                       f"{size - head.at} there")  # fmt: skip
            return size, size
        return end, nominal

    def _search(self, start: int, end: int) -> Head | None:
        """Return the next known chunk in a stretch, as far as one megabyte reaches."""
        return next(self.heads_in(start, min(end, start + _SEARCHED_BYTES)), None)

    def heads_in(self, start: int, end: int) -> Iterator[Head]:
        """Yield what looks like a known chunk's head, wherever it stands in a stretch."""
        blob = self.file.at(start, end - start)
        behind = self.grammar.search[1] if self.grammar.search else 0
        for match in self.grammar.pattern.finditer(blob):
            head = self.strong_head(start + match.start() - behind)
            if head is not None and head.at - self.grammar.size >= start:
                yield head

    def tail(self, start: int) -> int | None:
        """Return where chunks begin that reach just to the file's end; None without any."""
        size = self.file.size
        for head in self.heads_in(max(start, size - _SEARCHED_BYTES), size):
            if self._reaches_end(head):
                return head.at - self.grammar.size
        return None

    def _reaches_end(self, head: Head) -> bool:
        following: Head | None = head
        for _ in range(64):
            if following is None:
                return False
            end = following.at + max(0, following.said)
            position = following.at + self.grammar.padded(max(0, following.said))
            if end <= self.file.size <= position:
                return True
            following = self.head(position)
        return False

    def lost(self, name: bytes) -> Head | None:
        """Return a chunk that the walk did not come past, wherever it is."""
        size = self.file.size
        places = [(self.start, min(size, self.start + _SEARCHED_BYTES))]
        if size > places[0][1]:
            places.append((max(places[0][1], size - _SEARCHED_BYTES), size))
        for start, end in places:
            for head in self.heads_in(start, end):
                if head.name == name:
                    self._note(f"its {shown(name)} chunk was found again at offset "
                               f"{head.at - self.grammar.size}")  # fmt: skip
                    return head
        return None


def shown(name: bytes) -> str:
    """Return a chunk's name as it can be printed."""
    return "'" + "".join(chr(b) if 32 <= b < 127 else f"\\x{b:02x}" for b in name) + "'"
