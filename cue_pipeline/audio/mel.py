"""Log-mel spectrograms of signals that arrive in blocks.

Conventions
-----------
Signals are float32, full scale = 1.0. Frames are rows: shape=(n_frames, n_mels). Levels are
absolute dB (ref = 1.0, nothing clipped to a range below the maximum): for ``power=2`` librosa's
``power_to_db(S, ref=1.0, amin=amin, top_db=None)``, for any power its ``(20 / power) · log10``.
"""

from collections.abc import Iterator

import numpy as np

from cue_pipeline.audio.compiled.choice import LANES, FrameKernel, compiled_frames, fits_kernel
from cue_pipeline.audio.mel_filters import Float32Array, MelPlan, mel_plan
from cue_pipeline.errors import AudioFileError
from cue_pipeline.settings import MelSettings

_FFT_BLOCK_FLOATS = 1 << 16  # 512 KiB of frames: the transforms stay in the core's own cache


def n_frames_of(n_samples: int, mel: MelSettings) -> int:
    """Return how many frames a signal has: ``1 + n // hop`` for centred frames of even length."""
    padded = n_samples + 2 * (mel.n_fft // 2) if mel.center else n_samples
    return 0 if padded < mel.n_fft else 1 + (padded - mel.n_fft) // mel.hop_length


def log_mel_spectrogram(
    y: Float32Array, mel: MelSettings, *, compiled: bool = False
) -> Float32Array:
    """Return the log-power mel spectrogram of one mono signal.

    Parameters
    ----------
    y : np.ndarray, shape=(n_samples,)
        Mono signal at ``mel.sr`` Hz, full scale = 1.0.
    mel : MelSettings
        Parameters.
    compiled : bool
        By the compiled kernels, where they take the parameters (see :mod:`.compiled.choice`).

    Returns
    -------
    np.ndarray, shape=(n_frames, n_mels), dtype=float32
        Level in dB re full scale; ``n_frames = 1 + n_samples // hop_length`` where centred.

    Raises
    ------
    AudioFileError
        If ``y`` is not one-dimensional.
    """
    if y.ndim != 1:
        raise AudioFileError(f"A mono signal of shape (n,) is needed, {y.shape} was given.")
    stream = MelStream(mel, compiled=compiled)
    parts = [*stream.feed(np.asarray(y, dtype=np.float32)), *stream.finish()]
    return np.concatenate(parts) if parts else np.empty((0, mel.n_mels), np.float32)


class MelStream:
    """The spectrogram of one signal, fed in blocks of any length.

    Memory is bounded by the longest block, not by the signal.

    Examples
    --------
    >>> stream = MelStream(MelSettings())
    >>> frames = [*stream.feed(np.zeros(48_000, np.float32)), *stream.finish()]
    >>> sum(len(f) for f in frames)
    94
    """

    def __init__(self, mel: MelSettings, *, compiled: bool = False) -> None:
        self._plan: MelPlan = mel_plan(mel)
        self._half = mel.n_fft // 2 if mel.center else 0
        self._reflect = mel.center and mel.pad_mode == "reflect"
        self._buffer = np.zeros(2 * mel.n_fft, np.float32)
        self._held = 0 if self._reflect else self._half  # samples at the buffer's beginning
        self._room = self._buffer[:0]
        self._started = not self._reflect
        self._skip = 0
        self._last = np.zeros(0, np.float32)
        batch = max(1, _FFT_BLOCK_FLOATS // mel.n_fft)
        self._framed = np.empty((batch, mel.n_fft))
        self._kernel = compiled_frames(self._plan) if compiled and fits_kernel(mel) else None

    def room(self, n: int) -> Float32Array:
        """Return where the next ``n`` samples may be written before they are fed.

        A block that lies there is not copied; whoever writes it must feed that very array.
        """
        needed = self._held + n
        if needed > self._buffer.size:
            grown = np.empty(max(needed, 2 * self._buffer.size), np.float32)
            grown[: self._held] = self._buffer[: self._held]
            self._buffer = grown
        self._room = self._buffer[self._held : needed]
        return self._room

    def feed(self, block: Float32Array) -> Iterator[Float32Array]:
        """Yield the frames that a block completes, shape=(n, n_mels), dB."""
        if self._reflect:
            self._last = np.concatenate((self._last, block))[-(self._half + 1) :]
        self._take(block)
        if not self._started:
            if self._held <= self._half:
                return
            head = self._buffer[: self._held].copy()
            self._held = 0
            self._take(head[self._half : 0 : -1])
            self._take(head)
            self._started = True
        yield from self._frames()

    def finish(self) -> Iterator[Float32Array]:
        """Yield the last frames: those that reach into the padding at the end."""
        if not self._started:  # shorter than the padding: numpy reflects as often as it takes
            head = self._buffer[: self._held].copy()
            mode = "reflect" if head.size > 1 else "edge"
            padded = np.pad(head, self._half, mode=mode) if head.size else self._silence(2)  # type: ignore[call-overload]
            self._held = 0
            self._take(padded)
            self._started = True
        elif self._reflect:
            self._take(self._last[-2::-1])
        else:
            self._take(self._silence(1))
        yield from self._frames(last=True)

    def _silence(self, halves: int) -> Float32Array:
        return np.zeros(halves * self._half, np.float32)

    def _take(self, samples: Float32Array) -> None:
        """Put samples at the end of those held."""
        if samples is not self._room:
            self.room(samples.size)[:] = samples
        self._held += samples.size

    def _drop(self, count: int) -> None:
        """Let go of the first samples held, or of those that come where there are fewer."""
        self._skip = max(0, count - self._held)
        rest = self._buffer[count : self._held]
        self._buffer[: rest.size] = rest
        self._held = rest.size

    def _frames(self, *, last: bool = False) -> Iterator[Float32Array]:
        """Yield what the buffer holds of whole frames, and keep the rest."""
        mel = self._plan.mel
        if self._skip:
            self._drop(self._skip)
        if self._skip or self._held < mel.n_fft:
            return
        n_frames = 1 + (self._held - mel.n_fft) // mel.hop_length
        if self._kernel is not None:
            if not last:
                n_frames = n_frames // LANES * LANES
            if n_frames:
                yield self._by_kernel(self._kernel, n_frames)
        else:
            held = self._buffer[: self._held]
            framed = np.lib.stride_tricks.sliding_window_view(held, mel.n_fft)
            framed = framed[:: mel.hop_length]
            for first in range(0, len(framed), len(self._framed)):
                yield self._log_mel(framed[first : first + len(self._framed)])
        self._drop(n_frames * mel.hop_length)

    def _by_kernel(self, kernel: FrameKernel, n_frames: int) -> Float32Array:
        """Return the levels of the buffer's first frames; the kernel takes eight at a time."""
        mel = self._plan.mel
        whole = -(-n_frames // LANES) * LANES
        needed = (whole - 1) * mel.hop_length + mel.n_fft
        if self._held < needed:
            self._take(np.zeros(needed - self._held, np.float32))
        return kernel(self._buffer[: self._held], whole)[:n_frames]

    def _log_mel(self, framed: Float32Array) -> Float32Array:
        """Return the levels of some frames, shape=(n, n_fft) → (n, n_mels).

        In double precision: a single-precision transform errs by some 1e-7 of a frame's loudest
        bin, which is more than 0.001 dB of a band 80 dB below it, as high bands of real music are.
        """
        import scipy.fft

        plan = self._plan
        windowed = np.multiply(framed, plan.window, out=self._framed[: len(framed)])
        parts = scipy.fft.rfft(windowed, axis=1, workers=1).view(np.float64)
        np.multiply(parts, parts, out=parts)
        width = 2
        if not plan.squares:
            parts = (parts[:, ::2] + parts[:, 1::2]) ** (plan.mel.power / 2.0)
            width = 1
        singles = parts.astype(np.float32)  # positive terms only: nothing cancels any more
        levels = np.zeros((len(framed), plan.mel.n_mels), np.float32)
        for product in plan.products:
            bins = singles[:, width * product.first_bin : width * product.last_bin]
            levels[:, product.first_band : product.last_band] = bins @ product.weights
        return decibels(levels, plan.mel)


def decibels(levels: Float32Array, mel: MelSettings) -> Float32Array:
    """Return mel magnitudes of the given power in dB, in place."""
    np.maximum(levels, np.float32(mel.amin ** (mel.power / 2.0)), out=levels)
    np.log10(levels, out=levels)
    return np.multiply(levels, np.float32(20.0 / mel.power), out=levels)
