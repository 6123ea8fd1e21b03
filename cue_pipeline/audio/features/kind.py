"""What a kind of feature says of itself, once: its asset, its rows and its pass follow from that.

Conventions
-----------
Samples are float32, full scale = 1.0, at the project's rate, in blocks of any length. Frames are
rows: shape=(n_frames, n_columns). What a kind yields must not depend on where blocks end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cue_pipeline.errors import AudioFileError

if TYPE_CHECKING:  # the command line asks for names of kinds, and has no need of numpy
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

Cost = Literal["cheap", "slow"]
Hears = Literal["composite", "channels", "spectra"]
Frames: TypeAlias = "npt.NDArray[Any]"
Samples: TypeAlias = "npt.NDArray[np.float32]"

_SLACK = 8  # samples that a resampler may give more or fewer

COMPOSITE = "mono"
ALL_CHANNELS = "all"
"""What the column ``channel`` holds where all channels were heard, each as what it is."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The clock that the project's features share: that of the mel spectrograms.

    Attributes
    ----------
    sample_rate : int
        Hz, of the samples that a kind is fed (``CUE_SAMPLE_RATE``).
    hop_length : int
        Samples between frames (``CUE_MEL_HOP_LENGTH``).
    n_fft : int
        Samples of a frame (``CUE_MEL_N_FFT``).
    n_mels : int
        Mel bands (``CUE_MEL_N_MELS``).
    wave_rate : int
        Hz, of the samples that are stored as they are (``CUE_WAVE_SAMPLE_RATE``).
    embedding_model, codec_model : Path, optional
        Models that kinds are made by (``CUE_EMBEDDING_MODEL``, ``CUE_CODEC_MODEL``).
    compiled : bool
        Whether the pass is long enough for compiled kernels: how frames are made, never which.
    """

    sample_rate: int
    hop_length: int
    n_fft: int
    n_mels: int = 64
    wave_rate: int = 16_000
    embedding_model: Path | None = None
    codec_model: Path | None = None
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class FrameShape:
    """What a kind's frames are under a grid.

    Attributes
    ----------
    n_columns : int
    sample_rate : int
        Hz, of the signal that frames are counted in.
    hop_length : int
        Samples between frames.
    params : mapping
        Every parameter, as JSON holds it: stored with the rows, and part of the code version.
    first_frame_at : int
        The sample that frame 0 speaks of: frame t speaks of ``first_frame_at + t · hop_length``.
    silence : float
        What a frame of silence holds: it stands for what lies beyond a sound's ends.
    tail : int
        Samples at the end, at most, that no frame speaks of, where a kind wants whole windows.
    """

    n_columns: int
    sample_rate: int
    hop_length: int
    params: Mapping[str, Any] = field(default_factory=dict)
    first_frame_at: int = 0
    silence: float = 0.0
    tail: int = 0

    def refuse_frames(self, name: str, n_frames: int, n_samples: int, sample_rate: int) -> None:
        """Refuse frames of a kind that cannot stand where this says: too few, or too many.

        Parameters
        ----------
        name : str
            Of the kind.
        n_frames : int
            What it gave.
        n_samples, sample_rate : int
            Of the signal that it was fed; Hz.

        Raises
        ------
        AudioFileError
            If they are not as many as there are steps in the signal, give or take one.
        """
        length = n_samples * self.sample_rate // sample_rate
        most = max(0, (length - self.first_frame_at) // self.hop_length + 1)
        slack = max(1, _SLACK // self.hop_length)
        least = most - slack - -(-self.tail // self.hop_length)
        if not least <= n_frames <= most + slack:
            raise AudioFileError(
                f"The feature '{name}' gave {n_frames:,} frames of {length:,} samples at "
                f"{self.sample_rate:,} Hz; {most:,} are needed where they stand "
                f"{self.hop_length:,} samples apart from {self.first_frame_at:,} on, as its shape "
                "says: their times would be wrong. Mend the module that makes it (`tail` of its "
                "FrameShape says how many samples at the end have no frame)."
            )


class FeatureStream(ABC):
    """One signal on its way to frames. A kind's own class says how."""

    @abstractmethod
    def feed(self, block: Samples) -> Iterable[Frames]:
        """Take the next samples; return the frames that they complete.

        Parameters
        ----------
        block : np.ndarray
            Samples, shape=(n,), or (n_channels, n) for a kind that hears channels; frames, a row
            each, for one that hears spectra or another kind. The caller's own: whoever keeps
            something of it copies that.
        """

    def finish(self) -> Iterable[Frames]:
        """Return the frames that are left at the signal's end."""
        return ()

    def summary(self) -> Mapping[str, Any]:
        """Return what is known of the whole signal then, for ``params``; None for what is not."""
        return {}

    def warnings(self) -> Sequence[str]:
        """Return what a person should know of the whole signal then, a sentence each."""
        return ()


