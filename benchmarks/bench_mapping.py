"""Is each track heard in its group? Rendered cues whose truth is known, condition by condition.

    python -m benchmarks.bench_mapping                    # the test set: composed from seeds
    python -m benchmarks.bench_mapping --midi FOLDER      # your own MIDI files
    python -m benchmarks.bench_mapping --set train --conditions hard live
    python -m benchmarks.bench_mapping --model gpt-4o-mini     # asks it, and pays for it
    python -m benchmarks.bench_mapping --soundfont /usr/share/sounds/sf2/FluidR3_GM.sf2

In the first table group names say nothing ("Audio 3_01"), so only sound can find them; the second
is the whole decision: by names as engineers write them, by sound under names that say nothing, by
both (the model off), and by all three. Where no model is named, a stand-in answers that is right 9
or 5 of 10 times; ``--model NAME`` asks a real one with OPENAI_API_KEY and OPENAI_BASE_URL, once per
cue and condition, and costs what it costs. The test set's seeds were used for no decision and no
fit. "right" counts tracks whose group has the highest score; a track that the ear abstains on
counts as wrong. Tracks with the same notes as another cannot be told apart by anybody: they are
counted apart.
"""

import argparse
import json
import sys
import tracemalloc
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.compose import Part, composed
from benchmarks.conditions import CONDITIONS, Condition
from benchmarks.render import RenderedCue, read_parts, rendered
from benchmarks.stand_in_model import StandIn, standing_in
from cue_pipeline.hearing import MatchEvidence, match_evidence
from cue_pipeline.library.chat_model import model_server
from cue_pipeline.mapping.decision.map_cue import map_cue
from cue_pipeline.mapping.model.chat import ChatModel
from cue_pipeline.mapping.tracks import track_summary
from cue_pipeline.settings import Settings

SURE = 0.9
SONGS = {
    # Decisions and weights were made on these …
    "train": [
        ("score", 1),
        ("score", 2),
        ("score", 3),
        ("repetitive", 1),
        ("repetitive", 2),
        ("chamber", 1),
        ("loop", 1),
        ("large", 1),
    ],
    # … and on these, which were judged on when they were unseen: weights are fitted on both.
    "spent": [
        *((style, 511) for style in ("score", "chamber", "repetitive", "loop")),
        *((style, 512) for style in ("score", "chamber", "repetitive")),
        *((style, 711) for style in ("score", "chamber", "repetitive", "loop", "large")),
        *((style, 712) for style in ("score", "chamber", "repetitive")),
        *((style, 811) for style in ("score", "chamber", "repetitive", "loop", "large")),
        *((style, 911) for style in ("score", "chamber", "repetitive", "loop", "large")),
        *((style, 1011) for style in ("score", "chamber", "repetitive", "loop", "large")),
        *((style, 1012) for style in ("score", "large")),
    ],
    # … and are judged on these.
    "test": [
        ("score", 101),
        ("score", 102),
        ("repetitive", 101),
        ("chamber", 101),
        ("loop", 101),
        ("large", 101),
    ],
    # About 100 tracks, for time and memory: --set tutti --conditions hard --memory.
    "tutti": [("tutti", 101)],
}


WAYS = ("names", "sound", "both")  # and with a model, by what it is called
STAND_INS = {"all, 9 of 10": 0.9, "all, 5 of 10": 0.5}


@dataclass(frozen=True)
class Asked:
    """A model that may be asked; ``stand_in`` must be told the truth before."""

    chat: ChatModel
    stand_in: StandIn | None = None


