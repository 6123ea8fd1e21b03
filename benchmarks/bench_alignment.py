"""Where is each note heard? Rendered takes that do not keep the score's time, and their truth.

    python -m benchmarks.bench_alignment
    python -m benchmarks.bench_alignment --set tried --takes "a bar cut" --verbose

Every part is played by its own notes at the times of the take, so that the truth of each note is
known to the sample. *within*: notes that the table ``stem_alignments`` places so near to where they
sound in their stem, of all notes that sound in it; a note that was cut counts where it is said to
be outside the recording, and not where it is placed. A bar that is heard twice counts at either
place. *does not follow*: cues of which the ear says itself that they are in doubt; their notes are
not counted.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import gettempdir
from time import process_time

import numpy as np
from numpy.typing import NDArray

from benchmarks.compose import Part, composed
from benchmarks.render import RenderedCue, session_cue
from benchmarks.stems import SR, dry, leaking, log_mel, reverberant
from cue_pipeline.hearing import MatchEvidence, match_evidence
from cue_pipeline.hearing.heard_times import heard_times, is_cut

Float64 = NDArray[np.float64]

STYLES = ("score", "chamber", "repetitive", "large")
SETS = {
    "tried": (31, 32),  # what was decided was decided on these …
    "test": (41, 42),  # … and is judged on these
}
LEAD_SECONDS = 3.7
_KNOT_SECONDS = 4.0


@dataclass(frozen=True)
class Take:
    """How a take's time leaves the score's.

    Attributes
    ----------
    name : str
    clock : callable
        Length of the score, seconds, and a generator → knots: score's times and the take's.
    lean_seconds : float
        By so much each player is early or late beside the others, slowly.
    cut, twice : bool
        Whether about two seconds of the score are left out, or played twice.
    at : float
        Where, as a share of the score.
    """

    name: str
    clock: Callable[[float, np.random.Generator], tuple[Float64, Float64]]
    lean_seconds: float = 0.0
    cut: bool = False
    twice: bool = False
    at: float = 0.55


def wandering(
    seconds: float, ppm: float
) -> Callable[[float, np.random.Generator], tuple[Float64, Float64]]:
    """Return a take with the click that is early and late by ``seconds``, on a clock of its own."""

    def clock(length: float, rng: np.random.Generator) -> tuple[Float64, Float64]:
        at = np.arange(0.0, length + 2 * _KNOT_SECONDS, _KNOT_SECONDS)
        return at, at * (1 + ppm * 1e-6) + rng.uniform(-seconds, seconds, len(at))

    return clock


def at_tempo(ratio: float) -> Callable[[float, np.random.Generator], tuple[Float64, Float64]]:
    """Return a take at another tempo than the score's."""

    def clock(length: float, _: np.random.Generator) -> tuple[Float64, Float64]:
        return np.array([0.0, length]), np.array([0.0, length / ratio])

    return clock


def without_click(length: float, rng: np.random.Generator) -> tuple[Float64, Float64]:
    """Return a take whose tempo comes and goes by 6 %."""
    at = np.arange(0.0, length + 12.0, 6.0)
    steps = np.diff(at) * np.exp(rng.uniform(-0.06, 0.06, len(at) - 1))
    return at, np.r_[0.0, np.cumsum(steps)]


def with_fermata(length: float, _: np.random.Generator) -> tuple[Float64, Float64]:
    """Return a take that holds for 2.5 s in the middle."""
    at = 0.55 * length
    return np.array([0.0, at, at + 0.5, length]), np.array([0.0, at, at + 3.0, length + 2.5])


def _even(length: float, _: np.random.Generator) -> tuple[Float64, Float64]:
    return np.array([0.0, length]), np.array([0.0, length])


TAKES = (
    Take("15 ms, 120 ppm", wandering(0.015, 120.0), 0.005),
    Take("40 ms, 800 ppm", wandering(0.040, 800.0), 0.013),
    Take("tempo 5 % off", at_tempo(1.05)),
    Take("112 for 120", at_tempo(112 / 120)),
    Take("no click", without_click, 0.005),
    Take("a fermata", with_fermata),
    Take("a bar cut", _even, cut=True),
    Take("a bar twice", _even, twice=True),
)


@dataclass
class Played:
    """One part as played: notes as they sound, and where each note of the score is heard."""

    score: Part
    part: Part
    times: list[tuple[float, ...]] = field(default_factory=list)


def played(
    part: Part,
    take: Take,
    knots: tuple[Float64, Float64],
    bar: tuple[float, float],
    rng: np.random.Generator,
) -> Played:
    """Return what is heard of a part in a take."""
    score, heard = knots
    own = rng.uniform(-take.lean_seconds, take.lean_seconds, len(score))
    begin, end = bar
    out = Played(part, replace(part, notes=[]))

    def sounding(seconds: float) -> float:
        return float(np.interp(seconds, score, heard) + np.interp(seconds, score, own))

    for start, duration, pitch, velocity in part.notes:
        a = max(sounding(start), 0.0)
        b = max(sounding(start + duration), a + 0.02)
        late = end - begin
        shifts = [0.0]
        if take.cut:
            shifts = [] if begin <= start < end else [-late if start >= end else 0.0]
            # What is held into the cut ends with it.
            b = min(b, begin) if start < begin else b
        elif take.twice:
            shifts = [0.0, late] if begin <= start < end else [late if start >= end else 0.0]
        out.part.notes.extend((a + s, b - a, pitch, velocity) for s in shifts)
        out.times.append(tuple(a + s + LEAD_SECONDS for s in shifts))
    out.part.notes.sort()
    return out


