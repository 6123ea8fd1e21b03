"""How fast and how lean the audio room is, beside what it replaces and beside its floor.

    python -m benchmarks.bench_audio            # a minute or so
    python -m benchmarks.bench_audio --full     # the sizes that the product promises

One thread: read → composite → mel → chunks of one stereo group, against ``librosa.load`` of each
channel, their mean, ``melspectrogram`` and ``power_to_db``, and against scipy's FFTs of the same
frames alone. Methods take turns, the time is the thread's own (CPU), and a ratio is the median of
the rounds' ratios, so that a busy machine shifts both sides alike.

Two cores: a cue of stereo groups and a 5.1 mix, against the original system's way through the
same stage (every group loaded whole, one channel of the mix), and its peak memory. Each way is a
process of its own, which imports and compiles all it needs on a second of audio before the clock
starts, as the pipeline's workers have when a cue reaches them; what that took is told beside it.
The floor is scipy's FFTs of all spectrograms that are made here, by as many threads.

Memory: peak resident memory of a process of its own, for two lengths and two numbers of groups.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile as sf

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.settings import MelSettings

SR = 48_000
MEL = MelSettings()


def write_groups(folder: Path, groups: int, seconds: float, mix: bool) -> None:
    """Write stereo stems of noise, 24 bits, half a minute over and over, and a mix of them."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    block = (rng.standard_normal(30 * SR) * 0.01).astype(np.float32)
    n = int(seconds * SR)
    names = [f"1m01 S{i:02d}_01.{c}.wav" for i in range(groups) for c in "LR"]
    names += [f"1m01 6mx.{c}.wav" for c in ("L", "C", "R", "Ls", "Rs", "lfe")] if mix else []
    for k, name in enumerate(names):
        signal = np.roll(block, 977 * k)
        if "6mx." in name:  # L and R are the sums of the stems' L and R, the others stand alone
            side = {"L": 0, "R": 1}.get(name.split(".")[1])
            if side is not None:
                signal = sum(np.roll(block, 977 * j) for j in range(side, 2 * groups, 2))
        with sf.SoundFile(folder / name, "w", SR, 1, subtype="PCM_24") as f:
            for at in range(0, n, len(block)):
                f.write(signal[: n - at])


def cue_folder(path: Path) -> CueFolder:
    names = tuple(sorted(p.name for p in path.iterdir()))
    return CueFolder("bench", path.parent, path, (), names, "", "")


def inventory_of(folder: CueFolder):
    from cue_pipeline.audio.grouping import find_channel_groups

    return find_channel_groups(
        folder, sample_rate=SR, final_mix_patterns=("6mx",), ignore_patterns=()
    )


def original(paths: list[Path]) -> np.ndarray:
    """Take one group the original system's way."""
    import librosa

    loaded = [librosa.load(p, sr=SR)[0] for p in paths]
    power = librosa.feature.melspectrogram(
        y=np.mean(loaded, axis=0), sr=SR, n_fft=MEL.n_fft, hop_length=MEL.hop_length,
        n_mels=MEL.n_mels,
    )  # fmt: skip
    return librosa.power_to_db(power, ref=np.max)


