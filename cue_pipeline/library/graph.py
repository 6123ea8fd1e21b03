"""The assets of a cue: what each reads, what it stands on, and which version of it is current.

Conventions
-----------
*Fingerprint*: of the input files of an asset, as the cue's folder had them when it was read.
*Code version*: the algorithm's number, and a digest of the settings that shape its rows.
*Data version*: a digest of asset, code version, fingerprint, the data versions upstream and, where
the asset obeys people, what they decided for the cue. An asset is up to date exactly when the
ledger's data version is the one expected today. Dagster is told the same data version, so its UI
and ``cue-pipeline status`` agree.

Dagster is not imported here: the command line asks these questions without it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.settings import MelSettings, Settings

Source = Literal["midi", "audio"]


@dataclass(frozen=True, slots=True)
class Node:
    """One asset in the graph.

    Attributes
    ----------
    upstream : tuple of str
        Assets that must be materialised first.
    reads : tuple of {"midi", "audio"}
        Files of the cue's folder that the asset reads itself.
    algorithm : int
        Raised when the same input would give other rows.
    obeys_people : bool
        Whether its rows follow the cue's ``mapping_overrides``.
    """

    upstream: tuple[str, ...]
    reads: tuple[Source, ...]
    algorithm: int
    obeys_people: bool = False


GRAPH: Mapping[str, Node] = {
    "tempo_map": Node((), ("midi",), 2),
    "midi_events": Node(("tempo_map",), ("midi",), 2),
    "channel_groups": Node((), ("audio",), 2),
    "mel_features": Node(("channel_groups",), ("audio",), 1),
    "final_mix_features": Node(("channel_groups",), ("audio",), 1),
    "match_evidence": Node(("midi_events", "mel_features"), (), 5),
    "llm_mappings": Node(
        ("midi_events", "channel_groups", "match_evidence"), (), 1, obeys_people=True
    ),
}
"""Every asset, upstream before downstream."""

_SHAPED_BY = {
    "tempo_map": "CUE_MARKER_TRACKS",
    "midi_events": "CUE_MARKER_TRACKS",
    "channel_groups": "CUE_FINAL_MIX_PATTERNS, CUE_IGNORE_PATTERNS or CUE_SAMPLE_RATE",
    "mel_features": "a CUE_MEL_… setting or CUE_SAMPLE_RATE",
    "final_mix_features": "a CUE_MEL_… setting or CUE_SAMPLE_RATE",
}
"""The settings in the code version of an asset, as a person reads of them."""


def sources(asset: str) -> frozenset[Source]:
    """Return which of a cue's files an asset depends on, itself or through what it stands on."""
    node = GRAPH[asset]
    return frozenset(node.reads).union(*(sources(up) for up in node.upstream))


def upstream_of(asset: str) -> frozenset[str]:
    """Return the assets that ``asset`` stands on, directly or not."""
    node = GRAPH[asset]
    return frozenset(node.upstream).union(*(upstream_of(up) for up in node.upstream))


def downstream(assets: frozenset[str]) -> frozenset[str]:
    """Return the assets that stand, directly or not, on any of ``assets``; these not included."""
    reached = set(assets)
    for asset, node in GRAPH.items():
        if reached.intersection(node.upstream):
            reached.add(asset)
    return frozenset(reached - assets)


def fingerprint(asset: str, folder: CueFolder) -> str:
    """Return the fingerprint of all files that an asset of this cue depends on."""
    kinds = sources(asset)
    if kinds == {"midi"}:
        return folder.midi_fingerprint
    if kinds == {"audio"}:
        return folder.audio_fingerprint
    return _digest([folder.midi_fingerprint, folder.audio_fingerprint])


def code_versions(settings: Settings) -> dict[str, str]:
    """Return each asset's current code version under ``settings``."""
    shaping = _shaping_settings(settings)
    return {
        asset: f"{node.algorithm}" + (f"+{shaping[asset]}" if shaping.get(asset) else "")
        for asset, node in GRAPH.items()
    }


