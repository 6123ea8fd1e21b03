"""Asset ``llm_mappings``: which track is which stem, and what both are."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import dagster as dg

from cue_pipeline.cue.shown import shown
from cue_pipeline.defs.cue_asset import AssetResult, cue_asset
from cue_pipeline.defs.markdown import markdown_table
from cue_pipeline.library.chat_model import QUESTION_TABLES, chat_model
from cue_pipeline.library.cue_run import CueRun

if TYPE_CHECKING:
    from pandas import DataFrame


@cue_asset(
    loads={**QUESTION_TABLES, "match_evidence": ["match_evidence", "stem_alignments"]},
    dispensable=frozenset({"match_evidence"}),
    checks={
        "tracks_are_matched": "Every track has a stem in which it is heard.",
        "nothing_awaits_review": "No mapping is in doubt. Those that are wait for a person: "
        "`cue-pipeline review`, or `cue-pipeline mappings CUE --review`.",
    },
)
def llm_mappings(
    cue: CueRun,
    tempo_map: dict[str, DataFrame],
    midi_events: dict[str, DataFrame],
    channel_groups: dict[str, DataFrame],
    match_evidence: dict[str, DataFrame],
) -> AssetResult:
    """For each track its stem and its instrument category, with the doubt made visible.

    With `OPENAI_API_KEY` the model is asked once per cue; without, names decide. A person's word
    in `mapping_overrides` always wins. What cannot be known stays `unmatched` or goes to `review`.
    """
    from cue_pipeline.library import quality as judgments
    from cue_pipeline.library.standing_decisions import note_where_found, stem_contents
    from cue_pipeline.mapping.decision.map_cue import map_cue, track_summary
    from cue_pipeline.mapping.tracks import track_labels
    from cue_pipeline.pictures.of_matches import draw_pairs, mapping_figures

    parts, stems = track_summary(**midi_events, **tempo_map), channel_groups["audio_files"]
    contents = stem_contents(cue.store, cue.folder.key)
    stems = stems.assign(content_hash=stems["canonical_name"].map(contents).astype(object))
    mapping = map_cue(
        parts,
        stems,
        evidence=match_evidence["match_evidence"],
        # Files are told apart by their ids, which derive from the cue's first key.
        overrides=cue.store.overrides(cue.folder.key).assign(cue_key=cue.folder.id_key),
        chat=chat_model(cue.settings, cue.store),
    )
    note_where_found(cue.store, cue.folder.key, parts, stems)
    tables = mapping.tables()
    rows, tracks = tables["track_mappings"], midi_events["midi_tracks"]
    names = dict(zip(tracks["id"], track_labels(tracks), strict=True))
    figures = mapping_figures(mapping.summary)
    page = f"{cue.settings.review_url}/#cue={quote(cue.folder.key, safe='')}"
    return AssetResult(
        tables,
        found=f"{figures['auto'] + figures['confirmed']} of {len(rows)} tracks matched, "
        f"{figures['to review']} to review, {figures['unmatched']} unmatched; decided by "
        f"{mapping.summary['decided_by']}.",
        metadata={
            "mapping": markdown_table(mapping.table),
            "review page": dg.MetadataValue.url(page),
            **{name: _figure(value) for name, value in figures.items()},
            "decided by": dg.MetadataValue.text(shown(mapping.summary["decided_by"])),
            "note": dg.MetadataValue.text(shown(mapping.summary["note"])),
        },
        warnings=mapping.summary["warnings"],
        pictures={
            "notes above their sound": lambda: draw_pairs(
                cue.store, mapping.tracks, midi_events, match_evidence["stem_alignments"]
            )
        },
        judges={
            "tracks_are_matched": lambda: judgments.tracks_are_matched(rows, names),
            "nothing_awaits_review": lambda: judgments.nothing_awaits_review(rows, names, page),
        },
    )


def _figure(value: float) -> dg.MetadataValue:
    if isinstance(value, int):
        return dg.MetadataValue.int(value)
    return dg.MetadataValue.float(value)
