"""How fast sound is matched, beside scipy, librosa and the least that is needed.

    python -m benchmarks.bench_evidence                       # 13 tracks, 13 stems, 4.5 minutes
    python -m benchmarks.bench_evidence --style large --tracks 40 --condition hard

One core: BLAS has one thread, and the time is the process's own. *Floor*: to read the mels once and
to multiply every stem's levels with every track's, which any joint regression must. *scipy*: the
regression of levels alone, by ``scipy.optimize.nnls`` for each stem in each band, from the cue's
own inner products. *librosa*: dynamic time warping of one track with one stem, on twelve pitch
classes every 0.085 s, the usual way to align notes and sound, for one pair. Floor and librosa work
on random numbers of the cue's size.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from unittest.mock import patch

import librosa
import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.compose import STYLES, composed
from benchmarks.conditions import CONDITIONS
from benchmarks.render import RenderedCue, rendered
from benchmarks.stems import HOP, N_MELS, SR
from cue_pipeline.hearing import match_evidence, regression
from cue_pipeline.hearing.group_spectra import COARSE, fine_seconds
from cue_pipeline.hearing.non_negative import non_negative_weights
from cue_pipeline.hearing.templates import N_SHAPES

AIM_SECONDS, AIM_PAIRS, AIM_MINUTES = 1.0, 200, 5
ROUNDS = 3


def seconds(work: Callable[[], Any]) -> float:
    """Return the median of some rounds, after one that is not counted."""
    work()
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def floor_of(cue: RenderedCue, n_frames: int) -> Callable[[], Any]:
    """Return work that reads every mel and makes the products of all levels."""
    rng = np.random.default_rng(1)
    tracks = rng.random((N_MELS, N_SHAPES * len(cue.tracks), n_frames), np.float32)
    stems = rng.random((N_MELS, len(cue.mels), n_frames), np.float32)

    def work() -> None:
        for mel in cue.mels.values():
            mel.sum()
        _ = tracks @ np.swapaxes(tracks, 1, 2), tracks @ np.swapaxes(stems, 1, 2)

    return work


def problems(cue: RenderedCue) -> tuple[Any, Any]:
    """Return the inner products of the cue's regression of levels, the largest that it solves."""
    solved = []

    def kept(gram: Any, product: Any) -> Any:
        solved.append((gram, product))
        return non_negative_weights(gram, product)

    with patch.object(regression, "non_negative_weights", kept):
        match_evidence(cue.tracks, cue.notes, cue.features, cue.mel_of)
    return max(solved, key=lambda of: of[0].size)


def by_scipy(gram: Any, product: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the same weights: ``‖y − Xw‖`` differs from ``‖L⁻¹Xᵀy − Lᵀw‖`` by a constant."""
    out = np.empty_like(product)
    for band, (of_templates, of_stems) in enumerate(zip(gram, product, strict=True)):
        lower = np.linalg.cholesky(of_templates)
        for stem, right in enumerate(solve_triangular(lower, of_stems, lower=True).T):
            out[band, :, stem] = nnls(lower.T, right)[0]
    return out


def violation(gram: Any, product: Any, weights: Any) -> float:
    """Return how far weights are from the optimum, by the conditions of Karush, Kuhn and Tucker.

    The largest slope that is left at a weight above 0, or upward at 0, of each problem's largest.
    """
    slope, length = product - gram @ weights, np.sqrt(np.diagonal(gram, axis1=1, axis2=2))
    slope = np.where(weights > 0, np.abs(slope), slope) / length[:, :, None]
    largest = np.abs(product / length[:, :, None]).max(axis=1, keepdims=True)
    return float((slope / np.maximum(largest, 1e-12)).max())


def warped(n_frames: int) -> Callable[[], Any]:
    """Return librosa's alignment of one track with one stem."""
    rng = np.random.default_rng(3)
    track, stem = rng.random((2, 12, n_frames))
    return lambda: librosa.sequence.dtw(track, stem, metric="cosine")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--style", choices=STYLES, default="large", help="of the piece composed")
    parser.add_argument("--tracks", type=int, default=13, help="at most so many of its tracks")
    parser.add_argument("--seconds", type=float, default=270.0, help="of the piece")
    parser.add_argument("--condition", choices=[c.name for c in CONDITIONS], default="clean")
    parser.add_argument(
        "--cache", type=Path, default=Path(gettempdir()) / "cue_pipeline_bench_mapping"
    )
    a = parser.parse_args()
    condition = next(c for c in CONDITIONS if c.name == a.condition)
    parts = composed(101, a.style, seconds=a.seconds)[: a.tracks]
    surplus = composed(99, "score", seconds=60) if condition.extra else None
    a.cache.mkdir(parents=True, exist_ok=True)
    cue = rendered("speed", parts, condition, seed=101, cache=a.cache, surplus=surplus)
    coarse = fine_seconds(HOP / SR) * COARSE
    lasts = float(cue.features["n_frames"].max()) * HOP / SR
    n_pairs, n_frames = len(cue.tracks) * len(cue.mels), round(lasts / coarse)
    with threadpool_limits(limits=1, user_api="blas"):
        whole = seconds(lambda: match_evidence(cue.tracks, cue.notes, cue.features, cue.mel_of))
        floor = seconds(floor_of(cue, n_frames))
        gram, product = problems(cue)
        ours = seconds(lambda: non_negative_weights(gram, product))
        theirs = seconds(lambda: by_scipy(gram, product))
        one_pair = seconds(warped(n_frames))
    our_fault = violation(gram, product, non_negative_weights(gram, product))
    their_fault = violation(gram, product, by_scipy(gram, product))
    scaled = whole * AIM_PAIRS / n_pairs * AIM_MINUTES * 60 / lasts
    print(
        f"{len(cue.tracks)} tracks x {len(cue.mels)} stems, {lasts:.0f} s, {a.condition}: one core"
    )
    print(f"  match_evidence         {whole:8.3f} s")
    print(
        f"    for {AIM_PAIRS} pairs of {AIM_MINUTES} min {scaled:8.3f} s  (aim {AIM_SECONDS:g} s)"
    )
    print(f"  floor                  {floor:8.3f} s  ratio {whole / floor:.1f}")
    print(f"  regression of levels   {ours:8.3f} s  optimal to {our_fault:.0e}")
    print(
        f"    scipy's nnls         {theirs:8.3f} s  ratio {ours / theirs:.2f}, to {their_fault:.0e}"
    )
    print(f"  librosa's dtw, a pair  {one_pair:8.3f} s  all pairs: {one_pair * n_pairs:.0f} s")


if __name__ == "__main__":
    main()