def the_bar(parts: list[Part], at: float) -> tuple[float, float]:
    """Return a stretch of about 2 s of the score that begins and ends where most parts strike."""
    starts = np.sort(np.concatenate([[n[0] for n in part.notes] for part in parts]))
    places, counts = np.unique(np.round(starts, 2), return_counts=True)
    strong = places[counts >= np.quantile(counts, 0.8)]
    begin = strong[np.abs(strong - at * starts[-1]).argmin()]
    end = strong[np.abs(strong - (begin + 2.2)).argmin()]
    return float(begin) - 0.01, float(end) - 0.01


def cue_of(
    name: str, parts: list[Part], take: Take, seed: int, cache: Path
) -> tuple[RenderedCue, list[Played]]:
    """Return a session with -15 dB of bleed and 1.8 s of reverb, and where its notes are."""
    rng = np.random.default_rng([seed, 77])
    length = max(note[0] + note[1] for part in parts for note in part.notes)
    knots, bar = take.clock(length, rng), the_bar(parts, take.at)
    heard = [played(part, take, knots, bar, rng) for part in parts]
    path = cache / f"take_{name}_{take.name.replace(' ', '_')}.npz".replace("%", "pc")
    if path.exists():
        stored = np.load(path)
        mels = [stored[f"g{g}"].astype(np.float32) for g in range(len(parts))]
    else:
        stems = [dry(of.part, None, cache) for of in heard]
        n = max(map(len, stems)) + round(LEAD_SECONDS * SR)
        lead = round(LEAD_SECONDS * SR)
        stems = [np.pad(reverberant(y, 1.8, rng), (lead, 0)) for y in stems]
        stems = leaking([np.pad(y[:n], (0, max(0, n - len(y)))) for y in stems], -15.0)
        mels = [log_mel(y) for y in stems]
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{f"g{g}": mel.astype(np.float16) for g, mel in enumerate(mels)})
    return session_cue(f"{name}/{take.name}", parts, mels, LEAD_SECONDS), heard


@dataclass
class Count:
    """What became of one kind of take."""

    cues: int = 0
    doubted: int = 0
    errors: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def add(self, evidence: MatchEvidence, heard: list[Played]) -> str:
        """Count one cue; return what is told of it."""
        self.cues += 1
        file = evidence.summary["files"][0]
        clocks = evidence.alignments.set_index("audio_file_id")
        told = f"confidence {file['lag_confidence']:.2f} R² {file['lag_r2']:.2f}"
        if file["clock_doubt"] or (clocks["method"] == "none").any():
            self.doubted += 1
            return f"{told} does not follow: {file['clock_doubt']}"
        errors: list[float] = []
        for p, of in enumerate(heard):
            score = np.array([note[0] for note in of.score.notes])
            knots = clocks["knots"][2000 + p]
            places, cut = heard_times(knots, score), is_cut(knots, score)
            errors += [
                0.0
                if not times and is_out
                else np.inf
                if not times or is_out
                else min(abs(place - t) for t in times)
                for place, is_out, times in zip(places, cut, of.times, strict=True)
            ]
        self.errors += errors
        return f"{told} {_shares(errors)}"


def _shares(errors: list[float]) -> str:
    e = np.array(errors)
    return (
        f"within 25 ms {100 * (e <= 0.025).mean():5.1f} %, 50 ms {100 * (e <= 0.05).mean():5.1f} %"
    )


def main() -> None:
    """Render and match what was asked for, and print the table."""
    doc = (__doc__ or "").split("\n\n")
    parser = argparse.ArgumentParser(description=doc[0])
    parser.add_argument("--set", choices=sorted(SETS), default="test")
    parser.add_argument("--styles", nargs="*", choices=STYLES, default=list(STYLES))
    parser.add_argument("--takes", nargs="*", choices=[take.name for take in TAKES])
    parser.add_argument("--seconds", type=float, default=80.0, help="of each piece")
    parser.add_argument("--cache", type=Path, default=Path(gettempdir()) / "cue_pipeline_takes")
    parser.add_argument("--verbose", action="store_true", help="tell every cue")
    args = parser.parse_args()
    counts: dict[str, Count] = defaultdict(Count)
    for seed in SETS[args.set]:
        for style in args.styles:
            name, parts = f"{style}{seed}", composed(seed, style, seconds=args.seconds)
            for take in TAKES:
                if args.takes and take.name not in args.takes:
                    continue
                cue, heard = cue_of(name, parts, take, seed, args.cache)
                began = process_time()
                evidence = match_evidence(cue.tracks, cue.notes, cue.features, cue.mel_of)
                counts[take.name].cpu_seconds += process_time() - began
                told = counts[take.name].add(evidence, heard)
                if args.verbose:
                    print(f"{cue.name}: {told}", flush=True)
    print(f"{'take':16} cues  does not follow  notes  within 25 ms  50 ms   cpu s")
    for name, of in counts.items():
        e = np.array(of.errors)
        shares = (
            [f"{100 * (e <= s).mean():5.1f}" for s in (0.025, 0.05)] if len(e) else ["    -"] * 2
        )
        print(
            f"{name:16} {of.cues:4} {of.doubted:16} {len(e):6} {shares[0]:>13} {shares[1]:>6} "
            f"{of.cpu_seconds:7.1f}"
        )


if __name__ == "__main__":
    main()