@dataclass
class Decisions:
    """What the decision made of the tracks, with one set of sources."""

    tracks: int = 0
    right: int = 0
    auto: int = 0
    auto_right: int = 0
    confidences: list[float] = field(default_factory=list)
    labels: list[bool] = field(default_factory=list)

    def add(
        self, cue: RenderedCue, evidence: MatchEvidence, way: str, asked: Asked | None = None
    ) -> None:
        """Count one cue; a track that is heard nowhere is right when it gets no group."""
        ids = [int(i) for i in cue.features["audio_file_id"]]
        opaque = dict(zip(ids, cue.features["canonical_name"], strict=True))
        groups = pd.DataFrame({"id": ids, "layout": "mono", "duration_seconds": 100.0})
        groups["canonical_name"] = [opaque[i] if way == "sound" else _distinct(cue, i) for i in ids]
        tracks = track_summary(cue.tracks, cue.notes)
        if asked and asked.stand_in:
            at: dict[int | None, int] = {audio_file_id: i for i, audio_file_id in enumerate(ids)}
            asked.stand_in.truth = [at.get(cue.truth[int(i)]) for i in tracks["id"]]
            asked.stand_in.n_groups = len(ids)
        mapping = map_cue(
            tracks,
            groups,
            evidence=None if way == "names" else evidence.pairs,
            chat=asked.chat if asked else None,
        )
        for found in mapping.tracks:
            right = found.audio_file_id == cue.truth[found.midi_track_id]
            auto = found.state == "auto"
            self.tracks += 1
            self.right += right
            self.auto += auto
            self.auto_right += auto and right
            self.confidences.append(found.confidence)
            self.labels.append(right)


def _distinct(cue: RenderedCue, audio_file_id: int) -> str:
    """Return the session name; takes of one name are numbered as a recorder does."""
    name = cue.session_name(audio_file_id)
    earlier = [i for i in sorted(cue.mels) if i < audio_file_id and cue.session_name(i) == name]
    return f"{name[:-2]}{len(earlier) + 1:02d}"


@dataclass
class Tally:
    """What became of the tracks of one condition."""

    cues: int = 0
    tracks: int = 0
    right: int = 0
    abstained: int = 0
    sure: int = 0
    sure_right: int = 0
    absent: int = 0  # tracks that are heard in no group
    false_alarms: int = 0  # of these, scored as surely heard
    lag_errors: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    pairs: int = 0
    scores: list[float] = field(default_factory=list)
    labels: list[bool] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    decisions: dict[str, Decisions] = field(default_factory=lambda: defaultdict(Decisions))

    def add(self, cue: RenderedCue, evidence: MatchEvidence, models: dict[str, Asked]) -> None:
        """Count one cue."""
        report = evidence.summary["files"][0]
        same = {name for names in report["same_notes"] for name in names}
        names = dict(zip(cue.tracks["id"], cue.tracks["track_name"], strict=True))
        self.cues += 1
        self.pairs += len(evidence.pairs)
        self.lag_errors.append(_lag_error(cue, evidence))
        for way in (*WAYS, *models):
            self.decisions[way].add(cue, evidence, way, models.get(way))
        for track_id, rows in evidence.pairs.groupby("midi_track_id"):
            truth = cue.truth[int(track_id)]
            if names[track_id] in same:
                continue
            heard = rows.dropna(subset=["score"])
            self.scores += heard["score"].tolist()
            self.labels += (heard["audio_file_id"] == truth).tolist()
            best = None if heard.empty else heard.loc[heard["score"].idxmax()]
            self._count(truth, best, f"{cue.name}: {names[track_id]}")

    def _count(self, truth: int | None, best: Any, name: str) -> None:
        sure = best is not None and best["score"] >= SURE
        if truth is None:
            self.absent += 1
            self.false_alarms += sure
            return
        right = best is not None and int(best["audio_file_id"]) == truth
        self.tracks += 1
        self.right += right
        self.abstained += best is None
        self.sure += sure
        self.sure_right += sure and right
        if not right:
            self.wrong.append(name + (" (abstained)" if best is None else ""))

    def row(self) -> dict[str, float]:
        """Return what is printed."""
        y, p = np.array(self.labels, float), np.array(self.scores)
        return {
            "cues": self.cues,
            "tracks": self.tracks,
            "right_percent": 100 * self.right / max(self.tracks, 1),
            "abstained": self.abstained,
            "sure_percent": 100 * self.sure / max(self.tracks, 1),
            "sure_right_percent": 100 * self.sure_right / max(self.sure, 1),
            "absent": self.absent,
            "false_alarms": self.false_alarms,
            "brier": float(((p - y) ** 2).mean()) if len(p) else 0.0,
            "worst_lag_error_seconds": float(max(self.lag_errors, default=0.0)),
            "cpu_seconds": self.cpu_seconds,
            "peak_megabytes": self.peak_bytes / 1e6,
        }


