"""Which kinds of features a library has: those that ``CUE_FEATURES`` names.

Mel spectrograms are made in any case, by assets of their own: the ear needs them. Every other kind
is one asset, which nothing stands on; a kind that is not chosen is not even imported.

Whoever installs a package with an entry point in the group ``cue_pipeline.features`` adds a kind.
One that cannot be used is told in the log and left out: the library does without it.
"""

import logging
import re
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from cue_pipeline.audio.features.kind import FeatureKind, Grid, asset_of
from cue_pipeline.audio.features.shipped import SHIPPED, load_shipped
from cue_pipeline.errors import SettingsError
from cue_pipeline.library.declaration import Declaration, by_settings
from cue_pipeline.settings import Settings

ENTRY_POINTS = "cue_pipeline.features"
MEL = "mel"

_NAME = re.compile("[a-z][a-z0-9_]*")
_TAKEN = frozenset({"mel_features", "final_mix_features"})

_log = logging.getLogger(__name__)


def grid_of(settings: Settings) -> Grid:
    """Return the clock on which a library's features stand."""
    mel = settings.mel
    return Grid(
        mel.sr, mel.hop_length, mel.n_fft, mel.n_mels, settings.wave_sample_rate,
        embedding_model=settings.embedding_model, codec_model=settings.codec_model,
    )  # fmt: skip


def chosen_kinds(settings: Settings) -> list[FeatureKind]:
    """Return the kinds of features beside mel that a library has, in the order chosen.

    Raises
    ------
    SettingsError
        If ``CUE_FEATURES`` names none that there is, or the settings do not do for one.
    """
    found: dict[str, FeatureKind] = {}
    for name in (written.lower() for written in settings.features):
        if name == MEL or name in found:
            continue
        kind = _kind(name)
        if kind is not None and _fits(kind, grid_of(settings)):
            found[name] = kind
    return list(found.values())


def _fits(kind: FeatureKind, grid: Grid) -> bool:
    """Tell whether a kind has frames under a grid; where a plug-in cannot say, tell that."""
    try:
        shape = kind.shape(grid)
        if min(shape.n_columns, shape.hop_length, shape.sample_rate) > 0:
            return True
        fault = "its frames have no columns, or no step from one to the next"
    except SettingsError:
        raise
    except Exception as e:
        if kind.name in SHIPPED:
            raise
        fault = f"{type(e).__name__}: {e}"
    _leave_out(kind.name, _plugged()[kind.name], fault)
    return False


def _kind(name: str) -> FeatureKind | None:
    """Return a kind by its name; None for a plug-in's that cannot be used, which is told once."""
    plugged = _plugged()
    for taken in (MEL, name):
        if taken in plugged and taken in (MEL, *SHIPPED):
            _leave_out(taken, plugged[taken], "a kind of that name ships, and is the one made")
    if name in SHIPPED:
        return _shipped(name)
    if name in plugged:
        return _load_plugged(name, plugged[name])
    known = [MEL, *SHIPPED, *plugged]
    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    raise SettingsError(
        f"CUE_FEATURES names '{name}', which is no kind of feature.{hint} There are: "
        f"{', '.join(known)}."
    )


_shipped = cache(load_shipped)


def kind_of_asset(asset: str) -> FeatureKind:
    """Return the kind of feature that an asset makes.

    Raises
    ------
    KeyError
        If no kind has that asset.
    """
    for name in SHIPPED:
        if asset_of(name) == asset:
            return _shipped(name)
    for name, point in _plugged().items():
        if asset_of(name) == asset and (kind := _load_plugged(name, point)):
            return kind
    raise KeyError(asset)


@cache
def _plugged() -> dict[str, EntryPoint]:
    """Return what packages that are installed offer; a name that ships is ours."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


@cache
def _load_plugged(name: str, point: EntryPoint) -> FeatureKind | None:
    try:
        kind = point.load()
        fault = _fault(name, kind)
    except Exception as e:  # noqa: BLE001 - a plug-in may fail of anything
        fault = f"{type(e).__name__}: {e}"
    if fault:
        _leave_out(name, point, fault)
        return None
    from cue_pipeline.warehouse.tables import share_tables

    share_tables(name)
    return cast(FeatureKind, kind)


@cache
def _leave_out(name: str, point: EntryPoint, fault: str) -> None:
    _log.warning(
        "The feature '%s' of the package '%s' is left out: %s. Mend or uninstall the package, or "
        "take the name out of CUE_FEATURES.",
        name,
        point.dist.name if point.dist else point.value,
        fault,
    )


def _fault(name: str, kind: object) -> str:
    """Return what is wrong with what an entry point gave; empty: nothing."""
    if not isinstance(kind, FeatureKind):
        return f"it is a {type(kind).__name__}, and a FeatureKind is needed"
    if kind.name != name:
        return f"its entry point is called '{name}', and the kind '{kind.name}'"
    if not _NAME.fullmatch(name):
        return "its name may hold small letters, digits and _ only, a letter first"
    if kind.asset in _TAKEN:
        return f"its asset would be '{kind.asset}', which every library has"
    return ""


@cache
def declaration(kind: FeatureKind) -> Declaration:
    """Return what is declared of the asset of a kind."""
    return Declaration(
        upstream=("channel_groups", "final_mix_features"),  # whose rows its own belong to
        reads=("audio",),
        algorithm=kind.algorithm,
        shaped_by=by_settings(
            "CUE_SAMPLE_RATE, a CUE_MEL_… setting, CUE_WAVE_SAMPLE_RATE or the model of the kind",
            lambda settings: _shape_as_json(kind, settings),
        ),
        group="sound",
        kinds=frozenset({"audio", "numpy", "table"}),
        goes_without=frozenset({"final_mix_features"}),
        cost=kind.cost,
        priority=-2,  # mel first: the evidence waits for it
    )


def _shape_as_json(kind: FeatureKind, settings: Settings) -> list[object]:
    shape = kind.shape(grid_of(settings))
    own = [shape.n_columns, shape.sample_rate, shape.hop_length, dict(shape.params), kind.dtype]
    if kind.upstream is None:
        return own
    return [*own, kind.upstream.algorithm, _shape_as_json(kind.upstream, settings)]
