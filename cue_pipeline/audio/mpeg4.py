"""AAC and ALAC in MPEG-4 files (``.m4a``), by way of ``ffmpeg`` where it is installed.

libsndfile has no decoder for them and no Python wheel brings one under a licence that fits, so
the program ``ffmpeg`` is asked, if the machine has it; if not, the file is reported with the cure.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.layouts import MASKS_BY_NAME, labels_of_mask
from cue_pipeline.errors import AudioFileError

_PROBE_SECONDS = 30.0
_MISSING = (
    "it is AAC or ALAC in an MPEG-4 file, which needs the program ffmpeg, and none is installed. "
    "Install ffmpeg, or bounce the file as WAV"
)


def read_mpeg4_header(path: Path) -> dict[str, Any]:
    """Return ``subtype``, ``sample_rate``, ``channels``, ``frames``, ``promised_frames``.

    Also ``labels`` and ``labels_from`` where ffprobe names the layout: ffmpeg gives channels in
    the layout's own order, whatever the file's.

    Raises
    ------
    AudioFileError
        If there is no ``ffprobe``, or it finds no audio in the file.
    """
    program = shutil.which("ffprobe")
    if program is None:
        raise AudioFileError(_MISSING)
    command = [
        program, "-v", "error", "-of", "json", "-select_streams", "a:0", "-show_entries",
        "stream=codec_name,sample_rate,channels,channel_layout,duration", str(path),
    ]  # fmt: skip
    try:
        answer = subprocess.run(  # noqa: S603
            command, capture_output=True, check=True, timeout=_PROBE_SECONDS
        )
        stream = json.loads(answer.stdout)["streams"][0]
        rate = int(stream["sample_rate"])
        frames = round(float(stream["duration"]) * rate)
    except (subprocess.SubprocessError, LookupError, ValueError) as e:
        raise AudioFileError("ffprobe finds no audio in it") from e
    channels = int(stream["channels"])
    mask = MASKS_BY_NAME.get(str(stream.get("channel_layout")), 0)
    labels = labels_of_mask(mask, channels)
    return {
        "subtype": str(stream["codec_name"]).upper(),
        "sample_rate": rate,
        "channels": channels,
        "frames": frames,
        "promised_frames": frames,
    } | ({"labels": labels, "labels_from": "format"} if labels else {})


def read_mpeg4_blocks(
    path: Path, channels: int, block_frames: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield decoded samples, shape=(n, channels), n <= ``block_frames``.

    Raises
    ------
    AudioFileError
        If there is no ``ffmpeg``, or it fails before the end.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise AudioFileError(_MISSING)
    command = [
        program, "-v", "error", "-nostdin", "-i", str(path), "-map", "0:a:0", "-f", "f32le",
        "-acodec", "pcm_f32le", "-",
    ]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        while process.stdout and (block := process.stdout.read(4 * channels * block_frames)):
            whole = len(block) // (4 * channels) * channels
            yield np.frombuffer(block, "<f4", whole).reshape(-1, channels)
        if process.wait() != 0:
            raise AudioFileError(f"ffmpeg failed with status {process.returncode}")
    finally:
        process.kill()
        process.communicate()
