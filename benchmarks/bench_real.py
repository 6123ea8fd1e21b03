"""Is each track heard in its stem? Recorded sessions of your own whose truth is known.

    python -m benchmarks.bench_real FOLDER
    python -m benchmarks.bench_real FOLDER --variants plain strange --verbose

``FOLDER`` holds one folder for each piece: ``MIDI/*.mid``, sound files below ``PT/``, if there is
one a performance of the same tracks below ``as played/``, and ``truth.json``, which says of the
tracks' indices in which stems each is heard:
``{"1": {"track": "Drums", "group": "Audio 3_01", "notes": 101}}``; ``group`` may be a list. A
folder whose name ends in ``_kit`` is the piece of the name without it, its drum part split.

Each piece is tried as it stands (*plain*), as played, with all other stems 15 dB lower in each
(*bleeding*), with its stems merged in twos, with each stem in turn taken away (*unrecorded*), and
with the MIDI of every other piece (*strange*). Stems have opaque names, no model is asked.
*believed*: pairs of score and recording whose lag the ear believes.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import soundfile
import soxr

from benchmarks.render import mel_params
from benchmarks.stems import HOP, N_MELS, SR, Float, log_mel
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.hearing import match_evidence
from cue_pipeline.hearing.placing import LEAST_LAG_CONFIDENCE
from cue_pipeline.mapping.decision.map_cue import map_cue
from cue_pipeline.mapping.tracks import track_summary
from cue_pipeline.midi.score_rows import midi_events_tables, read_midi_files

VARIANTS = ("plain", "played", "bleeding", "merged", "unrecorded", "strange")
KIT = "_kit"
BLEED = 10 ** (-15 / 20)
Stem = tuple[tuple[Path, float], ...]
"""Files and their gains, to be added."""


@dataclass(frozen=True)
class Trial:
    """A score, stems, and where each track is heard: track index → names of stems."""

    variant: str
    name: str
    midi: Path
    stems: dict[str, Stem]
    truth: dict[int, set[str]]


@dataclass
class Count:
    """What became of the tracks of one variant."""

    cues: int = 0
    believed: int = 0
    cpu_seconds: float = 0.0
    states: list[str] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    best: list[bool | None] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        """Return what is printed."""
        right, states = np.array(self.right, bool), np.array(self.states)
        best = [b for b in self.best if b is not None]
        out = [f"{self.cues:5}", f"{self.believed:5}", f"{len(right):6}", _share(right)]
        for state in ("auto", "unmatched"):
            chosen = states == state
            out += [_share(chosen), _share(right[chosen]), f"{int((~right[chosen]).sum()):5}"]
        return [*out, _share(np.array(best, bool)), f"{self.cpu_seconds:6.1f}"]


def _share(of: Any) -> str:
    return f"{100 * float(np.mean(of)):6.1f}" if len(of) else "     -"


def trials(folder: Path, variants: list[str]) -> Iterator[Trial]:
    """Yield every trial of every piece below ``folder``."""
    pieces = sorted(path.parent for path in folder.glob("*/truth.json"))
    for piece in pieces:
        kind = "kit " if piece.name.endswith(KIT) else ""
        stems: dict[str, Stem] = {
            path.stem: ((path, 1.0),) for path in sorted(piece.glob("PT/**/*.*"))
        }
        truth = {
            int(index): {said["group"]} if isinstance(said["group"], str) else set(said["group"])
            for index, said in json.loads((piece / "truth.json").read_text()).items()
        }
        (midi,) = piece.glob("MIDI/*.mid")
        if "plain" in variants:
            yield Trial(f"{kind}plain", piece.name, midi, stems, truth)
        for played in piece.glob("as played/*.mid") if "played" in variants else ():
            yield Trial(f"{kind}played", piece.name, played, stems, truth)
        if "bleeding" in variants:
            own = {name: stem[0][0] for name, stem in stems.items()}
            bled: dict[str, Stem] = {
                name: tuple((path, 1.0 if of == name else BLEED) for of, path in own.items())
                for name in stems
            }
            yield Trial(f"{kind}bleeding", piece.name, midi, bled, truth)
        if "merged" in variants:
            names = list(stems)
            twos = [names[i : i + 2] for i in range(0, len(names), 2)]
            clumps = {f"{both[0]} mixed": both for both in twos}
            merged = {name: tuple(stems[s][0] for s in both) for name, both in clumps.items()}
            into = {s: name for name, both in clumps.items() for s in both}
            heard = {i: {into[s] for s in of} for i, of in truth.items()}
            yield Trial(f"{kind}merged", piece.name, midi, merged, heard)
        for gone in stems if "unrecorded" in variants else ():
            left = {name: of for name, of in stems.items() if name != gone}
            heard = {i: of - {gone} for i, of in truth.items()}
            yield Trial(f"{kind}unrecorded", f"{piece.name} -{gone}", midi, left, heard)
        if "strange" in variants and not kind:
            yield from _strange(piece, pieces, stems)


def _strange(piece: Path, pieces: list[Path], stems: dict[str, Stem]) -> Iterator[Trial]:
    for other in pieces:
        if other.name.removesuffix(KIT) != piece.name:
            kind = "kit " if other.name.endswith(KIT) else ""
            (midi,) = other.glob("MIDI/*.mid")
            nowhere: dict[int, set[str]] = defaultdict(set)
            yield Trial(f"{kind}strange", f"{piece.name} {other.name}", midi, stems, nowhere)


@cache
def score(midi: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the product's rows of tracks and of notes."""
    folder = CueFolder("trial", midi.parents[1], midi.parent, (midi.name,), (), "", "")
    tables = midi_events_tables("trial", read_midi_files(folder), ())
    return tables["midi_tracks"], tables["midi_notes"]


