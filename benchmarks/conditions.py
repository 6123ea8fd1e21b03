"""What befalls a session between the composer's MIDI and the mixer's stems."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Condition:
    """What befalls a session between the composer's MIDI and the mixer's stems."""

    name: str
    merge: int = 1  # up to this many parts in one stem
    bleed_db: float | None = None  # level of all other stems within each stem
    reverb_seconds: float = 0.0  # RT60 of an exponentially decaying tail
    wander_seconds: float = 0.0  # the take is early and late by this much, slowly
    drift_ppm: float = 0.0  # the take's clock against the MIDI's
    offset_seconds: float = 0.0  # silence before bar 1
    silent: float = 0.0  # share of MIDI tracks that were never recorded
    missing: float = 0.0  # share of stems that were not delivered
    extra: int = 0  # stems that no MIDI track plays
    noise_dbfs: float = -90.0
    time_references: bool = False  # stems start at different times, bext says when
    jitter_seconds: float = 0.0  # every note early or late by a normal deviate: a live take
    swell_db: float = 0.0  # each stem rises and falls slowly by this much: CC1, CC11, a fader
    key_switches: float = 0.0  # share of tracks whose MIDI holds low notes that make no sound
    transposed: float = 0.0  # share of tracks that sound an octave away from their MIDI
    heard_share: float = 1.0  # the recording stops here: an excerpt
    soundfont: Path | None = None


CONDITIONS = (
    Condition("clean"),
    Condition(
        "hard", merge=3, bleed_db=-15.0, reverb_seconds=1.8, wander_seconds=0.015,
        drift_ppm=120.0, offset_seconds=3.7,
    ),
    Condition("silent", silent=0.25, offset_seconds=7.3),
    Condition(
        "silent-hard", merge=2, bleed_db=-15.0, reverb_seconds=1.8, wander_seconds=0.015,
        drift_ppm=120.0, offset_seconds=3.7, silent=0.25,
    ),
    Condition("missing", missing=0.25, extra=2, offset_seconds=11.2),
    Condition("bext", offset_seconds=23.0, time_references=True, bleed_db=-20.0),
    Condition("early", offset_seconds=-4.2, bleed_db=-20.0, reverb_seconds=1.2),
    Condition("far", offset_seconds=52.0, bleed_db=-20.0, reverb_seconds=1.2, merge=2),
    Condition(
        "live", merge=2, bleed_db=-12.0, reverb_seconds=1.8, wander_seconds=0.03,
        drift_ppm=800.0, offset_seconds=9.1, jitter_seconds=0.025, swell_db=6.0,
    ),
    Condition(
        "mock-up", offset_seconds=2.0, swell_db=10.0, key_switches=0.4, transposed=0.2, merge=2,
        reverb_seconds=2.5, bleed_db=-25.0, noise_dbfs=-70.0,
    ),
    Condition("excerpt", offset_seconds=5.0, heard_share=0.5, bleed_db=-20.0, merge=2),
    Condition(
        "all-at-once", merge=3, bleed_db=-10.0, reverb_seconds=2.2, wander_seconds=0.03,
        drift_ppm=300.0, offset_seconds=13.0, jitter_seconds=0.02, swell_db=6.0, silent=0.25,
        missing=0.2, extra=1, key_switches=0.2, transposed=0.1,
    ),
)  # fmt: skip
