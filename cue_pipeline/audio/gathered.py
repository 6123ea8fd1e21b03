"""Files that belong together, on their way to a channel group."""

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cue_pipeline.audio.headers import AudioHeader


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a group, with the label of each of its channels."""

    header: AudioHeader
    labels: tuple[str, ...]


@dataclass(slots=True)
class Gathered:
    """Files that belong together.

    Attributes
    ----------
    name : str
        What their names share.
    folder : str
        Relative to the cue's folder, POSIX; '' for that itself.
    members : list of Member
    shape : str
        ``split``, ``interleaved`` or ``mono``.
    layout_from : str
        What says which channel is which: ``tokens`` and ``name`` (file names), a header's
        ``labels_from``, ``setting`` (``CUE_INTERLEAVED_ORDER``), ``numbers`` (nothing does).
    evidence : list of str
        What brought them together.
    notes : list of str
        What a person should know.
    doubt : str or None
        Why it may be no source of its own.
    open_order : str or None
        That nothing says which of its channels is which, and what is taken; None: something does.
    """

    name: str
    folder: str
    members: list[Member]
    shape: str
    layout_from: str
    evidence: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubt: str | None = None
    open_order: str | None = None

    @property
    def sound(self) -> list[Member]:
        """Members that can be read."""
        return [m for m in self.members if m.header.fault is None]

    @property
    def faulty(self) -> list[AudioHeader]:
        """Headers of members that cannot."""
        return [m.header for m in self.members if m.header.fault is not None]


def folder_of(header: AudioHeader) -> str:
    """Return the folder of a file, relative to the cue's folder; '' for that itself."""
    parent = str(PurePosixPath(header.file).parent)
    return "" if parent == "." else parent