Make = Callable[[Grid, tuple[str, ...]], FeatureStream]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureKind:
    """One kind of feature.

    Attributes
    ----------
    name : str
        In ``CUE_FEATURES``, and the ``feature_type`` of its rows: letters, digits and ``_``; one
        that hears a downmix is ``downmix.NAME``.
    about : str
        What its rows hold, with units: the asset's description in the UI.
    algorithm : int
        Raised when the same samples would give other frames.
    shape : callable
        Grid → :class:`FrameShape`. It raises ``SettingsError`` where the grid does not do.
    make : callable
        Grid and the labels of the channels heard → a new stream.
    hears : {"composite", "channels", "spectra"}
        The mean of a group's channels, as the mel spectrogram hears it; all channels; or the power
        spectra of that mean (:mod:`.spectra`), which all kinds that hear them share.
    upstream : FeatureKind, optional
        Another kind, whose frames it hears instead: made once, stored only where it is chosen.
        What that gives of a block, and at the end, is held at once.
    dtype : str
        NumPy type in which frames are stored.
    decibels : bool
        Whether its largest value is a level: ``max_db``.
    cost : {"cheap", "slow"}
        As an asset's.
    downmix : bool
        Whether it hears the stereo downmix (:mod:`.downmix`).
    has_gaps : bool
        Whether NaN stands for what is not known. Of any other kind, NaN is warned of.
    no_vector : str, optional
        Why the mean of its frames has no direction that could be compared: ``its columns are
        counts``. A search asks it of the kinds that ship; of rows whose package may be gone it
        knows the frames alone, and refuses those of one column.
    """

    name: str
    about: str
    algorithm: int
    shape: Callable[[Grid], FrameShape]
    make: Make
    hears: Hears = "composite"
    dtype: str = "float16"
    decibels: bool = False
    cost: Cost = "cheap"
    downmix: bool = False
    has_gaps: bool = False
    no_vector: str | None = None
    upstream: FeatureKind | None = None

    @property
    def asset(self) -> str:
        """Name of its asset."""
        return asset_of(self.name)

    @property
    def hears_channels(self) -> bool:
        """Whether what it is made of are all channels, each as what it is."""
        return self.upstream.hears_channels if self.upstream else self.hears == "channels"


def asset_of(name: str) -> str:
    """Return the name of the asset that makes a kind: ``chroma`` → ``chroma_features``.

    >>> asset_of("downmix.mel")
    'downmix_mel_features'
    """
    return f"{name.replace('.', '_')}_features"


def on_grid(n_columns: int, **params: Any) -> Callable[[Grid], FrameShape]:
    """Return the shape of frames that stand where those of the mel spectrogram do."""

    def shape(grid: Grid) -> FrameShape:
        whole = {"n_fft": grid.n_fft, "center": True, **params}
        return FrameShape(n_columns, grid.sample_rate, grid.hop_length, whole)

    return shape