@cache
def samples(path: Path) -> Float:
    """Return mono sound at the benchmark's rate."""
    y, rate = soundfile.read(path, dtype="float32", always_2d=True)
    out: Float = soxr.resample(y.mean(axis=1), rate, SR)
    return out


@cache
def mel_of(stem: Stem) -> Float:
    """Return the mel spectrogram of the sum of some files."""
    voices = [samples(path) * np.float32(gain) for path, gain in stem]
    total = np.zeros(max(map(len, voices)), np.float32)
    for y in voices:
        total[: len(y)] += y
    return log_mel(total)


def features_of(stems: dict[str, Stem]) -> tuple[pd.DataFrame, dict[int, Float]]:
    """Return the rows of features and the mels of some stems."""
    mels = {2000 + i: mel_of(stem) for i, stem in enumerate(stems.values())}
    table = pd.DataFrame(
        {
            "audio_file_id": list(mels),
            "canonical_name": list(stems),
            "sample_rate": SR,
            "hop_length": HOP,
            "n_mels": N_MELS,
            "n_frames": [len(mel) for mel in mels.values()],
            "max_db": [float(mel.max()) for mel in mels.values()],
            "params": [mel_params() for _ in mels],
            "time_reference": pd.array([None] * len(mels), dtype="Int64"),
        }
    )
    return table, mels


def tried(trial: Trial, count: Count, *, verbose: bool) -> None:
    """Match and map one trial, and count what became of it."""
    tracks, notes = score(trial.midi)
    features, mels = features_of(trial.stems)
    began = process_time()
    evidence = match_evidence(tracks, notes, features, mels.__getitem__)
    count.cpu_seconds += process_time() - began
    summary = track_summary(tracks, notes)
    groups = features.rename(columns={"audio_file_id": "id"}).assign(
        layout="mono", duration_seconds=1.0
    )
    mapping = map_cue(summary, groups, evidence=evidence.pairs)
    report = evidence.summary["files"][0]
    confidence = report.get("lag_confidence", 0.0)
    count.cues += 1
    count.believed += confidence >= LEAST_LAG_CONFIDENCE
    if verbose:
        print(
            f"{trial.variant}: {trial.name}: lag {report.get('lag_seconds', float('nan')):+.3f} "
            f"confidence {confidence:.2f} R² {report.get('lag_r2', 0):.3f} "
            f"rivals {report.get('lag_rivals')} {report.get('clock_doubt') or ''} "
            f"{report.get('followed') or ''}"
        )
    scores = evidence.pairs.pivot(
        index="midi_track_id", columns="audio_file_id", values="score"
    ).reindex(columns=list(mels))
    for index, n_notes, found in zip(
        summary["track_index"], summary["n_notes"], mapping.tracks, strict=True
    ):
        if not n_notes:
            continue
        true = trial.truth[int(index)]
        right = found.canonical_name in true if true else found.canonical_name is None
        of_track = scores.loc[found.midi_track_id].to_numpy(np.float64)
        best = None
        if true and np.isfinite(of_track).any():
            best = list(trial.stems)[int(np.nanargmax(of_track))] in true
        count.states.append(found.state)
        count.right.append(right)
        count.best.append(best)
        count.confidences.append(found.confidence)
        if verbose and (not right or found.state != "auto"):
            print(
                f"    {'right' if right else 'WRONG'} {found.state} {found.confidence:.2f} "
                f"{found.track_name} ({n_notes} notes) -> {found.canonical_name}, true "
                f"{sorted(true) or None}, scores {np.round(of_track, 2).tolist()}: {found.reason}"
            )


def main() -> None:
    """Try what was asked for and print the tables."""
    doc = (__doc__ or "").split("\n\n")
    parser = argparse.ArgumentParser(description=doc[0])
    parser.add_argument("folder", type=Path, nargs="?", help="of pieces; see the module")
    parser.add_argument("--variants", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--verbose", action="store_true", help="tell every doubt and every error")
    args = parser.parse_args()
    if args.folder is None:
        print("no folder of recordings was named: nothing to try")
        return
    counts: dict[str, Count] = defaultdict(Count)
    for trial in trials(args.folder, args.variants):
        tried(trial, counts[trial.variant], verbose=args.verbose)
    _printed(counts)


def _printed(counts: dict[str, Count]) -> None:
    print(
        f"{'variant':14}  cues  bel. tracks right% auto%  right% wrong unm.%  right% wrong best% "
        "  cpu s"
    )
    for name, count in counts.items():
        print(f"{name:14} {' '.join(count.cells())}")
    together = Count()
    for name, count in counts.items():
        if not name.endswith("strange"):
            together.cues += count.cues
            together.believed += count.believed
            together.cpu_seconds += count.cpu_seconds
            for column in ("states", "right", "best", "confidences"):
                getattr(together, column).extend(getattr(count, column))
    print(f"{'but strange':14} {' '.join(together.cells())}")
    right, confidence = np.array(together.right, bool), np.array(together.confidences)
    for state in ("auto", "unmatched"):
        of_state = np.array(together.states) == state
        for low, high in pairwise((0.0, 0.7, 0.8, 0.9, 0.95, 0.99, 1.01)):
            inside = of_state & (confidence >= low) & (confidence < high)
            if inside.any():
                print(f"{state} {low:.2f}-{min(high, 1):.2f}: {inside.sum()} tracks, "
                      f"{100 * right[inside].mean():.1f} % right")  # fmt: skip


if __name__ == "__main__":
    main()