def _lag_error(cue: RenderedCue, evidence: MatchEvidence) -> float:
    """Return how far the found lag is from the truth, over all groups, seconds."""
    known = evidence.pairs.dropna(subset=["lag_seconds"])
    if known.empty:
        return float("inf")
    truth = known["audio_file_id"].map(cue.lag_of)
    return float((known["lag_seconds"] - truth).abs().max())


def songs(
    chosen: str, midi: Path | None, seconds: float, only: list[str] | None = None
) -> Iterator[tuple[str, list[Part], int]]:
    """Yield name, parts, seed."""
    if midi:
        for seed, path in enumerate(sorted(midi.glob("*.mid"))):
            parts = read_parts(path, seconds=seconds)
            if len(parts) > 1:
                yield path.stem, parts, seed
        return
    for style, seed in SONGS[chosen]:
        if not only or f"{style}{seed}" in only:
            yield f"{style}{seed}", composed(seed, style, seconds=seconds), seed


@contextmanager
def models(name: str | None) -> Iterator[dict[str, Asked]]:
    """Yield the model that was named, by the product's settings, or those that stand in for one."""
    with ExitStack() as stack:
        if name is None:
            yield {
                way: Asked(stack.enter_context(standing_in(knows := StandIn(right))), knows)
                for way, right in STAND_INS.items()
            }
            return
        server = model_server(Settings())
        if server is None:
            sys.exit(f"--model {name} needs OPENAI_API_KEY, in the environment or in .env")
        yield {f"all, {name}": Asked(ChatModel(server, model=name))}


