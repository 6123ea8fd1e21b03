"""Fit the weights of the evidence's score on the train set, and say how they hold on unseen songs.

    python -m benchmarks.fit_evidence
    python -m benchmarks.fit_evidence --real FOLDER    # recorded pieces too: see bench_real

Logistic regression with a small ridge over all pairs of tracks and groups, of the train set in all
conditions and of the pieces of earlier looks (50 s each) in those of ``SPENT_IN``. What is printed
first leaves each song out in turn (its pairs are scored by weights fitted on the others); the
weights printed last are fitted on all, and belong in ``cue_pipeline/hearing/scoring.py``: for drums
and for pitched tracks apart, each on the regressors that have a physical reason there. A pair of a
recording counts as four of a render.
Tracks of fewer notes than the evidence asks for, and tracks that share their notes, take no part.
"""

import argparse
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import bench_real
from benchmarks.bench_mapping import songs
from benchmarks.compose import composed
from benchmarks.conditions import CONDITIONS, Condition
from benchmarks.render import rendered
from cue_pipeline.hearing import match_evidence
from cue_pipeline.hearing.scoring import FEATURES

Float = NDArray[np.float64]
RIDGE = 1.0
OF_DRUMS = ("constant", "band_margin", "onset_margin", "share_margin", "onset", "band")
OF_PITCHED = FEATURES[: FEATURES.index("onset")]
A_RECORDING_COUNTS = 4.0
SPENT_SECONDS = 50.0
SPENT_IN = (
    "clean", "hard", "silent", "silent-hard", "missing", "live", "excerpt", "all-at-once"
)  # fmt: skip


def pairs_of(cache: Path, seconds: float) -> pd.DataFrame:
    """Return all pairs that weights are fitted on: regressors, ``heard`` and ``song``."""
    surplus = composed(99, "score", seconds=60)
    out = []
    all_conditions: tuple[Condition, ...] = CONDITIONS
    pieces = [(song, all_conditions) for song in songs("train", None, seconds)]
    spent = tuple(c for c in CONDITIONS if c.name in SPENT_IN)
    pieces += [(song, spent) for song in songs("spent", None, SPENT_SECONDS)]
    for (name, parts, seed), conditions in pieces:
        for condition in conditions:
            cue = rendered(name, parts, condition, seed=seed, cache=cache, surplus=surplus)
            evidence = match_evidence(cue.tracks, cue.notes, cue.features, cue.mel_of)
            scored = evidence.pairs.dropna(subset=["score"])[["midi_track_id", "audio_file_id"]]
            rows = evidence.regressors.merge(scored, on=["midi_track_id", "audio_file_id"])
            same = {n for names in evidence.summary["files"][0]["same_notes"] for n in names}
            shared = cue.tracks["id"][cue.tracks["track_name"].isin(same)]
            rows = rows[~rows["midi_track_id"].isin(shared)]
            truth = rows["midi_track_id"].map(cue.truth)
            drum = rows["midi_track_id"].isin(cue.drums)
            heard = rows["audio_file_id"] == truth
            out.append(rows.assign(heard=heard, song=name, drum=drum, counts=1.0))
    return pd.concat(out, ignore_index=True)


def recorded_pairs(folder: Path) -> pd.DataFrame:
    """Return the pairs of recorded pieces in all variants but those of strange music."""
    out = []
    variants = [name for name in bench_real.VARIANTS if name != "strange"]
    for trial in bench_real.trials(folder, variants):
        tracks, notes = bench_real.score(trial.midi)
        features, mels = bench_real.features_of(trial.stems)
        evidence = match_evidence(tracks, notes, features, mels.__getitem__)
        scored = evidence.pairs.dropna(subset=["score"])[["midi_track_id", "audio_file_id"]]
        if scored.empty:
            continue
        rows = evidence.regressors.merge(scored, on=["midi_track_id", "audio_file_id"])
        names = dict(zip(features["audio_file_id"], features["canonical_name"], strict=True))
        indices = dict(zip(tracks["id"], tracks["track_index"], strict=True))
        heard = [
            names[group] in trial.truth[int(indices[track])]
            for track, group in zip(rows["midi_track_id"], rows["audio_file_id"], strict=True)
        ]
        kits = set(tracks["id"][tracks["drum_kit"].notna()])
        drum = rows["midi_track_id"].isin(kits)
        song = trial.midi.stem.removesuffix("_perf").removesuffix(bench_real.KIT)
        out.append(rows.assign(heard=heard, song=song, drum=drum, counts=A_RECORDING_COUNTS))
    return pd.concat(out, ignore_index=True)


def fitted(x: Float, y: Float, counts: Float) -> Float:
    """Return the weights, by Newton's method; the first column is the constant."""
    weights = np.zeros(x.shape[1])
    ridge = np.r_[1e-6, np.full(x.shape[1] - 1, RIDGE)]
    for _ in range(40):
        p = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (counts * (p - y)) + ridge * weights
        curvature = (x * (counts * p * (1 - p))[:, None]).T @ x + np.diag(ridge)
        weights -= np.linalg.solve(curvature, gradient)
    return weights


def main() -> None:
    """Print the cross-validated loss and the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=100.0)
    parser.add_argument(
        "--cache", type=Path, default=Path(gettempdir()) / "cue_pipeline_bench_mapping"
    )
    parser.add_argument("--real", type=Path, help="a folder of recorded pieces")
    args = parser.parse_args()
    pairs = pairs_of(args.cache, args.seconds)
    if args.real:
        pairs = pd.concat([pairs, recorded_pairs(args.real)], ignore_index=True)
    for kind, names in (("drums", OF_DRUMS), ("pitched", OF_PITCHED)):
        _printed(kind, pairs[pairs["drum"] == (kind == "drums")], names)


def _printed(kind: str, pairs: pd.DataFrame, names: tuple[str, ...]) -> None:
    x, y = pairs[list(names)].to_numpy(np.float64), pairs["heard"].to_numpy(np.float64)
    counts = pairs["counts"].to_numpy(np.float64)
    p = np.zeros(len(y))
    for song in pairs["song"].unique():
        out = (pairs["song"] == song).to_numpy()
        p[out] = 1 / (1 + np.exp(-x[out] @ fitted(x[~out], y[~out], counts[~out])))
    loss = -(y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12)).mean()
    print(f"{kind}: {len(y)} pairs, {int(y.sum())} heard; leaving songs out: log loss {loss:.4f}, "
          f"Brier {((p - y) ** 2).mean():.4f}")  # fmt: skip
    for name, weight in zip(names, fitted(x, y, counts), strict=True):
        print(f"  {name:14} {weight:6.2f}")


if __name__ == "__main__":
    main()
