"""What the readers of WAVE, AIFF and CAF files share: a walk through chunks, two of them needed."""

from abc import ABC, abstractmethod
from typing import ClassVar

from cue_pipeline.audio.containers.contents import Chunk, Contents
from cue_pipeline.audio.containers.extent import Extent, settle_end
from cue_pipeline.audio.containers.walking import FileView, Head, Walker, shown
from cue_pipeline.audio.containers.wave_shape import take_shape


class ChunkedReader(ABC):
    """One file of chunks on its way to :class:`Contents`.

    Parameters
    ----------
    file : FileView
    contents : Contents
        Filled by :meth:`read`.
    walker : Walker
        At the file's first chunk.
    """

    form_chunk: ClassVar[bytes]
    """The name of the chunk that says what the samples' bytes mean."""

    def __init__(self, file: FileView, contents: Contents, walker: Walker) -> None:
        self.file = file
        self.contents = contents
        self.walker = walker

    def read(self) -> None:
        """Walk through the chunks and judge what they say."""
        for head in self.walker.chunks():
            self._take(head)
        data_chunk = self.walker.grammar.samples
        if not self.has_form() and (lost := self.walker.lost(self.form_chunk)):
            self._take(lost)
        if not self.has_samples() and (lost := self.walker.lost(data_chunk)):
            self._take(lost)
        self.contents.chunks = self.walker.found.chunks
        self.contents.notes.extend(self.walker.found.notes)
        if not self.has_form():
            self.contents.fault = (
                f"has no format chunk ({shown(self.form_chunk)}): nothing says what its bytes mean"
            )
        elif not self.has_samples():
            self.contents.fault = f"has no audio ({shown(data_chunk)} chunk missing)"
        else:
            self.interpret()
            take_shape(self.file, self.contents)
            settle_end(self.file, self.contents)

    def _take(self, head: Head) -> None:
        if head.name == self.walker.grammar.samples:
            self.take_samples(head)
            return
        self.walker.step(head)
        self.take_chunk(head, self.walker.found.chunks[-1])

    @abstractmethod
    def has_form(self) -> bool:
        """Return whether the chunk was found that says what the bytes mean."""

    @abstractmethod
    def take_chunk(self, head: Head, chunk: Chunk) -> None:
        """Take what a chunk says that holds no samples."""

    @abstractmethod
    def take_samples(self, head: Head) -> None:
        """Find where a chunk of samples ends, and :meth:`keep_samples`."""

    @abstractmethod
    def interpret(self) -> None:
        """Judge the form of the samples by all that was said, and by their bytes."""

    def has_samples(self) -> bool:
        """Return whether a chunk of samples was found."""
        return self.contents.data_offset is not None

    def keep_samples(self, head: Head, extent: Extent, skipped: int = 0, note: str = "") -> None:
        """Keep where the samples are; of several chunks of samples the longest is read.

        Parameters
        ----------
        head : Head
            Of the chunk.
        extent : Extent
            How far the chunk reaches.
        skipped : int
            Bytes at its beginning that are no samples.
        note : str
            What is to be said of the extent, if anything.
        """
        size = max(0, extent.size - skipped)
        if self.has_samples():
            held = self.contents.data_size
            self.contents.notes.append(
                f"it has a further {shown(head.name)} chunk: {held} bytes of audio in one, {size} "
                "in the other, and the longer is read"
            )
            if size <= held:
                return
        if note:
            self.contents.notes.append(note)
        self.contents.data_offset, self.contents.data_size = head.at + skipped, size
        self.contents.promised_size = max(size, extent.promised - skipped)
        self.contents.believed_size = (
            None if extent.believed is None else max(0, extent.believed - skipped)
        )
