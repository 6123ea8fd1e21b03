"""Fit the weights that fuse names and sound, and judge the decision on cues that were not fitted.

    python -m benchmarks.fit_fusion                # fit on train and spent, judge on the test set
    python -m benchmarks.fit_fusion --judge        # judge the weights as they stand
    python -m benchmarks.fit_fusion --fresh        # the same on cues that no decision was made on

Sessions are rendered as in :mod:`benchmarks.bench_mapping`; then tracks and stems are named as
people name them, in the manners of :mod:`benchmarks.session_names`. Train and test share neither
music nor spellings, nor does the fresh set with either: it was written and rendered once, after
weights and rules were frozen, and is to be replaced by another as soon as anything is changed for
its sake. The
weights are the maximum-likelihood estimate of the conditional logit; nothing is
known here of a chat model, whose weight is therefore not fitted. Two rows are judged with a made-up
model that answers for every track, always with confidence 0.9, and is right nine times of ten or
half of the time, whatever is known: they show what such a model does to the decision, not what any
real one is worth.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bench_mapping import SONGS
from benchmarks.compose import composed
from benchmarks.conditions import CONDITIONS
from benchmarks.fit_evidence import SPENT_IN, SPENT_SECONDS
from benchmarks.render import rendered
from benchmarks.session_names import MANNER_WEIGHTS, MANNERS, Cue, Named, named
from benchmarks.stand_in_model import CONFIDENCE, told
from cue_pipeline.hearing import match_evidence
from cue_pipeline.mapping.decision.evidence_by_position import evidence_matrix
from cue_pipeline.mapping.decision.fusion import (
    WEIGHTS,
    FusionWeights,
    Sources,
    choice_probabilities,
)
from cue_pipeline.mapping.decision.map_cue import map_cue
from cue_pipeline.mapping.model.answers import TrackAnswer
from cue_pipeline.mapping.model.exchange import ModelAnswer
from cue_pipeline.mapping.names.fit import name_fits
from cue_pipeline.mapping.names.namesakes import crowded, level_namesakes

# Pieces of the fresh set: style and seed, the eighth. Of the earlier ones, the first (seed 311) is
# gone, the seventh (1111 and 1112) was judged and waits for the next fit, the others are "spent":
# rules were made for what went wrong there, weights fitted on them.
FRESH = (
    ("score", 1211), ("chamber", 1211), ("repetitive", 1211), ("loop", 1211), ("large", 1211),
    ("score", 1212), ("large", 1212),
)  # fmt: skip
NAMINGS_PER_CUE = 3
FITTED = ("name", "name_against", "name_neutral", "evidence", "none", "unknown")


def heard_cues(which: str, conditions: list[str], seconds: float, cache: Path) -> Iterator[Cue]:
    """Render one set and yield what was heard."""
    surplus = composed(99, "score", seconds=60)
    # Spent pieces are named as the train set is.
    named_as = "train" if which == "spent" else which
    for style, seed in FRESH if which == "fresh" else SONGS[which]:
        parts = composed(seed, style, seconds=seconds)
        for condition in (c for c in CONDITIONS if c.name in conditions):
            cue = rendered(
                f"{style}{seed}", parts, condition, seed=seed, cache=cache, surplus=surplus
            )
            pairs = match_evidence(cue.tracks, cue.notes, cue.features, cue.mel_of).pairs
            yield cue_of(named_as, f"{style}{seed}", condition.name, cue, pairs)


def cue_of(which: str, name: str, condition: str, cue: Any, pairs: pd.DataFrame) -> Cue:
    """Return a cue with positions in place of ids."""
    groups = pd.DataFrame(
        {
            "id": cue.features["audio_file_id"].to_numpy(),
            "layout": "stereo",
            "duration_seconds": 60.0,
        }
    )
    position = {int(key): i for i, key in enumerate(groups["id"])}
    truth = [
        None if (group := cue.truth[int(t)]) is None else position[group] for t in cue.tracks["id"]
    ]
    return Cue(name, condition, cue.tracks, groups, pairs, truth, which)


def sources(session: Named) -> Sources:
    """Return what names and sound say of a session."""
    names = session.track_names
    fits, told = name_fits(names, session.group_names)
    fits = level_namesakes(fits, names, [1] * len(names))
    heard = evidence_matrix(session.cue.pairs, session.cue.tracks, session.cue.groups)
    return Sources(fits, told, heard)


def fitted(sessions: list[Named]) -> FusionWeights:
    """Return the weights that make the truth of `sessions` likeliest."""
    from scipy.optimize import minimize

    known = [(sources(s), _columns(s), MANNER_WEIGHTS[s.manner]) for s in sessions]
    # Without sound, tracks that several names claim go to review whatever their confidence is.
    shares = [np.full(len(truth), weight) for _, truth, weight in known]
    shares += [
        np.where(crowded(k.name_fits, [1] * len(truth)), 0.0, weight) for k, truth, weight in known
    ]
    known += [(replace(k, evidence=None), truth, weight) for k, truth, weight in known]
    share = np.concatenate(shares)

    def loss(values: np.ndarray) -> float:
        weights = replace(WEIGHTS, **dict(zip(FITTED, values.tolist(), strict=True)))
        chances = [
            choice_probabilities(k, weights)[np.arange(len(truth)), truth] for k, truth, _ in known
        ]
        logs = np.log(np.clip(np.concatenate(chances), 1e-6, 1))
        return float(-(share * logs).sum() / share.sum())

    start = np.array([getattr(WEIGHTS, name) for name in FITTED])
    best = minimize(
        loss, start, method="Nelder-Mead", options={"xatol": 0.01, "fatol": 1e-5, "maxiter": 2_000}
    )
    return replace(WEIGHTS, **dict(zip(FITTED, np.round(best.x, 2).tolist(), strict=True)))


def _columns(session: Named) -> np.ndarray:
    n_groups = len(session.group_names)
    return np.array([n_groups if g is None else g for g in session.cue.truth])


def judged(
    sessions: list[Named],
    weights: FusionWeights,
    *,
    sound: bool,
    names: bool,
    model_right: float | None = None,
) -> dict[str, float]:
    """Map every session and count what became of its tracks."""
    states: list[str] = []
    right: list[bool] = []
    confidences: list[float] = []
    for i, s in enumerate(sessions):
        tracks = _summary(s, names=names)
        groups = s.cue.groups.assign(canonical_name=s.group_names if names else _opaque(s))
        evidence = s.cue.pairs if sound else None
        chat: Any = None if model_right is None else MadeUpModel(s, model_right, i)
        mapping = map_cue(tracks, groups, evidence=evidence, weights=weights, chat=chat)
        for track, truth in zip(mapping.tracks, s.cue.truth, strict=True):
            expected = None if truth is None else int(s.cue.groups["id"].iloc[truth])
            states.append(track.state)
            right.append(track.audio_file_id == expected)
            confidences.append(track.confidence)
    auto = np.array([s == "auto" for s in states])
    ok, p = np.array(right), np.array(confidences)
    return {
        "tracks": len(ok),
        "right %": 100 * ok.mean(),
        "auto %": 100 * auto.mean(),
        "auto right %": 100 * ok[auto].mean() if auto.any() else float("nan"),
        "auto wrong": int((~ok[auto]).sum()),
        "review %": 100 * np.mean([s == "review" for s in states]),
        "Brier": float(((p - ok) ** 2).mean()),
    }


class MadeUpModel:
    """Answers in place of a chat model: right in a given share of tracks, always sure of itself."""

    def __init__(self, session: Named, right: float, seed: int) -> None:
        self.truth, self.right = session.cue.truth, right
        self.n_groups = len(session.group_names)
        self.rng = np.random.default_rng([seed, 77])

    def ask(self, tracks: pd.DataFrame, groups: pd.DataFrame) -> ModelAnswer:  # noqa: ARG002
        """Return an answer for every track; what it is shown does not matter."""
        said = [told(self.rng, truth, self.n_groups, self.right) for truth in self.truth]
        answers = {i: TrackAnswer(group, None, CONFIDENCE) for i, group in enumerate(said)}
        return ModelAnswer("made up", tracks=answers)


def _opaque(session: Named) -> list[str]:
    return [f"Audio {g + 1}_01" for g in range(len(session.group_names))]


def _summary(session: Named, *, names: bool) -> pd.DataFrame:
    n = len(session.track_names)
    shown = session.track_names if names else [f"MIDI {i + 1}" for i in range(n)]
    return pd.DataFrame(
        {
            "id": session.cue.tracks["id"].to_numpy(),
            "midi_file_id": 1,
            "track_index": range(n),
            "port": pd.array([pd.NA] * n, dtype="Int64"),
            "part_channel": pd.array([pd.NA] * n, dtype="Int64"),
            "track_name": shown,
            "all_names": [[name] for name in shown],
            "program_doubt": None,
            "program": pd.array([pd.NA] * n, dtype="Int64"),
            "is_drum": False,
            "n_notes": 100,
        }
    )


def sessions_of(cues: list[Cue]) -> list[Named]:
    """Name every cue in every manner, some times each."""
    return [
        named(
            cue,
            manner,
            np.random.default_rng([i, m, k, ("test", "train", "fresh").index(cue.which)]),
        )
        for i, cue in enumerate(cues)
        for m, manner in enumerate(MANNERS)
        for k in range(NAMINGS_PER_CUE)
    ]


def _print(sessions: list[Named], weights: FusionWeights) -> None:
    print(f"{'names':12} {'sources':12} {'tracks':>6} {'right %':>8} {'auto %':>7} "
          f"{'of auto %':>9} {'wrong':>5} {'review %':>8} {'Brier':>6}")  # fmt: skip
    for manner in MANNERS:
        of_manner = [s for s in sessions if s.manner == manner]
        for label, sound, names, model_right in (
            ("names", False, True, None),
            ("sound", True, False, None),
            ("both", True, True, None),
            ("+ model 90%", True, True, 0.9),
            ("+ model 50%", True, True, 0.5),
        ):
            r = judged(of_manner, weights, sound=sound, names=names, model_right=model_right)
            print(
                f"{manner:12} {label:12} {r['tracks']:6.0f} {r['right %']:8.1f} {r['auto %']:7.1f} "
                f"{r['auto right %']:9.1f} {r['auto wrong']:5.0f} {r['review %']:8.1f} "
                f"{r['Brier']:6.3f}"
            )


def _print_by_condition(sessions: list[Named], weights: FusionWeights) -> None:
    print(f"{'condition':12} {'names':12} {'tracks':>6} {'right %':>8} {'auto %':>7} {'wrong':>5}")
    for condition in dict.fromkeys(s.cue.condition for s in sessions):
        for manner in MANNERS:
            chosen = [s for s in sessions if (s.cue.condition, s.manner) == (condition, manner)]
            r = judged(chosen, weights, sound=True, names=True)
            print(
                f"{condition:12} {manner:12} {r['tracks']:6.0f} {r['right %']:8.1f} "
                f"{r['auto %']:7.1f} {r['auto wrong']:5.0f}"
            )


def main() -> None:
    """Fit, print the weights, judge them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--judge", action="store_true", help="do not fit")
    parser.add_argument("--fresh", action="store_true", help="do not fit; judge on the fresh set")
    parser.add_argument("--seconds", type=float, default=70.0, help="of each song")
    parser.add_argument(
        "--conditions",
        nargs="*",
        default=["clean", "hard", "silent", "missing", "all-at-once"],
    )
    parser.add_argument(
        "--cache", type=Path, default=Path(gettempdir()) / "cue_pipeline_bench_mapping"
    )
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    weights = WEIGHTS
    if not (args.judge or args.fresh):
        train = [
            *heard_cues("train", list(SPENT_IN), args.seconds, args.cache),
            *heard_cues("spent", list(SPENT_IN), SPENT_SECONDS, args.cache),
        ]
        weights = fitted(sessions_of(train))
        print("fitted:", {name: getattr(weights, name) for name in FITTED})
    test = list(
        heard_cues("fresh" if args.fresh else "test", args.conditions, args.seconds, args.cache)
    )
    sessions = sessions_of(test)
    _print(sessions, weights)
    _print_by_condition(sessions, weights)


if __name__ == "__main__":
    main()
