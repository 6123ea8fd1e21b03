"""Which track is which stem: names, model and sound weighed, a person's word above all.

Conventions
-----------
A track belongs to one group or to none; a group may hold several tracks. ``auto`` stands
without a person; ``review`` is the best guess with the reason for doubt; ``unmatched`` has no
group; ``confirmed`` was said by a person.
"""

import hashlib
import math
from typing import TYPE_CHECKING, Final

from cue_pipeline.mapping.decision.all_stems import all_stems
from cue_pipeline.mapping.decision.assignment import share_ties
from cue_pipeline.mapping.decision.category import (
    group_category,
    named_categories,
    track_category,
)
from cue_pipeline.mapping.decision.fusion import (
    WEIGHTS,
    FusionWeights,
    adjusted_to_cue,
    choice_probabilities,
)
from cue_pipeline.mapping.decision.known import Cue, known_cue
from cue_pipeline.mapping.decision.proposals import (
    Proposal,
    propose,
    propose_left_over,
    propose_with_kit,
)
from cue_pipeline.mapping.decision.result import NO_NOTES, CueMapping, TrackMapping
from cue_pipeline.mapping.decision.summary import summary
from cue_pipeline.mapping.decision.verdict import (
    NONE,
    RestOfKit,
    Testimony,
    Verdict,
    candidates,
    doubted,
    judge,
)
from cue_pipeline.mapping.names.lexicon import lexicon_fingerprint
from cue_pipeline.mapping.names.parsing import pitched_by_name
from cue_pipeline.mapping.people.track_keys import part_place
from cue_pipeline.mapping.tracks import is_missing, track_summary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

    from cue_pipeline.mapping.model.chat import ChatModel

    Scores = NDArray[np.float64]
    Chosen = NDArray[np.intp]

__all__ = ["MAPPING_FINGERPRINT", "CueMapping", "map_cue", "track_summary"]

_FEWEST_PIECES: Final = 2
# Raised whenever a rule changes that is neither a weight nor a word.
MATCHER_VERSION: Final = "13"
# Goes into the asset's code_version: what it hashes makes other mappings.
MAPPING_FINGERPRINT: Final = hashlib.sha256(
    f"{MATCHER_VERSION}{WEIGHTS}{lexicon_fingerprint()}".encode()
).hexdigest()[:12]


def map_cue(
    tracks: "DataFrame",
    groups: "DataFrame",
    *,
    evidence: "DataFrame | None" = None,
    overrides: "DataFrame | None" = None,
    chat: "ChatModel | None" = None,
    weights: FusionWeights = WEIGHTS,
) -> CueMapping:
    """Return which group each track belongs to, and the category of both.

    Parameters
    ----------
    tracks : DataFrame
        As :func:`~cue_pipeline.mapping.tracks.track_summary` returns it.
    groups : DataFrame
        Columns ``id``, ``canonical_name``, ``layout``, ``duration_seconds``; ``grouping``, whose
        ``identity_doubt`` sends what is mapped to a group to review.
    evidence : DataFrame, optional
        Rows of ``match_evidence``: ``midi_track_id``, ``audio_file_id``, ``score``.
    overrides : DataFrame, optional
        Rows of ``mapping_overrides`` of this cue.
    chat : ChatModel, optional
        None: names and sound alone decide, and the summary says so.
    weights : FusionWeights
        What each source is worth.

    Raises
    ------
    MappingError
        If the model cannot be asked; says what to do.
    """
    return _decide(known_cue(tracks, groups, evidence, overrides, chat), evidence, weights)


def _decide(cue: Cue, evidence: "DataFrame | None", weights: FusionWeights) -> CueMapping:
    import numpy as np

    chances = adjusted_to_cue(choice_probabilities(cue.sources, weights), cue.sources)
    n_groups = len(cue.group_ids)
    # What nothing speaks for is never chosen, not even as the only one left.
    eligible = chances[:, :n_groups] * cue.sources.spoken_for
    chosen = share_ties(eligible, least=chances[:, n_groups])
    proposed = propose(chosen, cue.sources, chances, weights)
    playing = np.array(cue.n_notes) > 0
    chosen[~playing] = NONE
    for i, override in cue.overrides.items():
        if override.says_group:
            chosen[i] = NONE if override.group is None else override.group
            playing[i] = False
    proposed |= propose_with_kit(
        chosen, proposed, cue.sources, cue.kits, playing=playing, weights=weights
    )
    proposed |= propose_left_over(chosen, cue.sources, playing=playing, weights=weights)
    named = named_categories(cue)
    categories = [group_category(cue, g, chosen, named) for g in range(n_groups)]
    mappings = []
    for i in range(len(cue.track_names)):
        testimony = _testimony(cue, i, chances[i], chosen, proposed.get(i), weights)
        category = track_category(cue, i, int(chosen[i]), categories, named[i])
        mappings.append(_mapping(cue, i, testimony, category, weights))
    by_id = {key: categories[g][0] for g, key in enumerate(cue.group_ids)}
    calls = tuple(call.row() for call in cue.answer.calls) if cue.answer else ()
    stems = all_stems(mappings, evidence, dict(zip(cue.group_ids, cue.group_names, strict=True)))
    return CueMapping(tuple(mappings), by_id, calls, summary(cue, mappings), stems)


