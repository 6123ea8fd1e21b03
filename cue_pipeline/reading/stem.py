"""Stems and mixes: what is known of them, their spectrograms, and their samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cue_pipeline.errors import WarehouseError
from cue_pipeline.reading.spectrogram import Feature, Features, Mel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cue_pipeline.reading.one_cue import Cue


class _Sound:
    """A group of channels that belong together."""

    _kind: ClassVar[Literal["stem", "mix"]]

    def __init__(self, cue: Cue, row: Mapping[str, Any]) -> None:
        self.cue = cue
        self.row = dict(row)
        """All columns of its row, as the data model describes them."""

    @property
    def id(self) -> int:
        """Id of its row."""
        return int(self.row["id"])

    @property
    def name(self) -> str:
        """Its canonical name, unique in the cue."""
        return str(self.row["canonical_name"])

    @property
    def layout(self) -> str:
        """``mono``, ``stereo``, ``5.1``, …."""
        return str(self.row["layout"])

    @property
    def labels(self) -> tuple[str, ...]:
        """Label of each channel, in the order of :meth:`audio`'s rows: ``L``, ``R``, …."""
        return tuple(channel["label"] for channel in self.row["channels"])

    @property
    def sample_rate(self) -> int:
        """Hz, of the files."""
        return int(self.row["sample_rate"])

    @property
    def duration_seconds(self) -> float:
        """Length of the longest channel."""
        return float(self.row["duration_seconds"])

    @property
    def start_offset_seconds(self) -> float | None:
        """Seconds from the earliest time reference of the cue's audio to its first sample.

        None where the files bear no time reference.
        """
        value = self.row["start_offset_seconds"]
        return None if value is None or value != value else float(value)

    @property
    def warnings(self) -> Sequence[str]:
        """What is odd about the files, in words."""
        return tuple(self.row["warnings"])

    def mel(self, profile: str = "default", channel: str = "mono") -> Mel:
        """Return one of its mel spectrograms; values are read when they are looked at.

        Parameters
        ----------
        profile : str
            Set of parameters: one of those in ``CUE_MEL_PROFILES`` when the cue was processed.
        channel : str
            ``mono``, the mean of all channels; of a mix also a channel's label.

        Raises
        ------
        NotReadyError
            If the ledger does not vouch for the cue's spectrograms.
        WarehouseError
            If there is none of that profile or channel; says which there are.
        """
        return Mel(self._features, self._features.header(profile, channel, fresh=True))

    def feature(self, kind: str, channel: str | None = None) -> Feature:
        """Return a feature of another kind than mel; values are read when they are looked at.

        Parameters
        ----------
        kind : str
            One of those in ``CUE_FEATURES`` when the cue was processed: ``chroma``, …. ``mel`` is
            read by :meth:`mel`.
        channel : str, optional
            Where several channels have it: which.

        Raises
        ------
        NotReadyError
            If the ledger does not vouch for that kind of the cue's, or it was made of other files
            than the rest: they were replaced, and the kind was not in ``CUE_FEATURES`` then.
        WarehouseError
            If there is none of that kind or channel.
        """
        if kind == "mel":
            raise WarehouseError(
                f"The mel spectrogram of '{self.name}' is not read by feature('mel'): it has sets "
                "of parameters. Ask for mel(), which takes a profile and a channel."
            )
        cue = self.cue
        stored = Features(cue.library, self._kind, cue.key, self.id, self.name, kind)
        if channel is None:
            return Feature(stored, stored.only())
        return Feature(stored, stored.header("default", channel, fresh=True))

    def window(
        self, start: float, end: float, profile: str = "default", channel: str = "mono"
    ) -> NDArray[np.float32]:
        """Return the frames of a mel spectrogram in ``start <= t < end``, and read only those.

        The same as ``mel(profile, channel).window(start, end)`` in one query less.

        Parameters
        ----------
        start, end : float
            Seconds from the first sample of the file, as for :meth:`audio`.
        profile, channel : str
            As for :meth:`mel`.

        Returns
        -------
        np.ndarray, shape=(n, n_mels), dtype=float32
        """
        return self._features.window(start, end, profile, channel)

    def audio(
        self, start: float = 0.0, duration: float | None = None, sample_rate: int | None = None
    ) -> NDArray[np.float32]:
        """Return samples, read from the files by what the pipeline itself reads them with.

        Parameters
        ----------
        start : float
            Seconds from the first sample of the file: the clock of the mel spectrograms. Add
            ``start_offset_seconds`` for the clock that all audio of the cue shares.
        duration : float, optional
            Seconds; to the end otherwise. What lies beyond the end is not there.
        sample_rate : int, optional
            Hz; resampled (soxr HQ) where the files have another. :attr:`sample_rate` otherwise.

        Returns
        -------
        np.ndarray, shape=(n_channels, n_samples), dtype=float32
            Full scale = 1.0; rows as :attr:`labels` names them. Shorter channels are padded with
            silence, and silence stands for NaN and infinity.

        Raises
        ------
        CueError
            If the cue's folder cannot be found.
        AudioFileError
            If a file is gone, cannot be read, or is another than the one that was processed.
        """
        from cue_pipeline.audio.excerpt import read_excerpt

        return read_excerpt(
            self.cue.folder,
            self.row["channels"],
            start=start,
            duration=duration,
            sample_rate=sample_rate or self.sample_rate,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {self.cue.key!r}: {self.layout}>"

    @cached_property
    def _features(self) -> Features:
        return Features(self.cue.library, self._kind, self.cue.key, self.id, self.name)


class Stem(_Sound):
    """A stem: a row of ``audio_files``."""

    _kind = "stem"

    @property
    def category(self) -> str | None:
        """Its instrument category; None: undecided, or the mapping is not ready."""
        value = self.row["instrument_category"]
        return None if value is None else str(value)


class Mix(_Sound):
    """A mix of the whole cue: a row of ``final_mixes``."""

    _kind = "mix"
