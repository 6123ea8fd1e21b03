"""Asset ``match_evidence``: which track is heard in which stem."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from cue_pipeline.defs.cue_asset import AssetResult, cue_asset
from cue_pipeline.defs.markdown import shown_json_value
from cue_pipeline.library.cue_run import CueRun

if TYPE_CHECKING:
    from pandas import DataFrame


@cue_asset(
    loads={
        "tempo_map": ["midi_files"],
        "midi_events": ["midi_tracks", "midi_notes"],
        "mel_features": ["audio_files", "audio_features"],
        "final_mix_features": ["final_mixes", "final_mix_features"],
    },
    dispensable=frozenset({"final_mix_features"}),
)
def match_evidence(
    cue: CueRun,
    tempo_map: dict[str, DataFrame],
    midi_events: dict[str, DataFrame],
    mel_features: dict[str, DataFrame],
    final_mix_features: dict[str, DataFrame],
) -> AssetResult:
    """How surely each track is heard in each stem, from the stored mel spectrograms.

    One lag between score and recording is found for the whole cue, then each stem is explained by
    all tracks at once. Scores are NULL where the ear abstains: silence, or too few notes. Where
    notes are heard in stems and mixes is in `stem_alignments` and `mix_alignments`; a person's word
    on it, `cue-pipeline align set`, always wins.
    """
    from cue_pipeline.hearing import match_evidence as evidence_of
    from cue_pipeline.hearing.mix_clocks import Mixes
    from cue_pipeline.hearing.origins import named_starts
    from cue_pipeline.library.known_clocks import known_clocks, sounds_of
    from cue_pipeline.mapping.tracks import counted_tracks
    from cue_pipeline.pictures.matching import evidence_picture
    from cue_pipeline.pictures.of_matches import evidence_matrix
    from cue_pipeline.warehouse.features import read_mel

    names = cue.settings.mel_profile_names
    profile = "default" if "default" in names else names[0]
    stems, mixes = mel_features["audio_files"], final_mix_features["final_mixes"]
    of_stems = _composites(mel_features["audio_features"], profile, stems, "audio_file_id")
    of_mixes = _composites(final_mix_features["final_mix_features"], profile, mixes, "final_mix_id")
    feature_of, mix_feature_of = (
        dict(zip(of["audio_file_id"], of["id"], strict=True)) for of in (of_stems, of_mixes)
    )
    tracks = counted_tracks(midi_events["midi_tracks"], tempo_map["midi_files"])
    known = known_clocks(
        cue.store.read(cue.folder.key, "alignment_overrides"),
        tempo_map["midi_files"],
        sounds_of(stems, mixes),
    )
    found = evidence_of(
        tracks,
        midi_events["midi_notes"],
        of_stems,
        lambda audio_file_id: read_mel(cue.store, int(feature_of[audio_file_id])),
        named_starts(tempo_map["midi_files"]),
        stated=known.stated,
        tempos=known.tempos,
        mixes=Mixes(of_mixes, lambda mix: read_mel(cue.store, int(mix_feature_of[mix]), "mix")),
    )
    scores = evidence_matrix(tracks, stems, found.pairs)
    files = found.summary["files"]
    lags = [file["lag_seconds"] for file in files if "lag_seconds" in file]
    named = [f" ({file['lag_named_by']})" for file in files if file.get("lag_named_by")]
    silent = int(found.pairs["score"].isna().sum())
    metadata: dict[str, dg.MetadataValue] = {
        "pairs": dg.MetadataValue.int(len(found.pairs)),
        "pairs not judged": dg.MetadataValue.int(silent),
        "how it was heard": shown_json_value(found.summary),
    }
    if lags:
        metadata["lag seconds"] = dg.MetadataValue.float(float(lags[0]))
    return AssetResult(
        found.tables(),
        found=f"{len(scores.tracks)} tracks heard against {len(scores.groups)} stems, "
        + (f"lag {lags[0]:+.3f} s{''.join(named[:1])}" if lags else "no lag found")
        + f"; {silent} of {len(found.pairs)} pairs not judged.",
        metadata=metadata,
        warnings=[*known.warnings, *found.warnings],
        pictures={
            "tracks against stems": lambda: evidence_picture(
                scores.tracks, scores.groups, scores.scores
            )
        },
    )


def _composites(features: DataFrame, profile: str, sounds: DataFrame, parent: str) -> DataFrame:
    """Return the composites of stems, or of mixes, with what is known of where they begin."""
    known = sounds[
        ["id", "canonical_name", "start_offset_seconds", "time_reference", "sample_rate"]
    ]
    features = features[(features["profile"] == profile) & (features["channel"] == "mono")]
    return features.merge(
        known.rename(columns={"id": parent, "sample_rate": "file_sample_rate"}), on=parent
    ).rename(columns={parent: "audio_file_id"})
