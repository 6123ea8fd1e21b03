"""Which track is which stem: names, model and sound weighed, a person's word above all.

Conventions
-----------
A track belongs to one group or to none; a group may hold several tracks. ``auto`` stands
without a person; ``review`` is the best guess with the reason for doubt; ``unmatched`` has no
group; ``confirmed`` was said by a person.
"""

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.mapping.decision.assignment import share_ties
from cue_pipeline.mapping.decision.category import Opinion, settle_category
from cue_pipeline.mapping.decision.evidence_by_position import (
    clock_doubts,
    evidence_matrix,
    firmness_matrix,
    heard_alike,
)
from cue_pipeline.mapping.decision.fusion import (
    WEIGHTS,
    FusionWeights,
    Sources,
    adjusted_to_cue,
    choice_probabilities,
)
from cue_pipeline.mapping.decision.proposals import Proposal, propose, propose_left_over
from cue_pipeline.mapping.decision.result import NO_NOTES, CueMapping, TrackMapping
from cue_pipeline.mapping.decision.verdict import (
    NONE,
    Testimony,
    Verdict,
    candidates,
    doubted,
    judge,
)
from cue_pipeline.mapping.model.prices import PRICES_AS_OF
from cue_pipeline.mapping.names.common_title import without_common_title
from cue_pipeline.mapping.names.fit import name_fits
from cue_pipeline.mapping.names.lexicon import lexicon_fingerprint
from cue_pipeline.mapping.names.namesakes import crowded, level_namesakes
from cue_pipeline.mapping.names.parsing import NameCategory, Session, categorise, read_session
from cue_pipeline.mapping.people.overrides import Override, read_overrides, stem_contents
from cue_pipeline.mapping.people.track_keys import part_place
from cue_pipeline.mapping.tracks import (
    is_missing,
    parts_of_one_name,
    track_labels,
    track_summary,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

    from cue_pipeline.mapping.model.chat import ChatModel
    from cue_pipeline.mapping.model.exchange import ModelAnswer

    Scores = NDArray[np.float64]
    Told = NDArray[np.bool_]

__all__ = ["MAPPING_FINGERPRINT", "CueMapping", "map_cue", "track_summary"]

OFFLINE_NOTE: Final = (
    "OPENAI_API_KEY is not set: the offline matcher decided, by normalised names, the lexicon and "
    "sound where it was heard; no model was asked."
)
# Raised whenever a rule changes that is neither a weight nor a word.
MATCHER_VERSION: Final = "10"
# Goes into the asset's code_version: what it hashes makes other mappings.
MAPPING_FINGERPRINT: Final = hashlib.sha256(
    f"{MATCHER_VERSION}{WEIGHTS}{lexicon_fingerprint()}".encode()
).hexdigest()[:12]
_MODEL_CATEGORY_CONFIDENCE: Final = 0.8


@dataclass(frozen=True, slots=True)
class _Cue:
    """What is known of a cue before the decision; arrays by (track, group) position.

    The bare names are without the title that all begin with, and empty for a part that is named
    as all of its track is, where its program says what it is. ``n_named_alike`` is how many parts
    of a track have one name, 0: none but this.
    """

    tracks: "DataFrame"
    track_names: list[str]
    labels: list[str]
    n_named_alike: list[int]
    n_notes: list[int]
    groups: "DataFrame"
    group_names: list[str]
    group_ids: list[int]
    bare_track_names: list[str]
    bare_group_names: list[str]
    session: Session
    sources: Sources
    crowded: "Told"
    alike: list[list[int]]
    firmness: "Scores | None"
    answer: "ModelAnswer | None"
    overrides: dict[int, Override]
    clock_doubts: dict[int, str]
    group_doubts: list[str | None]
    warnings: list[str]


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
    tracks, groups = tracks.reset_index(drop=True), groups.reset_index(drop=True)
    track_names = ["" if is_missing(name) else str(name) for name in tracks["track_name"]]
    group_names = [str(name) for name in groups["canonical_name"]]
    told, warnings = read_overrides(overrides, tracks, group_names, stem_contents(groups))
    answer = chat.ask(tracks, groups) if chat is not None else None
    heard = evidence_matrix(evidence, tracks, groups)
    n_named_alike = parts_of_one_name(tracks)
    telling = [
        "" if n_parts and (drum or not is_missing(program)) else name
        for name, n_parts, program, drum in zip(
            track_names, n_named_alike, tracks["program"], tracks["is_drum"], strict=True
        )
    ]
    bare_tracks, bare_groups = without_common_title(telling), without_common_title(group_names)
    files = tracks["midi_file_id"].tolist()
    sources = _sources(bare_tracks, bare_groups, files, heard, answer)
    cue = _Cue(
        tracks=tracks,
        track_names=track_names,
        labels=track_labels(tracks),
        n_named_alike=n_named_alike,
        n_notes=[int(n) for n in tracks["n_notes"]],
        groups=groups,
        group_names=group_names,
        group_ids=[int(key) for key in groups["id"]],
        bare_track_names=bare_tracks,
        bare_group_names=bare_groups,
        session=read_session((*bare_tracks, *bare_groups)),
        sources=sources,
        crowded=crowded(sources.name_fits, files),
        alike=heard_alike(evidence, tracks, groups),
        firmness=firmness_matrix(evidence, tracks, groups),
        answer=answer,
        overrides=told,
        clock_doubts=clock_doubts(evidence, tracks),
        group_doubts=_group_doubts(groups),
        warnings=[*warnings, *(answer.warnings if answer else ())],
    )
    return _decide(cue, weights)


def _decide(cue: _Cue, weights: FusionWeights) -> CueMapping:
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
    proposed |= propose_left_over(chosen, cue.sources, playing=playing, weights=weights)
    named = _named(cue)
    categories = [_group_category(cue, g, chosen, named) for g in range(n_groups)]
    mappings = []
    for i in range(len(cue.track_names)):
        testimony = _testimony(cue, i, chances[i], int(chosen[i]), proposed.get(i))
        category = _category(cue, i, int(chosen[i]), categories, named[i])
        mappings.append(_mapping(cue, i, testimony, category, weights))
    by_id = {key: categories[g][0] for g, key in enumerate(cue.group_ids)}
    calls = tuple(call.row() for call in cue.answer.calls) if cue.answer else ()
    return CueMapping(tuple(mappings), by_id, calls, _summary(cue, mappings))


def _named(cue: _Cue) -> list[NameCategory]:
    """Return what each track's name, program and channel say that it is."""
    return [
        categorise(
            name,
            program=None if is_missing(program) else int(program),
            is_drum=bool(drum),
            session=cue.session,
        )
        for name, program, drum in zip(
            cue.bare_track_names, cue.tracks["program"], cue.tracks["is_drum"], strict=True
        )
    ]


def _sources(
    track_names: list[str],
    group_names: list[str],
    files: list[int],
    heard: "Scores | None",
    answer: "ModelAnswer | None",
) -> Sources:
    import numpy as np

    fits, told = name_fits(track_names, group_names)
    fits = level_namesakes(fits, track_names, files)
    if answer is None:
        return Sources(fits, told, heard)
    choice, none = np.zeros(fits.shape), np.zeros(len(track_names))
    for i, said in answer.tracks.items():
        if said.group is None:
            none[i] = said.confidence
        else:
            choice[i, said.group] = said.confidence
    return Sources(fits, told, heard, choice, none)


def _group_category(
    cue: _Cue, group: int, chosen: Any, named: list[NameCategory]
) -> tuple[str | None, float | None]:
    opinions = []
    own = categorise(cue.bare_group_names[group], session=cue.session)
    if own.category is not None:
        opinions.append(Opinion(own.category, own.confidence, "group"))
    if cue.answer is not None and (said := cue.answer.group_categories.get(group)) is not None:
        opinions.append(Opinion(said, _MODEL_CATEGORY_CONFIDENCE, "model"))
    for i in range(len(cue.track_names)):
        if chosen[i] == group:
            opinions.extend(_track_opinions(cue, i, named[i]))
    return settle_category(opinions)


def _track_opinions(cue: _Cue, track: int, named: NameCategory) -> list[Opinion]:
    opinions = []
    override = cue.overrides.get(track)
    if override is not None and override.category is not None:
        opinions.append(Opinion(override.category, 1.0, "person"))
    if named.category is not None:
        opinions.append(Opinion(named.category, named.confidence, "track"))
    answer = cue.answer.tracks.get(track) if cue.answer is not None else None
    if answer is not None and answer.category is not None:
        opinions.append(Opinion(answer.category, _MODEL_CATEGORY_CONFIDENCE, "model"))
    return opinions


def _shared_category(
    of_group: tuple[str | None, float | None], named: NameCategory
) -> tuple[str | None, float | None]:
    """Return the group's category, believed less for a track that is something else by itself.

    A piano in the clarinet's stem shares its category, for there is one for both, but not surely.
    """
    category, confidence = of_group
    # Nobody but a person is wholly sure.
    if confidence is None or confidence == 1.0 or named.category in (None, category):
        return of_group
    return category, confidence * (1 - named.confidence)


def _category(
    cue: _Cue,
    track: int,
    chosen: int,
    categories: list[tuple[str | None, float | None]],
    named: NameCategory,
) -> tuple[str | None, float | None]:
    if chosen != NONE:
        return _shared_category(categories[chosen], named)
    override = cue.overrides.get(track)
    if cue.n_notes[track] == 0 and (override is None or override.category is None):
        return None, None  # nothing is played, so it is no instrument
    return _lone_category(cue, track, named)


def _lone_category(cue: _Cue, track: int, named: NameCategory) -> tuple[str | None, float | None]:
    return settle_category(_track_opinions(cue, track, named))


def _testimony(
    cue: _Cue, track: int, chances: "Scores", chosen: int, proposed: Proposal | None
) -> Testimony:
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
        crowded=bool(cue.crowded[track]),
        heard_like=tuple(cue.labels[i] for i in cue.alike[track]),
        proposed=proposed,
        firmness=math.nan
        if cue.firmness is None or chosen == NONE
        else float(cue.firmness[track, chosen]),
    )


