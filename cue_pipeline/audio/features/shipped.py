"""The kinds of features that come with the program: name → module, whose ``KIND`` it is.

A module is imported only where its kind is chosen.
"""

from importlib import import_module

from cue_pipeline.audio.features.kind import FeatureKind

_MODULES = {
    "chroma": "chroma",
    "codec": "codec",
    "cqt": "cqt",
    "defects": "defects",
    "embedding": "embedding",
    "loudness": "loudness",
    "onset_strength": "onset_strength",
    "tempogram": "tempogram",
    "wave": "waveform",
}
_DOWNMIXED = {"mel": "downmixed_mel", **_MODULES}

SHIPPED: tuple[str, ...] = (*_MODULES, *(f"downmix.{name}" for name in _DOWNMIXED))
"""Their names, as ``CUE_FEATURES`` has them."""


def load_shipped(name: str) -> FeatureKind:
    """Return a kind that ships."""
    composed, _, plain = name.rpartition(".")
    module = import_module(f"cue_pipeline.audio.features.{_DOWNMIXED[plain]}")
    kind: FeatureKind = module.KIND
    if not composed:
        return kind
    from cue_pipeline.audio.features.downmix import downmixed

    return downmixed(kind)
