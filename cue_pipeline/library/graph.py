"""The assets of a cue: what each reads, what it stands on, and which version of it is current.

Conventions
-----------
*Fingerprint*: of the input files of an asset, as the cue's folder had them when it was read.
*Code version*: the algorithm's number, and a digest of what else shapes its rows.
*Data version*: a digest of asset, code version, fingerprint, the data versions upstream and, where
the asset obeys people, what they decided for the cue. An asset is up to date exactly when the
ledger's data version is the one expected today. Dagster is told the same data version, so its UI
and ``cue-pipeline status`` agree.

Dagster is not imported here: the command line asks these questions without it.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.library import feature_kinds as kinds
from cue_pipeline.library.chat_model import asked_differently, asking_version
from cue_pipeline.library.declaration import (
    NOTHING,
    Declaration,
    Shape,
    Source,
    by_settings,
    digest,
)
from cue_pipeline.settings import MelSettings, Settings


def mel_profiles_of(settings: Settings) -> dict[str, MelSettings]:
    """Return the mel spectrograms that the settings ask for, by profile name."""
    from cue_pipeline.audio.profiles import mel_profiles

    return mel_profiles(settings.mel_profile_names, settings.mel)


NOTHING_DECIDED: Mapping[str, str] = MappingProxyType({})
"""The digests of a cue about which nobody decided anything."""

_SCORE = by_settings(
    "CUE_MARKER_TRACKS or CUE_MIDI_CHARSET", lambda s: [s.marker_tracks, s.midi_charset]
)
_MEL = by_settings(
    "a CUE_MEL_… setting or CUE_SAMPLE_RATE",
    lambda s: {name: mel.model_dump() for name, mel in mel_profiles_of(s).items()},
)

GRAPH: Mapping[str, Declaration] = {
    "tempo_map": Declaration(
        upstream=(),
        reads=("midi",),
        algorithm=4,
        shaped_by=_SCORE,
        group="score",
        kinds=frozenset({"midi", "table"}),
    ),
    "midi_events": Declaration(
        upstream=("tempo_map",),
        reads=("midi",),
        algorithm=5,
        shaped_by=_SCORE,
        group="score",
        kinds=frozenset({"midi", "table"}),
    ),
    "channel_groups": Declaration(
        upstream=(),
        reads=("audio",),
        algorithm=9,
        shaped_by=by_settings(
            "CUE_FINAL_MIX_PATTERNS, CUE_IGNORE_PATTERNS, CUE_INTERLEAVED_ORDER or CUE_SAMPLE_RATE",
            lambda s: [
                s.final_mix_patterns,
                s.ignore_patterns,
                s.interleaved_order,
                s.sample_rate,
            ],
        ),
        group="sound",
        kinds=frozenset({"audio", "table"}),
    ),
    "mel_features": Declaration(
        upstream=("channel_groups",),
        reads=("audio",),
        algorithm=3,
        shaped_by=_MEL,
        group="sound",
        kinds=frozenset({"audio", "numpy", "table"}),
    ),
    "final_mix_features": Declaration(
        upstream=("channel_groups",),
        reads=("audio",),
        algorithm=6,
        shaped_by=_MEL,
        group="sound",
        kinds=frozenset({"audio", "numpy", "table"}),
        priority=-1,  # its picture shows the stems too, if mel_features has them by then
    ),
    "match_evidence": Declaration(
        upstream=("tempo_map", "midi_events", "mel_features", "final_mix_features"),
        reads=(),
        algorithm=15,
        shaped_by=NOTHING,
        group="mapping",
        kinds=frozenset({"numpy", "table"}),
        goes_without=frozenset({"final_mix_features"}),
        obeys="alignment_overrides",
    ),
    "llm_mappings": Declaration(
        upstream=("tempo_map", "midi_events", "channel_groups", "match_evidence"),
        reads=(),
        algorithm=4,
        shaped_by=Shape(asking_version, asked_differently),
        group="mapping",
        kinds=frozenset({"openai", "table"}),
        obeys="mapping_overrides",
        cost="paid",
    ),
}
"""The assets that every library has, upstream before downstream."""


def chosen(settings: Settings) -> dict[str, Declaration]:
    """Return all assets of a library: those of :data:`GRAPH`, and of the features that it chose.

    Raises
    ------
    SettingsError
        If ``CUE_FEATURES`` names no kind of feature.
    """
    return dict(GRAPH) | {
        kind.asset: kinds.declaration(kind) for kind in kinds.chosen_kinds(settings)
    }


def node(asset: str) -> Declaration:
    """Return what is declared of an asset, in whichever library it is.

    Raises
    ------
    KeyError
        If there is no such asset.
    """
    found = GRAPH.get(asset)
    return kinds.declaration(kinds.kind_of_asset(asset)) if found is None else found


def ordered(assets: Iterable[str]) -> list[str]:
    """Return assets, upstream before downstream, always in one order."""
    wanted = set(assets)
    # Features that a library chose stand on assets of every library, and nothing on them.
    return [a for a in GRAPH if a in wanted] + sorted(wanted.difference(GRAPH))


def asking_model() -> frozenset[str]:
    """Return the assets for which a chat model is asked."""
    return frozenset(asset for asset, of in GRAPH.items() if of.asks_model)


def obeying_people() -> frozenset[str]:
    """Return the assets whose rows follow what people decided."""
    return frozenset(asset for asset, of in GRAPH.items() if of.obeys is not None)


@cache
def sources(asset: str) -> frozenset[Source]:
    """Return which of a cue's files an asset depends on, itself or through what it stands on."""
    of = node(asset)
    return frozenset(of.reads).union(*(sources(up) for up in of.upstream))