def measured(args: argparse.Namespace, asked: dict[str, Asked]) -> dict[str, Tally]:
    """Render and match everything that was asked for."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    surplus = composed(99, "score", seconds=60)
    for name, parts, seed in songs(args.set, args.midi, args.seconds, args.songs):
        for condition in _conditions(args):
            cue = rendered(name, parts, condition, seed=seed, cache=args.cache, surplus=surplus)
            began = process_time()
            evidence = match_evidence(cue.tracks, cue.notes, cue.features, cue.mel_of)
            tally = tallies[condition.name]
            tally.cpu_seconds += process_time() - began
            tally.add(cue, evidence, asked)
            if args.memory:
                tally.peak_bytes = max(tally.peak_bytes, _peak_bytes(cue))
    return tallies


def _peak_bytes(cue: RenderedCue) -> int:
    """Return how much the evidence of one cue takes at most, the mels it is given not counted."""
    tracemalloc.start()
    match_evidence(cue.tracks, cue.notes, cue.features, cue.mel_of)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _conditions(args: argparse.Namespace) -> list[Condition]:
    chosen = [c for c in CONDITIONS if not args.conditions or c.name in args.conditions]
    return [replace(c, soundfont=args.soundfont) for c in chosen]


def _arguments() -> argparse.Namespace:
    doc = (__doc__ or "").split("\n\n")
    parser = argparse.ArgumentParser(description=doc[0])
    parser.add_argument("--set", choices=sorted(SONGS), default="test")
    parser.add_argument("--midi", type=Path, help="a folder of MIDI files, instead of the set")
    parser.add_argument("--songs", nargs="*", help="only these, for example score101 loop101")
    parser.add_argument("--seconds", type=float, default=100.0, help="of each song")
    parser.add_argument("--conditions", nargs="*", choices=[c.name for c in CONDITIONS])
    parser.add_argument("--soundfont", type=Path, help="a General MIDI .sf2")
    parser.add_argument(
        "--cache", type=Path, default=Path(gettempdir()) / "cue_pipeline_bench_mapping"
    )
    parser.add_argument("--model", help="ask this model, by OPENAI_API_KEY; every answer is paid")
    parser.add_argument("--memory", action="store_true", help="match again to measure memory")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _printed(tallies: dict[str, Tally]) -> None:
    print(
        f"{'condition':12} {'cues':>4} {'tracks':>6} {'right %':>8} {'abst.':>5} {'sure %':>7} "
        f"{'of sure %':>9} {'absent':>6} {'false':>5} {'Brier':>6} {'lag err s':>9}"
    )
    for name, tally in tallies.items():
        r = tally.row()
        print(
            f"{name:12} {r['cues']:4.0f} {r['tracks']:6.0f} {r['right_percent']:8.1f} "
            f"{r['abstained']:5.0f} {r['sure_percent']:7.1f} {r['sure_right_percent']:9.1f} "
            f"{r['absent']:6.0f} {r['false_alarms']:5.0f} {r['brier']:6.3f} "
            f"{r['worst_lag_error_seconds']:9.3f}"
        )
    for name, tally in tallies.items():
        if tally.peak_bytes:
            print(
                f"{name}: {tally.pairs} pairs in {tally.cpu_seconds:.1f} s of one core, "
                f"at most {tally.peak_bytes / 1e6:.0f} MB"
            )
    _printed_decisions(tallies)
    for tally in tallies.values():
        for wrong in tally.wrong:
            print("  wrong:", wrong)
    _printed_calibration(tallies)


def _printed_decisions(tallies: dict[str, Tally]) -> None:
    together = _together(tallies)
    ways = list(together.decisions)
    print("the decision: right %, of all; auto %, of all; right %, of auto")
    print(f"{'condition':12} " + " ".join(f"{way:>22}" for way in ways))
    for name, tally in [*tallies.items(), ("all", together)]:
        cells = [
            f"{100 * d.right / max(d.tracks, 1):7.1f}{100 * d.auto / max(d.tracks, 1):7.1f}"
            f"{100 * d.auto_right / max(d.auto, 1):8.1f}"
            for d in (tally.decisions[way] for way in ways)
        ]
        print(f"{name:12} " + " ".join(cells))
    print("its calibration: tracks whose confidence lies in the bin, mean confidence %, right %")
    for low, high in pairwise((0.0, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 1.01)):
        cells = [_bin_of(together.decisions[way], low, high) for way in ways]
        print(f"{low:4.2f}–{min(high, 1):4.2f}    " + " ".join(cells))


def _bin_of(decisions: Decisions, low: float, high: float) -> str:
    p, y = np.array(decisions.confidences), np.array(decisions.labels, float)
    inside = (p >= low) & (p < high)
    if not inside.any():
        return f"{0:7d}{'–':>7}{'–':>8}"
    return f"{inside.sum():7d}{100 * p[inside].mean():7.1f}{100 * y[inside].mean():8.1f}"


def _together(tallies: dict[str, Tally]) -> Tally:
    out = Tally()
    for tally in tallies.values():
        for way, d in tally.decisions.items():
            total = out.decisions[way]
            total.tracks += d.tracks
            total.right += d.right
            total.auto += d.auto
            total.auto_right += d.auto_right
            total.confidences += d.confidences
            total.labels += d.labels
    return out


def _printed_calibration(tallies: dict[str, Tally]) -> None:
    p = np.array([s for t in tallies.values() for s in t.scores])
    y = np.array([label for t in tallies.values() for label in t.labels], float)
    print("calibration: of all pairs whose score lies in the bin, so many are truly heard")
    for low in (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99):
        high = {0.0: 0.05, 0.05: 0.2, 0.8: 0.9, 0.9: 0.95, 0.95: 0.99, 0.99: 1.01}.get(
            low, low + 0.2
        )
        inside = (p >= low) & (p < high)
        if inside.any():
            print(
                f"  {low:4.2f}–{min(high, 1):4.2f}: {inside.sum():6d} pairs, mean score "
                f"{p[inside].mean():.3f}, heard {y[inside].mean():.3f}"
            )


def main() -> None:
    """Print the table, or JSON."""
    args = _arguments()
    with models(args.model) as asked:
        tallies = measured(args, asked)
    if args.json:
        print(json.dumps({name: tally.row() for name, tally in tallies.items()}, indent=1))
    else:
        _printed(tallies)


if __name__ == "__main__":
    main()
