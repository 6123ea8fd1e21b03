"""The check ``is_current``: which cues are stale and why, in the UI.

It stands on the last asset of a cue and speaks of all seven. A sensor tells the verdicts that have
changed, all in one run of the job ``tell_states``: Dagster keeps but one verdict of a check on a
partition that no run has told.
"""

from collections.abc import Iterable
from typing import Final

import dagster as dg

from cue_pipeline.cue.shown import shown
from cue_pipeline.defs.cue_asset import made_in
from cue_pipeline.defs.partitions import cues
from cue_pipeline.defs.resources import CueLibrary
from cue_pipeline.library.graph import chosen
from cue_pipeline.library.verdicts import read_verdict
from cue_pipeline.warehouse.verdict_rows import note_told, note_verdicts, read_verdicts

IS_CURRENT: Final = dg.AssetCheckKey(dg.AssetKey("llm_mappings"), "is_current")

TELL_STATES: Final = "tell_states"
"""Name of the job that tells verdicts."""

_CURRENT = "Every asset is of the files, the code, the settings and the decisions of now."
_DOCS = "docs/running.md, *Which cues are stale, and why*"


def is_current_check() -> dg.AssetChecksDefinition:
    """Return the check, which looks at one cue where a person runs it."""

    @dg.asset_check(
        asset=IS_CURRENT.asset_key,
        name=IS_CURRENT.name,
        partitions_def=cues,
        description="All assets of the cue are of the files, the code, the settings and the "
        "decisions of now: what `cue-pipeline status` says. The sensors keep it fresh; to look "
        "now, execute it.",
    )
    def is_current(
        context: dg.AssetCheckExecutionContext, library: CueLibrary
    ) -> dg.AssetCheckResult:
        key = context.partition_key
        made = made_in(context.run)
        named = set(chosen(library.settings)) if made is None else set(made)
        verdict = read_verdict(library.store, library.settings, key, named)
        # In a run it may come before the last asset: the sensor has the last word.
        note_verdicts(library.store.engine, {key: verdict}, untold=True)
        return dg.AssetCheckResult(
            passed=not verdict,
            severity=dg.AssetCheckSeverity.WARN,
            description=_told(verdict),
            metadata={"more": dg.MetadataValue.md(_DOCS)},
        )

    return is_current


class Verdicts(dg.Config):
    """Which cues are told of."""

    cues: list[str]
    teller: str


def tell_states_job() -> dg.JobDefinition:
    """Return the job that tells the verdicts on some cues, as the last look saw them."""

    @dg.op(description="Tells whether cues are up to date, by the check `is_current`.")
    def tell(context: dg.OpExecutionContext, config: Verdicts, library: CueLibrary) -> None:
        verdicts = read_verdicts(library.store.engine, config.cues)
        for key, verdict in verdicts.items():
            context.log_event(_evaluation(key, verdict))  # type: ignore[arg-type]
        note_told(library.store.engine, verdicts, config.teller)

    @dg.job(
        name=TELL_STATES,
        description="Tells which cues are up to date; `cue_states` starts it when some are new.",
    )
    def tell_states() -> None:
        tell()

    return tell_states


def _evaluation(cue_key: str, verdict: str) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=IS_CURRENT.asset_key,
        check_name=IS_CURRENT.name,
        passed=not verdict,
        severity=dg.AssetCheckSeverity.WARN,
        description=_told(verdict),
        metadata={"more": dg.MetadataValue.md(_DOCS)},
        partition=cue_key,
    )


def _told(verdict: str) -> str:
    return "\n".join(map(shown, verdict.splitlines())) or _CURRENT


def own_checks(assets: Iterable[dg.AssetsDefinition]) -> dict[str, list[dg.AssetCheckKey]]:
    """Return the checks that are part of each asset's step, by its name.

    A run that names its assets alone has ``is_current`` as a step of its own too, which costs each
    cue more than the sensor's verdict.
    """
    return {asset.key.path[-1]: sorted(asset.check_keys) for asset in assets}
