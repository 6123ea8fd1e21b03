"""What is judged of kinds of features: each by the summaries of a cue's stems and mixes.

A kind knows the sound of one signal; a check compares a cue's signals, and needs the rooms above
a kind's: so it stands here, by the kind's name, and not in the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.cue.identity import row_id
from cue_pipeline.library import quality

if TYPE_CHECKING:
    from pandas import DataFrame

    from cue_pipeline.library.cue_run import CueRun
    from cue_pipeline.library.quality import Judgment

Summaries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class FeatureCheck:
    """A check of a kind: its name, what passing means, and what judges stems and mixes."""

    name: str
    passing: str
    judge: Callable[[Summaries, Summaries], Judgment]


FEATURE_CHECKS: Final[Mapping[str, FeatureCheck]] = {
    "loudness": FeatureCheck(
        "stems_fit_the_mix",
        f"No stem is more than {quality.LOUDER_LU:g} LU louder than the mix.",
        quality.stems_fit_the_mix,
    ),
    "defects": FeatureCheck(
        "sound_is_clean",
        "No stem or mix has clicks, dropouts or hum.",
        lambda stems, mixes: quality.sound_is_clean({**stems, **mixes}),
    ),
}
"""Kind → its check."""


def judged(
    check: FeatureCheck, cue: CueRun, final_mixes: DataFrame, stems: DataFrame, mixes: DataFrame
) -> Judgment:
    """Judge what was made of a cue.

    Parameters
    ----------
    check : FeatureCheck
    cue : CueRun
    final_mixes : DataFrame
        Rows of ``final_mixes``; fold-downs and old mixes are told of elsewhere: stems need not add
        up to them.
    stems, mixes : DataFrame
        Rows of ``audio_features`` and ``final_mix_features``, of the kind.
    """
    whole = final_mixes[final_mixes["role"] == "mix"]
    names = [group.canonical_name for group in cue.inventory.groups]
    by_id = {row_id("audio_files", cue.folder.id_key, name): name for name in names}
    return check.judge(
        _summaries(stems, "audio_file_id", by_id),
        _summaries(
            mixes, "final_mix_id", dict(zip(whole["id"], whole["canonical_name"], strict=True))
        ),
    )


def _summaries(rows: DataFrame, link: str, names: Mapping[int, str]) -> Summaries:
    """Return what is known of each sound that has a name, of the whole of it."""
    return {
        names[sound]: params.get("summary", {})
        for sound, params in zip(rows[link], rows["params"], strict=True)
        if sound in names
    }
