"""Fit the weights that fuse names and sound, and judge the decision on cues that were not fitted.

    python -m benchmarks.fit_fusion                # fit on the train set, judge on the test set
    python -m benchmarks.fit_fusion --judge        # judge the weights as they stand
    python -m benchmarks.fit_fusion --fresh        # the same on cues that no decision was made on

Sessions are rendered as in :mod:`benchmarks.bench_mapping`; then tracks and stems are named as
people name them, in four manners: real names, half of them opaque ("MIDI 4", "Audio 3_01"), all
opaque, and misleading (stems whose names are swapped). Train and test share neither music nor
spellings, nor does the fresh set with either: it was written and rendered once, after weights and
rules were frozen, and is to be replaced by another as soon as anything is changed for its sake. The
weights are the maximum-likelihood estimate of the conditional logit; nothing is
known here of a chat model, whose weight is therefore not fitted. Two rows are judged with a made-up
model that answers for every track, always with confidence 0.9, and is right nine times of ten or
half of the time, whatever is known: they show what such a model does to the decision, not what any
real one is worth.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bench_mapping import SONGS
from benchmarks.compose import composed
from benchmarks.render import CONDITIONS, rendered
from cue_pipeline.mapping.answers import TrackAnswer
from cue_pipeline.mapping.calls import ModelAnswer
from cue_pipeline.mapping.decision import map_cue
from cue_pipeline.mapping.evidence import match_evidence
from cue_pipeline.mapping.fusion import (
    WEIGHTS,
    FusionWeights,
    Sources,
    choice_probabilities,
    evidence_matrix,
)
from cue_pipeline.mapping.similarity import name_fits

# Pieces of the fresh set: style and seed.
# The one before, ("score", "repetitive", "chamber", "loop" and "large" of seed 311), is spent: the
# guard `firm_sound` was made for what went wrong there, on pieces of the seeds 421 to 423.
FRESH = (
    ("score", 511), ("chamber", 511), ("repetitive", 511), ("loop", 511),
    ("score", 512), ("chamber", 512), ("repetitive", 512),
)  # fmt: skip
MANNERS = ("real", "half opaque", "opaque", "misleading")
# How much each manner counts in the fit: what share of real sessions is like that is a guess.
MANNER_WEIGHTS = {"real": 0.55, "half opaque": 0.25, "opaque": 0.15, "misleading": 0.05}
NAMINGS_PER_CUE = 3
FITTED = ("name", "name_neutral", "evidence", "none", "unknown")

# Instrument: (spellings for the train set, spellings for the test set), and its section.
SPELLINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "Violins I": (
        ("Vln 1", "Violins I Leg", "1. Violinen"),
        ("VLN I", "Vlns 1 CLOSE", "Violini I"),
        "str",
    ),
    "Violins II": (
        ("Vln 2", "Violins II Leg", "2. Violinen"),
        ("VLN II", "Vlns 2 CLOSE", "Violini II"),
        "str",
    ),
    "Violin I": (("Vln 1", "Violin 1"), ("VLN I", "Violino I"), "str"),
    "Violin II": (("Vln 2", "Violin 2"), ("VLN II", "Violino II"), "str"),
    "Violas": (("Vla", "Bratschen", "Violas Spicc"), ("VLAS", "Viole", "Violas"), "str"),
    "Viola": (("Vla", "Bratsche"), ("VLA", "Viola"), "str"),
    "Celli": (("Vc", "Cellos", "Celli Sus"), ("VCS", "Violoncelli", "Celli"), "str"),
    "Cello": (("Vc", "Cello"), ("VC", "Violoncello"), "str"),
    "Basses": (("Cb", "Kontrabass", "Basses Pizz"), ("CBS", "Contrabassi", "Double Basses"), "str"),
    "Strings": (("Strings", "Str Ens"), ("STGS", "Archi"), "str"),
    "Flute": (("Fl 1", "Flöte", "Flute"), ("FL", "Flauto", "Flutes"), "ww"),
    "Oboe": (("Ob 1", "Oboe"), ("OB", "Oboi"), "ww"),
    "Clarinet": (("Cl 1", "Klarinette", "Clarinet"), ("CL", "Clar", "Clarinetti"), "ww"),
    "Bassoon": (("Fag", "Bassoon"), ("BSN", "Fagotti"), "ww"),
    "Horns": (("Hns a4", "Hörner", "Horns"), ("FHN", "Corni", "F Horns"), "brass"),
    "Trumpets": (("Tpt", "Trompeten", "Trumpets"), ("TPTS", "Trombe"), "brass"),
    "Trombones": (("Tbn", "Posaunen", "Trombones"), ("TBNS", "Tromboni"), "brass"),
    "Tuba": (("Tuba", "Tba"), ("TUBA", "Tuba solo"), "brass"),
    "Harp": (("Hp", "Harfe"), ("HARP", "Arpa"), "harp"),
    "Piano": (("Pno", "Klavier"), ("PIANO", "Pianoforte"), "keys"),
    "Piano R.H.": (("Pno RH", "Piano Hi"), ("PIANO RH", "Pno R.H."), "keys"),
    "Piano L.H.": (("Pno LH", "Piano Lo"), ("PIANO LH", "Pno L.H."), "keys"),
    "Celesta": (("Cel", "Celesta"), ("CELESTE", "Celesta"), "keys"),
    "Timpani": (("Timp", "Pauken"), ("TIMP", "Timpani"), "perc"),
    "Choir": (("Chr Ah", "Chor"), ("CHOIR", "Coro"), "choir"),
    "Glockenspiel": (("Glock", "Glsp"), ("GLOCK", "Glockenspiel"), "perc"),
    "Marimba": (("Mar", "Marimba"), ("MARIMBA", "Mrb"), "perc"),
    "Synth Pulse": (("Syn Pulse", "Pulses"), ("SYN PULSE", "Synth Arp"), "synth"),
    "Synth Pad": (("Syn Pad", "Warm Pad"), ("SYN PAD", "Pad Dark"), "synth"),
    "Synth Bass": (("Syn Bs", "Synth Bass"), ("SYN BASS", "Moog Bass"), "synth"),
    "E-Guitar": (("EGtr", "E-Gitarre"), ("EGTR", "Elec Gtr"), "gtr"),
    "Acoustic Gtr": (("AGtr", "Ac Gtr"), ("AGTR", "Acoustic Guitar"), "gtr"),
    "Bells": (("Tub Bells", "Bells"), ("BELLS", "Chimes"), "perc"),
    "Lead": (("Syn Lead", "Lead Synth"), ("SYN LEAD", "Synth Lead"), "synth"),
}
SECTIONS: dict[str, tuple[str, str]] = {
    "str": ("Strings", "STGS"),
    "ww": ("Woodwinds", "WW"),
    "brass": ("Brass", "BRS"),
    "keys": ("Keys", "KEYS"),
    "perc": ("Perc", "PERC"),
    "synth": ("Synths", "SYN"),
    "gtr": ("Guitars", "GTRS"),
}

# Written last, for the fresh set alone.
FRESH_SPELLINGS: dict[str, tuple[str, ...]] = {
    "Violins I": ("Vl1", "1st Violins", "VIOLINS_1 sus"),
    "Violins II": ("Vl2", "2nd Violins", "VIOLINS_2 sus"),
    "Violin I": ("Vl1", "1st Violin"),
    "Violin II": ("Vl2", "2nd Violin"),
    "Violas": ("Vle", "VIOLAS_sus", "Altos cordes"),
    "Viola": ("Vle", "Viola solo"),
    "Celli": ("Vlc", "CELLOS_sus", "Violoncelles"),
    "Cello": ("Vlc", "Cello solo"),
    "Basses": ("DB", "D.Bass", "Contrebasses"),
    "Strings": ("Str", "Full Strings"),
    "Flute": ("Flt", "Flutes a2"),
    "Oboe": ("Obs", "Hautbois"),
    "Clarinet": ("Clt", "Clarinets a2"),
    "Bassoon": ("Bsns", "Bassoons a2", "Fagott"),
    "Horns": ("Hrn", "Fr Horns", "HORNS_sus"),
    "Trumpets": ("Tps", "Trumpet a3", "Trompettes"),
    "Trombones": ("Trb", "Bones", "Trombone a3"),
    "Tuba": ("Tub", "Tuba_stac"),
    "Harp": ("Hrp", "Harp Gliss"),
    "Piano": ("Grand", "Pf"),
    "Piano R.H.": ("Piano right hand", "Pf RH"),
    "Piano L.H.": ("Piano left hand", "Pf LH"),
    "Celesta": ("Celeste", "Cel."),
    "Timpani": ("Tmp", "Timpani roll"),
    "Choir": ("Mixed Choir", "Choir Oohs"),
    "Glockenspiel": ("Glk", "Glocken"),
    "Marimba": ("Marimba roll", "Mba"),
    "Synth Pulse": ("Pulse 16ths", "Seq Pulse"),
    "Synth Pad": ("Soft Pad", "Pad wide"),
    "Synth Bass": ("SynBass", "Bass Synth"),
    "E-Guitar": ("Electric Guitar", "E.Gtr"),
    "Acoustic Gtr": ("Ac. Guitar", "Steel Gtr"),
    "Bells": ("Tubular Bells", "Bell"),
    "Lead": ("Lead Syn", "Mono Lead"),
}
FRESH_SECTIONS = {
    "str": "STR", "ww": "WINDS", "brass": "BRASS", "keys": "KEYBOARDS", "perc": "PERCUSSION",
    "synth": "SYNTHS", "gtr": "GTR",
}  # fmt: skip


@dataclass(frozen=True)
class Cue:
    """A rendered session without its sound: what was heard, and the truth."""

    name: str
    condition: str
    tracks: pd.DataFrame
    groups: pd.DataFrame
    pairs: pd.DataFrame
    truth: list[int | None]
    which: str


@dataclass(frozen=True)
class Named:
    """A session under people's names."""

    cue: Cue
    manner: str
    track_names: list[str]
    group_names: list[str]


