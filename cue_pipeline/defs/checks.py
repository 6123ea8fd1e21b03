"""Asset checks: the verdicts of :mod:`cue_pipeline.library.quality`, shown on each cue in the UI.

A check is part of the step of its asset, not a step of its own: that costs three events instead
of a dozen, and it sees the rows that were just made without reading them back. None blocks, so a
check that does not pass never fails a run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg

from cue_pipeline.cue.shown import shown
from cue_pipeline.defs.markdown import markdown_list
from cue_pipeline.defs.partitions import cues
from cue_pipeline.library.quality import MOST_NAMED, Judgment

Checks = Mapping[str, str]
"""Check's name → what passing means."""

Judges = Mapping[str, Callable[[], Judgment]]


def check_specs(asset: str, checks: Checks) -> Sequence[dg.AssetCheckSpec]:
    """Return the checks that an asset's step yields, one verdict per cue."""
    return [
        dg.AssetCheckSpec(name, asset=asset, description=text, partitions_def=cues)
        for name, text in checks.items()
    ]


def check_results(
    checks: Checks, judges: Judges, log: logging.Logger
) -> Iterator[dg.AssetCheckResult]:
    """Judge, and yield the verdicts; a judge that stumbles is itself a warning.

    Parameters
    ----------
    checks : mapping of str to str
        The asset's.
    judges : mapping of str to callable
        Check's name → what judges it.
    log : logging.Logger
        The run's.
    """
    for name in checks:
        try:
            verdict = judges[name]()
        except Exception as e:  # noqa: BLE001 - rows are stored by now; a check must not undo that
            log.warning(
                "Check %s could not be judged: %s: %s", name, type(e).__name__, shown(str(e))
            )
            verdict = Judgment(passed=False, text=f"Could not be judged: {type(e).__name__}: {e}")
        metadata: dict[str, object] = dict(verdict.figures)
        if verdict.offenders:
            metadata["which"] = markdown_list(verdict.offenders, MOST_NAMED)
        if verdict.see:
            metadata["review page"] = dg.MetadataValue.url(verdict.see)
        yield dg.AssetCheckResult(
            check_name=name,
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity[verdict.severity],
            description=shown(verdict.text),
            metadata=metadata,  # type: ignore[arg-type]
        )
