"""What is known of a cue before its tracks are mapped, by position of track and group."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cue_pipeline.mapping.decision.evidence_by_position import (
    clock_doubts,
    evidence_matrix,
    firmness_matrix,
    heard_alike,
)
from cue_pipeline.mapping.decision.fusion import Sources
from cue_pipeline.mapping.names.common_title import without_common_title
from cue_pipeline.mapping.names.fit import name_fits
from cue_pipeline.mapping.names.namesakes import crowded, level_namesakes
from cue_pipeline.mapping.names.parsing import Session, read_session
from cue_pipeline.mapping.people.overrides import Override, read_overrides, stem_contents
from cue_pipeline.mapping.tracks import is_missing, parts_of_one_name, track_labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

    from cue_pipeline.mapping.model.chat import ChatModel
    from cue_pipeline.mapping.model.exchange import ModelAnswer

    Scores = NDArray[np.float64]
    Told = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cue:
    """What is known of a cue before the decision; arrays by (track, group) position.

    The bare names are without the title that all begin with, and empty for a part that is named
    as all of its track is, where its program says what it is. ``n_named_alike`` is how many parts
    of a track have one name, 0: none but this; ``kits`` which MIDI file's drums a track is of, None
    where it is no drum.
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
    kits: list[int | None]
    warnings: list[str]


def known_cue(
    tracks: "DataFrame",
    groups: "DataFrame",
    evidence: "DataFrame | None",
    overrides: "DataFrame | None",
    chat: "ChatModel | None",
) -> Cue:
    """Read names, decisions of people and evidence, and ask the model if there is one.

    The parameters are those of :func:`~cue_pipeline.mapping.decision.map_cue.map_cue`.

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
    return Cue(
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
        kits=[file if drum else None for file, drum in zip(files, tracks["is_drum"], strict=True)],
        warnings=[*warnings, *(answer.warnings if answer else ())],
    )


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


def _group_doubts(groups: "DataFrame") -> list[str | None]:
    """Return why each group may not be the stem that it is taken for, None where it surely is."""
    if "grouping" not in groups:
        return [None] * len(groups)
    found = [g.get("identity_doubt") if isinstance(g, dict) else None for g in groups["grouping"]]
    return [str(doubt).rstrip(".") if doubt else None for doubt in found]