def upstream_of(asset: str) -> frozenset[str]:
    """Return the assets that ``asset`` stands on, directly or not."""
    of = node(asset)
    return frozenset(of.upstream).union(*(upstream_of(up) for up in of.upstream))


def downstream(assets: frozenset[str], among: Iterable[str] = GRAPH) -> frozenset[str]:
    """Return the assets that stand, directly or not, on any of ``assets``; these not included.

    ``among`` are all assets of the library, or those that matter.
    """
    reached = set(assets)
    for asset in ordered({*GRAPH, *among}):
        if reached.intersection(node(asset).upstream):
            reached.add(asset)
    return frozenset(reached - assets).intersection(among)


def stopped(failed: Collection[str], among: Iterable[str] = GRAPH) -> frozenset[str]:
    """Return the assets that cannot be made while others are failed; those are not included.

    ``among`` are all assets of the library, or those that matter.
    """
    out = set(failed)
    for asset in ordered({*GRAPH, *among}):
        of = node(asset)
        if out.intersection(of.upstream) - of.goes_without:
            out.add(asset)
    return frozenset(out.difference(failed)).intersection(among)


def fingerprint(asset: str, folder: CueFolder) -> str:
    """Return the fingerprint of all files that an asset of this cue depends on."""
    return fingerprint_of(asset, folder.midi_fingerprint, folder.audio_fingerprint)


def fingerprint_of(asset: str, midi: str, audio: str) -> str:
    """Return the fingerprint of what an asset depends on, by those of MIDI and of audio files."""
    files = sources(asset)
    if files == {"midi"}:
        return midi
    if files == {"audio"}:
        return audio
    return digest([midi, audio])


def code_versions(settings: Settings) -> dict[str, str]:
    """Return the current code version of each asset of a library, upstream before downstream."""
    versions = {}
    for asset, of in chosen(settings).items():
        shape = of.shaped_by.version(settings)
        versions[asset] = f"{of.algorithm}+{shape}" if shape else f"{of.algorithm}"
    return versions


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
    for asset in versions:
        upstream = {up: versions[up] for up in upstream_of(asset)}
        told[asset] = versions[asset] + (f"@{digest(upstream, 8)}" if upstream else "")
    return told


def what_changed(asset: str, was: str, now: str) -> str:
    """Return in words what makes one code version of an asset another."""
    (number, _, before), (now_number, _, after) = was.partition("+"), now.partition("+")
    if number != now_number:
        return "this version of cue_pipeline computes it differently"
    return node(asset).shaped_by.what_changed(before, after)


def data_version(
    asset: str,
    code_version: str,
    file_fingerprint: str,
    upstream: Mapping[str, str | None],
    decided: Mapping[str, str] = NOTHING_DECIDED,
) -> str:
    """Return the version of an asset's rows, from all that they are made of.

    Parameters
    ----------
    decided : mapping of str to str
        Digests of what people decided for the cue, by table.
    """
    made_of: list[Any] = [asset, code_version, file_fingerprint, sorted(upstream.items())]
    if said := decided.get(node(asset).obeys or ""):
        made_of.append(said)
    return digest(made_of)


def expected_data_versions(
    folder: CueFolder,
    versions: Mapping[str, str],
    decided: Mapping[str, str] = NOTHING_DECIDED,
) -> dict[str, str]:
    """Return the data version that each asset of a cue has once it is up to date."""
    expected: dict[str, str] = {}
    for asset, version in versions.items():
        expected[asset] = data_version(
            asset,
            version,
            fingerprint(asset, folder),
            {up: expected[up] for up in node(asset).upstream},
            decided,
        )
    return expected
