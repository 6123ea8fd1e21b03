"""Broadcast Wave files, 24-bit, byte for byte by hand.

References
----------
EBU Tech 3285 (version 1): the ``bext`` chunk. Written here, and not by a library, so that the
same music gives the same bytes everywhere: no date, no name of a machine or a program's version.
"""

import struct

import numpy as np
import numpy.typing as npt

FULL_SCALE = 1 << 23
_BEXT = struct.Struct("<256s32s32s10s8sQH64s190s")


def pcm24(y: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Return samples (full scale 1.0) rounded to 24 bits, in int32."""
    return np.clip(np.rint(y * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int32)


def wave_bytes(
    samples: npt.NDArray[np.int32], sample_rate: int, description: str, time_reference: int
) -> bytes:
    """Return a mono 24-bit Broadcast Wave file.

    Parameters
    ----------
    samples : np.ndarray, shape=(n_samples,), dtype=int32
        −2**23 … 2**23 − 1.
    sample_rate : int
        Hz.
    description : str
        ``bext`` description, at most 256 ASCII characters.
    time_reference : int
        Samples since midnight.
    """
    packed = samples.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    bext = _BEXT.pack(
        description.encode("ascii"),
        b"cue_pipeline demo",
        b"",
        b"",
        b"",
        time_reference,
        1,
        b"",
        b"",
    )
    fmt = struct.pack("<HHIIHH", 1, 1, sample_rate, sample_rate * 3, 3, 24)
    body = b"WAVE" + b"".join(
        _chunk(*c) for c in ((b"bext", bext), (b"fmt ", fmt), (b"data", packed))
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
