"""Which kinds of features a library has: those that ``CUE_FEATURES`` names.

Mel spectrograms are made in any case, by assets of their own: the ear needs them. Every other kind
is one asset, which nothing stands on; a kind that is not chosen is not even imported.
"""

import logging
from difflib import get_close_matches
from functools import cache

from cue_pipeline.audio.features.kind import FeatureKind, Grid
from cue_pipeline.audio.features.shipped import SHIPPED, load_shipped
from cue_pipeline.errors import SettingsError
from cue_pipeline.library.declaration import Declaration, by_settings
from cue_pipeline.settings import Settings

MEL = "mel"

_log = logging.getLogger(__name__)


def grid_of(settings: Settings) -> Grid:
    """Return the clock on which a library's features stand."""
    mel = settings.mel
    return Grid(mel.sr, mel.hop_length, mel.n_fft)


def chosen_kinds(settings: Settings) -> list[FeatureKind]:
    """Return the kinds of features beside mel that a library has, in the order chosen.

    Raises
    ------
    SettingsError
        If ``CUE_FEATURES`` names none that there is, or the settings do not do for one.
    """
    found: dict[str, FeatureKind] = {}
    for name in (written.lower() for written in settings.features):
        if name != MEL and name not in found:
            found[name] = _kind(name)
            found[name].shape(grid_of(settings))
    return list(found.values())


def _kind(name: str) -> FeatureKind:
    if name in SHIPPED:
        return _shipped(name)
    known = [MEL, *SHIPPED]
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
        kind = _shipped(name)
        if kind.asset == asset:
            return kind
    raise KeyError(asset)


@cache
def declaration(kind: FeatureKind) -> Declaration:
    """Return what is declared of the asset of a kind."""
    return Declaration(
        upstream=("channel_groups", "final_mix_features"),  # whose rows its own belong to
        reads=("audio",),
        algorithm=kind.algorithm,
        shaped_by=by_settings(
            "CUE_SAMPLE_RATE, CUE_MEL_HOP_LENGTH or CUE_MEL_N_FFT",
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
    return [shape.n_columns, shape.sample_rate, shape.hop_length, dict(shape.params), kind.dtype]