def _mapping(
    cue: Cue,
    track: int,
    testimony: Testimony,
    category: tuple[str | None, float | None],
    weights: FusionWeights,
) -> TrackMapping:
    verdict = _verdict(cue, track, testimony, category[0], weights)
    group = None if testimony.chosen == NONE else testimony.chosen
    heard, ahead = _heard(testimony)
    asked = cue.answer is not None
    return TrackMapping(
        midi_track_id=int(cue.tracks["id"].iloc[track]),
        place=_place(cue.tracks, track),
        track_name=cue.labels[track],
        audio_file_id=None if group is None else cue.group_ids[group],
        canonical_name=None if group is None else cue.group_names[group],
        instrument_category=category[0],
        category_confidence=category[1],
        state=verdict.state,
        method=verdict.method,
        confidence=verdict.confidence,
        name_score=None if group is None else float(testimony.name_fits[group]),
        evidence_score=heard,
        evidence_margin=ahead,
        model=cue.answer.model if asked and cue.answer else None,
        prompt_sha256=cue.answer.prompt_of(track) if asked and cue.answer else None,
        reason=verdict.reason,
        candidates=candidates(testimony, cue.group_ids),
    )


def _testimony(
    cue: Cue,
    track: int,
    chances: "Scores",
    of_all: "Chosen",
    proposed: Proposal | None,
    weights: FusionWeights,
) -> Testimony:
    chosen = int(of_all[track])
    answer = cue.answer.tracks.get(track) if cue.answer is not None else None
    model = None
    if answer is not None:
        model = (NONE if answer.group is None else answer.group, answer.confidence)
    return Testimony(
        track_name=cue.labels[track],
        group_names=cue.group_names,
        name_fits=cue.sources.name_fits[track],
        evidence=None if cue.sources.evidence is None else cue.sources.evidence[track],
        model=model,
        chances=chances,
        chosen=chosen,
        shared_with=_firmer(cue, track, of_all),
        rest_of_kit=_rest_of_kit(cue, track, chosen, weights),
        crowded=bool(cue.crowded[track]),
        heard_like=tuple(cue.labels[i] for i in cue.alike[track]),
        proposed=proposed,
        firmness=math.nan
        if cue.firmness is None or chosen == NONE
        else float(cue.firmness[track, chosen]),
    )


def _firmer(cue: Cue, track: int, chosen: "Chosen") -> str | None:
    """Return the name of another part that explains more of the same group; drums share stems."""
    if cue.firmness is None or chosen[track] == NONE or cue.kits[track] is not None:
        return None
    of_group = cue.firmness[:, chosen[track]]
    firmer = [
        other
        for other in range(len(chosen))
        if chosen[other] == chosen[track]
        and cue.kits[other] is None
        and of_group[other] > of_group[track]
    ]
    return cue.labels[max(firmer, key=of_group.__getitem__)] if firmer else None


def _rest_of_kit(cue: Cue, track: int, group: int, weights: FusionWeights) -> "RestOfKit":
    """Return what is heard of the other pieces of its kit."""
    import numpy as np

    kit, heard = cue.kits[track], cue.sources.evidence
    others = [
        other
        for other, of in enumerate(cue.kits)
        if other != track and of == kit and cue.n_notes[other]
    ]
    if kit is None or heard is None or not others:
        return RestOfKit.UNKNOWN
    of_others = np.nan_to_num(heard[others])
    if group != NONE and of_others[:, group].max() >= weights.surely_heard:
        return RestOfKit.THERE
    nowhere = of_others.max(initial=0.0) < weights.clear_evidence
    return RestOfKit.NOWHERE if nowhere and len(others) >= _FEWEST_PIECES else RestOfKit.UNKNOWN


def _place(tracks: "DataFrame", track: int) -> str:
    index, channel, port = (
        tracks[column].iloc[track] for column in ("track_index", "part_channel", "port")
    )
    part = (None if is_missing(value) else int(value) for value in (channel, port))
    return part_place(int(index), *part)


def _verdict(
    cue: Cue, track: int, testimony: Testimony, category: str | None, weights: FusionWeights
) -> Verdict:
    override = cue.overrides.get(track)
    if override is not None and override.says_group:
        note = f": {override.note}" if override.note else ""
        if override.doubt:
            return Verdict("review", "override", 0.5, f"a person said so{note}; {override.doubt}")
        return Verdict("confirmed", "override", 1.0, f"a person said so{note}")
    if cue.n_notes[track] == 0:
        return Verdict("unmatched", None, 1.0, NO_NOTES)
    verdict = doubted(judge(testimony, weights), cue.clock_doubts.get(track))
    if testimony.chosen != NONE:
        verdict = doubted(verdict, cue.group_doubts[testimony.chosen])
    return doubted(verdict, _doubt_of_part(cue, track, verdict, category))


def _doubt_of_part(cue: Cue, track: int, verdict: Verdict, category: str | None) -> str | None:
    """Return why neither name nor program tells what a track is, None where one of them does."""
    programs = cue.tracks["program_doubt"].iloc[track]
    is_doubted_kit = bool(cue.tracks["is_drum"].iloc[track])
    if isinstance(programs, str) and (category is None or is_doubted_kit):
        return programs
    if is_doubted_kit and (said := pitched_by_name(cue.bare_track_names[track], cue.session)):
        return f"its name says {said}, and its channel or bank that its notes are drums"
    if verdict.method == "names" and cue.n_named_alike[track] and cue.bare_track_names[track]:
        return (
            f"'{cue.track_names[track]}' names a whole track, of which this is one of "
            f"{cue.n_named_alike[track]} parts"
        )
    return None


def _heard(testimony: Testimony) -> tuple[float | None, float | None]:
    """Return the evidence score of the chosen group and its lead over the best rival."""
    import numpy as np

    if testimony.evidence is None or testimony.chosen == NONE:
        return None, None
    own = float(testimony.evidence[testimony.chosen])
    if np.isnan(own):
        return None, None
    rivals = np.nan_to_num(np.delete(testimony.evidence, testimony.chosen), nan=0.0)
    return own, own - float(rivals.max(initial=0.0))
