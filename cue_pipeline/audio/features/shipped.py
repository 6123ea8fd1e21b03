"""The kinds of features that come with the program: name → module, whose ``KIND`` it is.

A module is imported only where its kind is chosen.
"""

from importlib import import_module

from cue_pipeline.audio.features.kind import FeatureKind

SHIPPED: dict[str, str] = {"chroma": "chroma"}


def load_shipped(name: str) -> FeatureKind:
    """Return a kind that ships."""
    kind: FeatureKind = import_module(f"cue_pipeline.audio.features.{SHIPPED[name]}").KIND
    return kind