def ffts_alone(n_samples: int) -> None:
    """Run scipy's transforms of as many frames as one channel has, in blocks that stay in cache."""
    import scipy.fft

    framed = np.random.default_rng(0).standard_normal((64, MEL.n_fft)).astype(np.float32)
    for _ in range(0, 1 + n_samples // MEL.hop_length, 64):
        scipy.fft.rfft(framed, workers=1)


def ours(folder: CueFolder, inventory, compiled: bool) -> None:
    """One group through the whole pass, chunks read back as the warehouse does."""
    from cue_pipeline.audio.group_pass import measure_group
    from cue_pipeline.audio.spool import ChunkRows, Spool

    spool = Spool()
    found = measure_group(
        folder.path, inventory.groups[0], {"default": MEL}, spool, per_channel=False,
        compiled=compiled,
    )  # fmt: skip
    for _ in ChunkRows(spool, list(enumerate(found.features.values())), "audio_feature_id"):
        pass


def one_thread(work: Path, seconds: float, repeats: int) -> dict[str, np.ndarray]:
    """Return the seconds of each method in each round."""
    from threadpoolctl import threadpool_limits

    write_groups(work / "one", 1, seconds, mix=False)
    folder = cue_folder(work / "one")
    inventory = inventory_of(folder)
    paths = [folder.path / name for name in folder.audio_paths]
    methods: dict[str, Callable[[], object]] = {
        "librosa": lambda: original(paths),
        "ffts": lambda: ffts_alone(int(seconds * SR)),
        "kernels": lambda: ours(folder, inventory, compiled=True),
        "numpy": lambda: ours(folder, inventory, compiled=False),
    }
    taken: dict[str, list[float]] = {name: [] for name in methods}
    with threadpool_limits(limits=1):
        for run in range(repeats + 1):
            for name, method in methods.items():
                started = time.thread_time()
                method()
                if run:  # the first round compiles and fills caches
                    taken[name].append(time.thread_time() - started)
    return {name: np.array(times) for name, times in taken.items()}


def warm_up(way: str) -> None:
    """Import and compile what a way needs, by a second of audio."""
    with tempfile.TemporaryDirectory(prefix="cue_pipeline_bench_") as work:
        write_groups(Path(work) / "one", 1, 1.0, mix=False)
        folder = cue_folder(Path(work) / "one")
        if way == "original":
            original([folder.path / name for name in folder.audio_paths])
        else:
            import cue_pipeline.audio.sound_rows  # noqa: F401

            ours(folder, inventory_of(folder), compiled=True)


def all_ffts(seconds: float, spectrograms: int) -> float:
    """Return the wall seconds of the transforms of some spectrograms, in threads as ours."""
    from cue_pipeline.audio.sound_rows import default_threads

    wall = time.perf_counter()
    with ThreadPoolExecutor(default_threads()) as pool:
        list(pool.map(ffts_alone, [int(seconds * SR)] * spectrograms))
    return time.perf_counter() - wall


def whole_cue(path: Path, way: str) -> dict[str, float]:
    """Take a cue's audio stage one way, in this process; return seconds and memory."""
    started = time.perf_counter()
    warm_up(way)
    folder = cue_folder(path)
    inventory = inventory_of(folder)
    wall, cpu = time.perf_counter(), time.process_time()
    if way == "original":
        for group in inventory.groups:
            original([path / c.file for c in group.channels])
        for mix in inventory.final_mixes:
            original([path / mix.channels[0].file])
    else:
        from cue_pipeline.audio.sound_rows import final_mix_tables, mel_feature_tables

        mels = {"default": MEL}
        stems = inventory
        if way == "same":  # a mix is one group more, of which the composite alone is wanted
            stems = replace(inventory, groups=(*inventory.groups, *inventory.final_mixes))
        tables = mel_feature_tables(folder, stems, mels)
        chunks = sum(len(batch["data"]) for batch in tables["audio_feature_chunks"])
        if way == "ours":
            tables = final_mix_tables(folder, inventory, mels, [1])
            chunks += sum(len(batch["data"]) for batch in tables["final_mix_feature_chunks"])
    return {
        "start": wall - started,
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak_mb": peak_memory_mb(),
    }


def peak_memory_mb() -> float:
    """Return this process' high-water mark; ru_maxrss would count the parent's before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def in_own_process(path: Path, way: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.bench_audio", "--child", str(path), way]
    answer = subprocess.run(command, capture_output=True, check=True, text=True)
    return json.loads(answer.stdout)


def least(results: list[dict[str, float]]) -> dict[str, float]:
    return {key: min(r[key] for r in results) for key in results[0]}


def report(work: Path, *, full: bool) -> None:
    seconds = 266.5 if full else 90.0
    took = one_thread(work, seconds, repeats=9 if full else 7)
    print(f"One stereo group of {seconds:g} s, 24 bits, 48 kHz; one thread, median CPU seconds")
    for name, label in [
        ("librosa", "librosa.load ×2 + mean + melspectrogram + power_to_db"),
        ("ffts", "scipy.fft.rfft of its frames alone (floor)"),
        ("kernels", "read → composite → levels → mel → chunks, compiled kernels"),
        ("numpy", "the same by numpy and scipy (short passes)"),
    ]:
        print(f"  {np.median(took[name]):7.3f}  {label}")
    for name in ("kernels", "numpy"):
        print(
            f"  {name}: {np.median(took['librosa'] / took[name]):.1f} times librosa's speed, "
            f"{np.median(took[name] / took['ffts']):.2f} times the FFTs alone"
        )
    groups = 13 if full else 4
    write_groups(work / "cue", groups, seconds, mix=True)
    ways = ("original", "same", "ours")
    rounds = [[in_own_process(work / "cue", way) for way in ways] for _ in range(3 if full else 1)]
    was, same, now = (least([r[i] for r in rounds]) for i in range(len(ways)))
    made = groups + 1 + 6  # of the mix: its composite and its six channels
    floor = min(all_ffts(seconds, made) for _ in range(3))
    print(
        f"A cue of {groups} stereo groups and a 5.1 mix, {seconds:g} s, default threads, imports\n"
        "and first calls before the clock (start-up)"
    )
    for label, got in ((f"original's way: {groups + 1} spectrograms", was), (f"here: {made}", now)):
        print(
            f"  {got['wall']:7.2f} s  {got['cpu']:7.2f} CPU s  {got['peak_mb']:6.0f} MB  {label}"
            f"  (start-up {got['start']:.1f} s)"
        )
    print(f"  {floor:7.2f} s  scipy.fft.rfft alone of those {made} (floor)")
    wall, cpu = was["wall"] / now["wall"], was["cpu"] / now["cpu"]
    print(
        f"  {wall:.1f} times as fast (wall), {cpu:.1f} times (CPU), all of the mix's channels and"
    )
    print(f"  its residual included; {now['wall'] / floor:.2f} times the floor")
    print(
        f"  {same['wall']:7.2f} s  {same['cpu']:7.2f} CPU s  {same['peak_mb']:6.0f} MB  here: "
        f"as many as the original's way\n  {was['wall'] / same['wall']:.1f} times as fast (wall)"
    )
    sizes = [(8, 60), (8, 600), (40, 600)] if full else [(2, 30), (2, 300), (8, 300)]
    print("Peak memory")
    for count, length in sizes:
        path = work / f"memory{count}x{length}"
        write_groups(path, count, length, mix=False)
        got = in_own_process(path, "ours")
        print(f"  {got['peak_mb']:6.0f} MB  {count} stereo groups of {length} s")
        for file in path.iterdir():
            file.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--full", action="store_true", help="the sizes that the product promises")
    parser.add_argument("--child", nargs=2, metavar=("CUE", "WAY"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(whole_cue(Path(args.child[0]), args.child[1])))
        return
    with tempfile.TemporaryDirectory(prefix="cue_pipeline_bench_") as work:
        report(Path(work), full=args.full)


if __name__ == "__main__":
    main()