def heard_cues(which: str, conditions: list[str], seconds: float, cache: Path) -> Iterator[Cue]:
    """Render one set and yield what was heard."""
    surplus = composed(99, "score", seconds=60)
    for style, seed in FRESH if which == "fresh" else SONGS[which]:
        parts = composed(seed, style, seconds=seconds)
        for condition in (c for c in CONDITIONS if c.name in conditions):
            cue = rendered(
                f"{style}{seed}", parts, condition, seed=seed, cache=cache, surplus=surplus
            )
            pairs = match_evidence(cue.tracks, cue.notes, cue.features, cue.mel_of).pairs
            yield cue_of(which, f"{style}{seed}", condition.name, cue, pairs)


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


def named(cue: Cue, manner: str, rng: np.random.Generator) -> Named:
    """Name a session's tracks and stems."""
    instruments = [
        str(n).removesuffix(" long").removesuffix(" short") for n in cue.tracks["track_name"]
    ]
    opaque = {"real": 0.03, "half opaque": 0.5, "opaque": 1.0, "misleading": 0.03}[manner]
    tracks = [
        f"MIDI {i + 1}" if rng.random() < opaque else _spelt(name, cue.which, rng)
        for i, name in enumerate(instruments)
    ]
    groups = [_group_name(cue, g, instruments, opaque, rng) for g in range(len(cue.groups))]
    if manner == "misleading" and len(groups) > 2:
        swapped = rng.choice(len(groups), max(2, len(groups) // 5), replace=False)
        names = [groups[g] for g in swapped]
        for g, name in zip(swapped, names[1:] + names[:1], strict=True):
            groups[g] = name
    return Named(cue, manner, tracks, groups)


def _spelt(instrument: str, which: str, rng: np.random.Generator) -> str:
    if which == "fresh":
        return str(rng.choice(FRESH_SPELLINGS.get(instrument, (instrument,))))
    known = SPELLINGS.get(instrument)
    return str(rng.choice(known[0 if which == "train" else 1])) if known else instrument


def _group_name(
    cue: Cue, group: int, instruments: list[str], opaque: float, rng: np.random.Generator
) -> str:
    within = sorted({instruments[t] for t, g in enumerate(cue.truth) if g == group})
    if rng.random() < opaque or not within:
        return f"Audio {group + 1}_01"
    sections = {SPELLINGS[name][2] if name in SPELLINGS else "perc" for name in within}
    if len(within) > 1 and len(sections) == 1 and (section := sections.pop()) in SECTIONS:
        if cue.which == "fresh":
            return FRESH_SECTIONS[section]
        return SECTIONS[section][0 if cue.which == "train" else 1]
    if len(within) > 2:
        return f"Stem {group + 1}"
    return "+".join(_spelt(name, cue.which, rng) for name in within)


def sources(session: Named) -> Sources:
    """Return what names and sound say of a session."""
    fits, told = name_fits(session.track_names, session.group_names)
    heard = evidence_matrix(session.cue.pairs, session.cue.tracks, session.cue.groups)
    return Sources(fits, told, heard)


def fitted(sessions: list[Named]) -> FusionWeights:
    """Return the weights that make the truth of `sessions` likeliest."""
    from scipy.optimize import minimize

    known = [(sources(s), _columns(s), MANNER_WEIGHTS[s.manner]) for s in sessions]
    known += [(replace(k, evidence=None), truth, weight) for k, truth, weight in known]
    shares = np.concatenate([np.full(len(truth), weight) for _, truth, weight in known])

    def loss(values: np.ndarray) -> float:
        weights = replace(WEIGHTS, **dict(zip(FITTED, values.tolist(), strict=True)))
        chances = [
            choice_probabilities(k, weights)[np.arange(len(truth)), truth] for k, truth, _ in known
        ]
        logs = np.log(np.clip(np.concatenate(chances), 1e-6, 1))
        return float(-(shares * logs).sum() / shares.sum())

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
        answers = {}
        for i, truth in enumerate(self.truth):
            others = [g for g in (None, *range(self.n_groups)) if g != truth]
            wrong = others[int(self.rng.integers(len(others)))] if others else truth
            answers[i] = TrackAnswer(truth if self.rng.random() < self.right else wrong, None, 0.9)
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
            "track_name": shown,
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


def main() -> None:
    """Fit, print the weights, judge them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--judge", action="store_true", help="do not fit")
    parser.add_argument("--fresh", action="store_true", help="do not fit; judge on the fresh set")
    parser.add_argument("--seconds", type=float, default=70.0, help="of each song")
    parser.add_argument(
        "--conditions",
        nargs="*",
        default=["clean", "hard", "missing", "live", "mock-up", "all-at-once"],
    )
    parser.add_argument(
        "--cache", type=Path, default=Path(gettempdir()) / "cue_pipeline_bench_mapping"
    )
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    weights = WEIGHTS
    if not (args.judge or args.fresh):
        train = list(heard_cues("train", args.conditions, args.seconds, args.cache))
        weights = fitted(sessions_of(train))
        print("fitted:", {name: getattr(weights, name) for name in FITTED})
    test = list(
        heard_cues("fresh" if args.fresh else "test", args.conditions, args.seconds, args.cache)
    )
    _print(sessions_of(test), weights)


if __name__ == "__main__":
    main()
