"""What is made again by itself when code or parameters change, by ``CUE_AUTOMATE``.

New and changed cue folders are the sensor's. This is about the other reason why rows grow old: a
new algorithm, other mel parameters, another model. One such change touches every cue at once, so
nothing is automatic unless a person asks for it, and what costs money or long hours is asked for by
name.
"""

import dagster as dg

from cue_pipeline.library.graph import node
from cue_pipeline.settings import Settings


def automation_of(asset: str, settings: Settings) -> dg.AutomationCondition | None:  # type: ignore[type-arg]
    """Return when Dagster makes an asset again by itself; None for never.

    Notes
    -----
    Dagster's ``code_version_changed()`` is true of every partition, made or not, hence
    ``~missing()``; what was never made is left to the sensor, so that no cue is run twice.
    """
    cheap = node(asset).cost == "cheap"
    if settings.automate == "never" or (settings.automate == "cheap" and not cheap):
        return None
    condition = dg.AutomationCondition
    older = condition.code_version_changed() | condition.any_deps_updated()
    return (
        older.since(condition.newly_updated() | condition.newly_requested())
        & ~condition.missing()
        & ~condition.in_progress()
        & ~condition.any_deps_missing()
        & ~condition.any_deps_in_progress()
    ).with_label(f"{asset} is older than its code or what it stands on")
