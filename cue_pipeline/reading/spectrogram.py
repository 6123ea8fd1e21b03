"""A stored feature, a mel spectrogram or another kind, read when it is looked at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse.features import MEL_SPECTROGRAM, Header, read_frames, read_headers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cue_pipeline.reading.whole_library import Library

ATTEMPTS = 3
_ROUNDING = 1e-6  # of a frame: a boundary that float64 has moved is still the boundary


class Features:
    """The features of one type of one stem or mix, by profile and channel."""

    def __init__(
        self,
        library: Library,
        kind: Any,
        cue_key: str,
        parent_id: int,
        name: str,
        feature_type: str = MEL_SPECTROGRAM,
    ) -> None:
        self._library, self._kind = library, kind
        self._cue_key, self._parent_id, self._name = cue_key, parent_id, name
        self.feature_type = feature_type
        self._headers: dict[tuple[str, str], Header] | None = None

    def header(self, profile: str, channel: str, *, fresh: bool = False) -> Header:
        """Return the header of one of them; ``fresh``: as the database has it now."""
        headers = self._read() if self._headers is None or fresh else self._headers
        try:
            return headers[profile, channel]
        except KeyError:
            raise WarehouseError(self._lacks(profile, channel)) from None

    def only(self) -> Header:
        """Return the header of the only one, as the database has it now.

        Raises
        ------
        WarehouseError
            If there is none, or there are several.
        """
        found = list(self._read().values())
        if len(found) == 1:
            return found[0]
        if found:
            raise WarehouseError(
                f"Several features '{self.feature_type}' are stored of '{self._name}' of cue "
                f"'{self._cue_key}': name the channel, one of "
                f"{', '.join(repr(h.channel) for h in found)}."
            )
        raise WarehouseError(self._lacks("default", "mono"))

    def _read(self) -> dict[tuple[str, str], Header]:
        found = read_headers(
            self._library.store, self._kind, self._cue_key, self._parent_id, self.feature_type
        )
        self._headers = {(h.profile, h.channel): h for h in found}
        return self._headers

    def _lacks(self, profile: str, channel: str) -> str:
        there = ", ".join(f"{p!r} of {c!r}" for p, c in sorted(self._headers or ())) or "none"
        what, how = "mel spectrogram", " Profiles are chosen by CUE_MEL_PROFILES;"
        if self.feature_type != MEL_SPECTROGRAM:
            what, how = f"feature '{self.feature_type}',", ""
        return (
            f"No {what} {profile!r} of channel {channel!r} is stored of "
            f"'{self._name}' of cue '{self._cue_key}'. There are: {there}.{how} 'mono' is the "
            "composite."
        )

    def window(self, start: float, end: float, profile: str, channel: str) -> NDArray[np.float32]:
        """Return a window of one of them, read anew where the asset was made again meanwhile."""
        header = self.header(profile, channel)
        for _ in range(ATTEMPTS):
            first, last = window_frames(header, start, end)
            found = read_frames(self._library.store, header, first, last)
            if found is not None:
                return as_read(found)
            header = self.header(profile, channel, fresh=True)
        raise self._made_again()

    def frames(self, header: Header, first: int, last: int) -> NDArray[np.float32]:
        """Return some frames of one of them."""
        found = read_frames(self._library.store, header, first, last)
        if found is None:
            raise self._made_again()
        return as_read(found)

    def _made_again(self) -> WarehouseError:
        return WarehouseError(
            f"The mel spectrograms of cue '{self._cue_key}' were made again since this one was "
            "opened. Ask the stem for it anew: `stem.mel()`."
            if self.feature_type == MEL_SPECTROGRAM
            else f"The features '{self.feature_type}' of cue '{self._cue_key}' were made again "
            f"since this one was opened. Ask for it anew: `stem.feature('{self.feature_type}')`."
        )


def as_read(stored: NDArray[Any]) -> NDArray[Any]:
    """Return stored values as they are worked with: float16 as float32, others as they are."""
    return stored.astype(np.float32 if stored.dtype == np.float16 else stored.dtype)


def window_frames(header: Header, start: float, end: float) -> tuple[int, int]:
    """Return the first frames whose centres are not before ``start``, and not before ``end``.

    Both lie within the array, the second never before the first.
    """

    def frame_at(seconds: float) -> int:
        at = (seconds * header.sample_rate - _centre(header)) / header.hop_length
        return min(max(0, math.ceil(at - _ROUNDING)), header.n_frames)

    first = frame_at(start)
    return first, max(first, frame_at(end))


def _centre(header: Header) -> int:
    """Return the sample of which frame 0 speaks: on which it is centred."""
    if "first_frame_at" in header.params:
        return int(header.params["first_frame_at"])
    return 0 if header.params.get("center", True) else int(header.params["n_fft"]) // 2


class Feature(NDArrayOperatorsMixin):
    """A stored feature: an array of shape (n_frames, n_columns).

    It takes part in NumPy's arithmetic and functions as an array does, and has an array's
    attributes and methods (``mel.T``, ``mel.max()``). The database is read when values are first
    asked for: all of them and once for the whole, or for ``mel[first:last]`` and
    :meth:`window` just those frames.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        float32 where the tables hold float16; theirs otherwise.
    profile, channel : str
        Which of them: set of parameters, and ``mono`` (the composite) or a channel's label.
    sample_rate, hop_length : int
        Of the signal that it was made of, Hz and samples.
    frames_per_second : float
    max_db : float or None
        Largest value; ``mel - mel.max_db`` is dB re maximum. None where values are no levels.
    params : dict
        Every parameter and library version that made it.
    warnings : list of str
        Damage met while the samples were read.
    """

    ndim = 2
    _columns = "columns"

    def __init__(self, features: Features, header: Header) -> None:
        self._features, self._header = features, header
        self._all: NDArray[Any] | None = None
        self.shape = (header.n_frames, header.n_mels)
        self.dtype = as_read(np.empty(0, header.dtype)).dtype
        self.profile, self.channel = header.profile, header.channel
        self.sample_rate, self.hop_length = header.sample_rate, header.hop_length
        self.frames_per_second = header.sample_rate / header.hop_length
        self.max_db, self.params, self.warnings = header.max_db, header.params, header.warnings

    @property
    def kind(self) -> str:
        """Which feature it is: ``chroma``, …; ``mel_spectrogram``."""
        return self._features.feature_type

    @property
    def _called(self) -> str:
        return self.kind

    @property
    def version(self) -> str:
        """When it was written: another one, where the spectrogram was made again."""
        return self._header.written_at.isoformat()

    @property
    def array(self) -> NDArray[np.float32]:
        """All frames as a NumPy array."""
        if self._all is None:
            self._all = self._features.frames(self._header, 0, self.shape[0])
        return self._all

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds from the first sample to the centre of each frame, shape=(n_frames,)."""
        return (
            np.arange(self.shape[0]) * self.hop_length + _centre(self._header)
        ) / self.sample_rate

    def window(self, start: float, end: float) -> NDArray[Any]:
        """Return the frames whose centres lie in ``start <= t < end``; only those are read.

        Parameters
        ----------
        start, end : float
            Seconds from the first sample of the file. Windows that follow each other share no
            frame and leave none out; what lies beyond the ends is not there.

        Returns
        -------
        np.ndarray, shape=(n, n_columns)
        """
        return self._part(*window_frames(self._header, start, end))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, item: Any) -> Any:
        if self._all is None and isinstance(item, slice) and item.step in (None, 1):
            first, last, _ = item.indices(self.shape[0])
            return self._part(first, max(first, last))
        return self.array[item]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False and dtype not in (None, self.dtype):
            raise ValueError(f"a feature is {self.dtype}: another dtype needs a copy")
        found = self.array
        return found.astype(dtype or self.dtype, copy=bool(copy))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [np.asarray(i) if isinstance(i, Feature) else i for i in inputs]
        return getattr(ufunc, method)(*arrays, **options)

    def __getattr__(self, name: str) -> Any:
        # Not of this class, so of the array; private names never are.
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.array, name)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self._called!r} of {self.channel!r}: {self.shape[0]} frames "
            f"of {self.shape[1]} {self._columns}, {self.frames_per_second:g} a second>"
        )

    def _part(self, first: int, last: int) -> NDArray[Any]:
        if self._all is not None:
            return self._all[first:last]
        return self._features.frames(self._header, first, last)


class Mel(Feature):
    """A mel spectrogram: an array of shape (n_frames, n_mels), float32, dB re full scale."""

    _columns = "bands"

    @property
    def _called(self) -> str:
        return self.profile