def _mapping(
    cue: _Cue,
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


def _place(tracks: "DataFrame", track: int) -> str:
    index, channel, port = (
        tracks[column].iloc[track] for column in ("track_index", "part_channel", "port")
    )
    part = (None if is_missing(value) else int(value) for value in (channel, port))
    return part_place(int(index), *part)


def _verdict(
    cue: _Cue, track: int, testimony: Testimony, category: str | None, weights: FusionWeights
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


def _group_doubts(groups: "DataFrame") -> list[str | None]:
    """Return why each group may not be the stem that it is taken for, None where it surely is."""
    if "grouping" not in groups:
        return [None] * len(groups)
    found = [g.get("identity_doubt") if isinstance(g, dict) else None for g in groups["grouping"]]
    return [str(doubt).rstrip(".") if doubt else None for doubt in found]


def _doubt_of_part(cue: _Cue, track: int, verdict: Verdict, category: str | None) -> str | None:
    """Return why neither name nor program tells what a track is, None where one of them does."""
    programs = cue.tracks["program_doubt"].iloc[track]
    is_doubted_kit = bool(cue.tracks["is_drum"].iloc[track])
    if isinstance(programs, str) and (category is None or is_doubted_kit):
        return programs
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


def _summary(cue: _Cue, mappings: list[TrackMapping]) -> dict[str, Any]:
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
        "note": _asked(answer) if answer else OFFLINE_NOTE,
        "warnings": cue.warnings,
    }


def _deciders(cue: _Cue, mappings: list[TrackMapping]) -> str:
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


def _asked(answer: "ModelAnswer") -> str:
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
