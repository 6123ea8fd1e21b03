"""What the further kinds of features cost, beside librosa's and pyloudnorm's own chain.

    python -m benchmarks.bench_features                 # a stereo stem of 266 s
    python -m benchmarks.bench_features --seconds 60 --rounds 3

One thread: the pass over a stereo group of 24 bits, from the files to chunks in the spool, for each
kind alone, for `cqt`, `chroma` and `loudness`, and for all; beside it the pass of mel and levels,
and librosa's `load`, `cqt`, `chroma_stft` and pyloudnorm's integrated loudness of the same files.
Ways take turns; each is a process of its own that does all once on two seconds before its clock
starts; the time is the process's own (CPU), and a ratio is the median of the rounds' ratios. The
compiled kernels are taken, as in a cue of several stems.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile as sf

from cue_pipeline.audio.features.kind import Grid
from cue_pipeline.settings import MelSettings

SR = 48_000
MEL = MelSettings()
GRID = Grid(SR, MEL.hop_length, MEL.n_fft, MEL.n_mels)
CHEAP = ("chroma", "cqt", "loudness", "onset_strength", "tempogram", "wave", "downmix.mel")
WAYS = {
    "mel and levels": (),
    **{name: (name,) for name in (*CHEAP, "defects")},
    "cqt, chroma, loudness": ("cqt", "chroma", "loudness"),
    "all seven": CHEAP,
    "librosa and pyloudnorm": (),
}


def write_stem(folder: Path, seconds: float) -> None:
    """Write a stereo stem of struck partials that change every half second, over a little noise."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    n = int(seconds * SR)
    t = np.arange(SR // 2) / SR
    with (
        sf.SoundFile(folder / "VLN_01.L.wav", "w", SR, 1, subtype="PCM_24") as left,
        sf.SoundFile(folder / "VLN_01.R.wav", "w", SR, 1, subtype="PCM_24") as right,
    ):
        for first in range(0, n, t.size):
            hz = 55.0 * 2.0 ** (rng.integers(0, 60, 4) / 12.0)
            struck = np.sin(2 * np.pi * hz[:, None] * t) * np.exp(-4.0 * t)
            for file, pan in ((left, 0.1), (right, 0.07)):
                noise = 0.001 * rng.standard_normal(t.size)
                file.write((pan * struck.sum(axis=0) + noise)[: n - first])


def ours(folder: Path, kinds: tuple[str, ...]) -> None:
    """Make kinds of features of the stem; of none, mel and levels."""
    from benchmarks.bench_audio import cue_folder, inventory_of
    from cue_pipeline.audio.features.measuring import make_features
    from cue_pipeline.audio.features.shipped import load_shipped
    from cue_pipeline.audio.group_pass import measure_groups
    from cue_pipeline.audio.spool import Spool

    groups = inventory_of(cue_folder(folder)).groups
    if kinds:
        made = make_features(
            folder, groups, [load_shipped(name) for name in kinds], GRID, Spool(), threads=1
        )
        assert not any(of.faults for of in made), made[0].faults
    else:
        measure_groups(folder, groups, {"default": MEL}, Spool(), threads=1, compiled=True)


def theirs(folder: Path) -> None:
    """Compute the same numbers by librosa and pyloudnorm, without loudness range and true peak."""
    import librosa
    import pyloudnorm

    sides = [librosa.load(p, sr=SR)[0] for p in sorted(folder.iterdir())]
    y = np.mean(sides, axis=0)
    magnitudes = np.abs(librosa.cqt(y, sr=SR, hop_length=MEL.hop_length, tuning=0.0))
    librosa.amplitude_to_db(magnitudes, ref=1.0, amin=1e-5, top_db=None)
    librosa.feature.chroma_stft(y=y, sr=SR, n_fft=MEL.n_fft, hop_length=MEL.hop_length, tuning=0.0)
    pyloudnorm.Meter(SR).integrated_loudness(np.stack(sides, axis=1))


def seconds_of(way: str, folder: Path) -> float:
    """Return the processor's seconds of one way, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bench_features", "--way", way, str(folder)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(said.splitlines()[-1])


def run_way(way: str, folder: Path) -> None:
    """Run one way twice, and print the processor's seconds of the second time."""
    from threadpoolctl import threadpool_limits

    from cue_pipeline.audio.compiled import choice

    choice.WORTH_FRAMES = 0

    def once(of: Path) -> None:
        theirs(of) if way.startswith("librosa") else ours(of, WAYS[way])

    with threadpool_limits(limits=1, user_api="blas"):
        once(folder.parent / "short")
        began = time.process_time()
        once(folder)
        print(time.process_time() - began)


def main() -> None:
    """Print a table, or a way's seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=266.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        run_way(args.way[0], Path(args.way[1]))
        return
    with tempfile.TemporaryDirectory() as at:
        write_stem(Path(at) / "short", 2.0)
        write_stem(Path(at) / "stem", args.seconds)
        rounds = [
            {way: seconds_of(way, Path(at) / "stem") for way in WAYS} for _ in range(args.rounds)
        ]
    print(f"seconds of processor time for a stereo stem of {args.seconds:g} s:")
    for way in WAYS:
        print(f"  {way:<24}{min(found[way] for found in rounds):6.2f}")
    for what, over in (
        ("librosa and pyloudnorm", "cqt, chroma, loudness"), ("all seven", "mel and levels"),
    ):  # fmt: skip
        ratio = statistics.median(found[what] / found[over] for found in rounds)
        print(f"  {what} / {over}: {ratio:.2f}")


if __name__ == "__main__":
    main()
