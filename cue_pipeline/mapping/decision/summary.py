"""What a cue's mapping says of itself: counts, who decided, what it cost."""

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.mapping.decision.known import Cue
from cue_pipeline.mapping.decision.result import TrackMapping
from cue_pipeline.mapping.model.prices import PRICES_AS_OF

if TYPE_CHECKING:
    from cue_pipeline.mapping.model.exchange import ModelAnswer

OFFLINE_NOTE: Final = (
    "OPENAI_API_KEY is not set: the offline matcher decided, by normalised names, the lexicon and "
    "sound where it was heard; no model was asked."
)


def summary(cue: Cue, mappings: list[TrackMapping]) -> dict[str, Any]:
    """Return ``CueMapping.summary``."""
    answer = cue.answer
    return {
        "states": dict(Counter(m.state for m in mappings)),
        "methods": dict(Counter(m.method for m in mappings if m.method)),
        "decided_by": _deciders(cue, mappings),
        "model": answer.model if answer else None,
        "calls": len(answer.calls) if answer else 0,
        "cached_calls": sum(call.cached for call in answer.calls) if answer else 0,
        "prompt_tokens": answer.prompt_tokens if answer else 0,
        "completion_tokens": answer.completion_tokens if answer else 0,
        "cost_usd": answer.cost_usd if answer else 0.0,
        "note": asked(answer) if answer else OFFLINE_NOTE,
        "warnings": cue.warnings,
    }


def _deciders(cue: Cue, mappings: list[TrackMapping]) -> str:
    """Return what had a say in what was decided: nothing, where there was nothing to decide."""
    methods = {m.method for m in mappings}
    model = cue.answer.model if cue.answer and "llm" in methods else None
    sound = "evidence" in methods or any(m.evidence_score is not None for m in mappings)
    said = [
        "people" if "override" in methods else None,
        model,
        "names" if "names" in methods else None,
        "sound" if sound else None,
    ]
    *rest, last = [who for who in said if who] or ["nothing"]
    return f"{', '.join(rest)} and {last}" if rest else last


def asked(answer: "ModelAnswer") -> str:
    """Return who was asked, and how far what it cost is to be believed."""
    said = f"Asked {answer.model}."
    if answer.calls and all(call.cached for call in answer.calls):
        return f"{said} Its answer was in the store: nothing was paid."
    if answer.cost_usd is None:
        return f"{said} What that costs is not known here: no price is known for it."
    return (
        f"{said} The cost is an estimate by a table of prices of {PRICES_AS_OF}, which may be "
        "out of date or wrong; the bill is the provider's."
    )
