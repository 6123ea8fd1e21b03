"""A signal that arrives in blocks, cut into overlapping frames, and something made of each.

What is made of the frames is the subclass's: mel levels, power spectra. Here is what both need:
the padding of both ends, and the samples that the next block's frames share with this one's.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from cue_pipeline.audio.compiled.choice import LANES, FrameKernel
from cue_pipeline.audio.mel_filters import Float32Array, MelPlan

_FFT_BLOCK_FLOATS = 1 << 16  # 512 KiB of frames: the transforms stay in the core's own cache


class FramedStream(ABC):
    """One signal, fed in blocks of any length. Memory is bounded by the longest block.

    Parameters
    ----------
    plan : MelPlan
        Window, length of frames, and hop.
    kernel : callable, optional
        What makes of the samples of 8·n frames what :meth:`_made_of` makes of frames.
    """

    def __init__(self, plan: MelPlan, kernel: FrameKernel | None) -> None:
        mel = plan.mel
        self._plan, self._kernel = plan, kernel
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

    @abstractmethod
    def _made_of(self, framed: Float32Array) -> Float32Array:
        """Return what is made of some frames, shape=(n, n_fft), a row each."""

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
        """Yield what is made of the frames that a block completes, a row each."""
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
                yield self._made_of(framed[first : first + len(self._framed)])
        self._drop(n_frames * mel.hop_length)

    def _by_kernel(self, kernel: FrameKernel, n_frames: int) -> Float32Array:
        """Return what is made of the buffer's first frames; the kernel takes eight at a time."""
        mel = self._plan.mel
        whole = -(-n_frames // LANES) * LANES
        needed = (whole - 1) * mel.hop_length + mel.n_fft
        if self._held < needed:
            self._take(np.zeros(needed - self._held, np.float32))
        return kernel(self._buffer[: self._held], whole)[:n_frames]

    def _spectra(self, framed: Float32Array) -> np.typing.NDArray[np.float64]:
        """Return the spectra of some frames, real and imaginary parts in turns.

        In double precision: a single-precision transform errs by some 1e-7 of a frame's loudest
        bin, which is more than 0.001 dB of a band 80 dB below it, as high bands of real music are.
        The result is the caller's own.
        """
        import scipy.fft

        windowed = np.multiply(framed, self._plan.window, out=self._framed[: len(framed)])
        return np.asarray(scipy.fft.rfft(windowed, axis=1, workers=1).view(np.float64))
