"""Asset checks: the verdicts of :mod:`cue_pipeline.library.quality`, shown on each cue in the UI.

A check is part of the step of its asset, not a step of its own: that costs three events instead
of a dozen, and it sees the rows that were just made without reading them back. None blocks, so a
check that does not pass never fails a run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg

from cue_pipeline.defs.markdown import escape_markdown
from cue_pipeline.defs.partitions import cues
from cue_pipeline.library.quality import MOST_NAMED, Judgment

CHECKS: Mapping[str, Mapping[str, str]] = {
    "tempo_map": {
        "tempo_is_written": "Every MIDI file is usable and says its tempo. One that does not is "
        "timed at 120 quarters a minute, which no session is by chance.",
        "tables_are_as_declared": "The database has every table and column that the program "
        "declares.",
    },
    "midi_events": {
        "notes_are_kept": "As many notes are stored as a second reader, which shares no code with "
        "the first, counts in the files. Marker tracks are left out on purpose.",
    },
    "channel_groups": {
        "channels_are_complete": "Each stem and mix has every channel of its layout, all of one "
        "length.",
    },
    "mel_features": {
        "stems_sound": "No stem is cut short (its header promises more than there is) or silent "
        "throughout.",
    },
    "final_mix_features": {
        "stems_sum_to_mix": "Mix less stems leaves next to nothing, 30 dB below the mix or less. "
        "More is left where a stem is missing or old, or the mix went through a processor.",
    },
    "llm_mappings": {
        "tracks_are_matched": "Every track has a stem in which it is heard.",
        "nothing_awaits_review": "No mapping is in doubt. Those that are wait for a person: "
        "`cue-pipeline mappings CUE --review`.",
    },
}
"""Checks of each asset: name → what passing means."""

Judges = Mapping[str, Callable[[], Judgment]]


def check_specs(asset: str) -> Sequence[dg.AssetCheckSpec]:
    """Return the checks that an asset's step yields, one verdict per cue."""
    return [
        dg.AssetCheckSpec(name, asset=asset, description=text, partitions_def=cues)
        for name, text in CHECKS.get(asset, {}).items()
    ]


def check_results(asset: str, judges: Judges, log: logging.Logger) -> Iterator[dg.AssetCheckResult]:
    """Judge, and yield the verdicts; a judge that stumbles is itself a warning.

    Parameters
    ----------
    asset : str
    judges : mapping of str to callable
        Check's name → what judges it.
    log : logging.Logger
        The run's.
    """
    for name in CHECKS.get(asset, {}):
        try:
            verdict = judges[name]()
        except Exception as e:  # noqa: BLE001 - rows are stored by now; a check must not undo that
            log.warning("Check %s could not be judged: %s: %s", name, type(e).__name__, e)
            verdict = Judgment(passed=False, text=f"Could not be judged: {type(e).__name__}: {e}")
        metadata: dict[str, object] = dict(verdict.figures)
        if verdict.offenders:
            metadata["which"] = _listed(verdict.offenders)
        yield dg.AssetCheckResult(
            check_name=name,
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity[verdict.severity],
            description=verdict.text,
            metadata=metadata,  # type: ignore[arg-type]
        )


def _listed(offenders: Sequence[str]) -> dg.MarkdownMetadataValue:
    lines = [f"- {escape_markdown(text)}" for text in offenders[:MOST_NAMED]]
    if len(offenders) > MOST_NAMED:
        lines.append(f"- and {len(offenders) - MOST_NAMED} more")
    return dg.MetadataValue.md("\n".join(lines))