def told_versions(versions: Mapping[str, str]) -> dict[str, str]:
    """Return each asset's code version with a digest of those of all that it stands on.

    Parameters
    ----------
    versions : mapping of str to str
        Code versions by asset, as :func:`code_versions` gives them.

    Notes
    -----
    Dagster calls an asset stale for its own code version, or for new data upstream; what stands on
    a stale asset it calls fresh until that is made again. The ledger looks ahead: its expected data
    version is stale at once all the way down. Told versions that hold those upstream too, the UI
    says what ``cue-pipeline status`` says, and one backfill of all that is stale does the whole.
    """
    told: dict[str, str] = {}
    for asset in GRAPH:
        upstream = sorted(upstream_of(asset))
        text = "\n".join(f"{up} {versions[up]}" for up in upstream)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        told[asset] = f"{versions[asset]}@{digest}" if upstream else versions[asset]
    return told


def what_changed(asset: str, was: str, now: str) -> str:
    """Return in words what makes one code version of an asset another."""
    (number, *before), (now_number, *after) = was.split("+"), now.split("+")
    if number != now_number:
        return "this version of cue_pipeline computes it differently"
    if asset != "llm_mappings":
        return f"{_SHAPED_BY.get(asset, 'a setting')} changed since"
    if before[:1] != after[:1]:
        return "this version of cue_pipeline decides differently"
    asked, asks = ("+".join(part[1:-1]) or "no model" for part in (before, after))
    if asked == asks:
        return "this version of cue_pipeline asks the model differently"
    return f"{asked} was asked, now {asks} is"


def data_version(
    asset: str,
    code_version: str,
    file_fingerprint: str,
    upstream: Mapping[str, str | None],
    decided: str = "",
) -> str:
    """Return the version of an asset's rows, from all that they are made of.

    Parameters
    ----------
    decided : str
        Digest of what people decided for the cue; empty where they decided nothing.
    """
    made_of: list[Any] = [asset, code_version, file_fingerprint, sorted(upstream.items())]
    if decided and GRAPH[asset].obeys_people:
        made_of.append(decided)
    return _digest(made_of)


def expected_data_versions(
    folder: CueFolder, versions: Mapping[str, str], decided: str = ""
) -> dict[str, str]:
    """Return the data version that each asset of a cue has once it is up to date."""
    expected: dict[str, str] = {}
    for asset, node in GRAPH.items():
        expected[asset] = data_version(
            asset,
            versions[asset],
            fingerprint(asset, folder),
            {up: expected[up] for up in node.upstream},
            decided,
        )
    return expected


def mel_profiles_of(settings: Settings) -> dict[str, MelSettings]:
    """Return the mel spectrograms that the settings ask for, by profile name."""
    from cue_pipeline.audio.profiles import mel_profiles

    return mel_profiles(settings.mel_profile_names, settings.mel)


def _shaping_settings(settings: Settings) -> dict[str, str]:
    from cue_pipeline.mapping.decision.map_cue import MAPPING_FINGERPRINT
    from cue_pipeline.mapping.model.prompt import PROMPT_FINGERPRINT

    mel = {name: profile.model_dump() for name, profile in mel_profiles_of(settings).items()}
    grouping = [settings.final_mix_patterns, settings.ignore_patterns, settings.sample_rate]
    asked = f"{settings.openai_model}+{PROMPT_FINGERPRINT}" if settings.openai_api_key else "names"
    return {
        "tempo_map": _digest(settings.marker_tracks, 8),
        "midi_events": _digest(settings.marker_tracks, 8),
        "channel_groups": _digest(grouping, 8),
        "mel_features": _digest(mel, 8),
        "final_mix_features": _digest(mel, 8),
        "llm_mappings": f"{MAPPING_FINGERPRINT}+{asked}",
    }


def _digest(value: Any, length: int = 16) -> str:
    text = json.dumps(value, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:length]
