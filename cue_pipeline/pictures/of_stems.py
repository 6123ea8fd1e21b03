"""Pictures of spectrograms that an asset has just made, or that the warehouse holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cue_pipeline.library import graph
from cue_pipeline.pictures.sound import mel_picture, mix_picture
from cue_pipeline.pictures.thumbnails import (
    cell_frames,
    composites,
    shrink_into,
    thumbnails,
)

if TYPE_CHECKING:
    import numpy as np

    from cue_pipeline.audio.grouping import AudioInventory
    from cue_pipeline.library.cue_run import CueRun


def draw_stems(cue_key: str, inventory: AudioInventory, tables: Any) -> str:
    """Return thumbnails of the stems whose tables ``mel_features`` has just made."""
    from cue_pipeline.cue.identity import row_id

    features = composites(tables["audio_features"], "audio_file_id")
    cell = cell_frames(features["n_frames"])
    small = thumbnails(features, tables["audio_feature_chunks"], "audio_feature_id", cell)
    by_stem = dict(zip(features["audio_file_id"], features["id"], strict=True))
    mels: dict[str, np.ndarray] = {}
    for group in inventory.groups:
        feature = by_stem.get(row_id("audio_files", cue_key, group.canonical_name))
        if feature is not None:
            mels[group.canonical_name] = small[int(feature)]
    return mel_picture(mels, {g.canonical_name: g.duration_seconds for g in inventory.groups})


def draw_mix(cue: CueRun, tables: Any) -> str | None:
    """Return the first final mix beside the sum of the stems, as far as these are at hand.

    Stems come from ``mel_features``, on which the mix does not depend: where that asset has not
    been made of the same files, the mix is drawn alone.
    """
    mixes = tables["final_mixes"]
    if mixes.empty:
        return None
    features = composites(tables["final_mix_features"], "final_mix_id")
    mix = mixes.iloc[0]
    feature = features[features["final_mix_id"] == mix["id"]].iloc[:1]
    cell = cell_frames(feature["n_frames"])
    chunks = tables["final_mix_feature_chunks"]
    (mixed,) = thumbnails(feature, chunks, "final_mix_feature_id", cell).values()
    stems = _stems(cue, feature.iloc[0], mix, cell, mixed)
    return mix_picture(mix["canonical_name"], mixed, stems, float(mix["duration_seconds"]))


def _stems(cue: CueRun, like: Any, mix: Any, cell: int, mixed: np.ndarray) -> list[np.ndarray]:
    """Return thumbnails of the stored stems, on the mix's clock and at their part of its level.

    A composite is the mean of its channels: a mono stem within a 5.1 mix is a sixth of that.
    """
    import numpy as np

    from cue_pipeline.warehouse.features import read_mel

    key = cue.folder.key
    ledger = {row.asset: row for row in cue.store.ledger(key)}.get("mel_features")
    current = graph.fingerprint("mel_features", cue.folder)
    if ledger is None or ledger.state != "ready" or ledger.fingerprint != current:
        return []
    features = composites(
        cue.store.read(key, "audio_features", asset="mel_features"), "audio_file_id"
    )
    same = (features["hop_length"] == like["hop_length"]) & (features["n_mels"] == like["n_mels"])
    files = cue.store.read(key, "audio_files", ["id", "start_offset_seconds", "channels"])
    file_of = {row["id"]: row for row in files.to_dict("records")}
    frames_per_second = like["sample_rate"] / like["hop_length"]
    stems = []
    for stem in features[same].to_dict("records"):
        file = file_of[stem["audio_file_id"]]
        late = file["start_offset_seconds"] - mix["start_offset_seconds"]
        first = 0 if late != late else round(late * frames_per_second)  # NaN: no time reference
        small = np.full_like(mixed, -120.0)
        shrink_into(small, read_mel(cue.store, int(stem["id"])), first, cell)
        part = len(file["channels"]) / len(mix["channels"])
        stems.append(small + np.float32(20 * np.log10(part)))
    return stems
