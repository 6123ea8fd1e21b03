"""What is said of an asset, once: everything that the program must know of it but its rows.

:data:`cue_pipeline.library.graph.GRAPH` holds one declaration per asset. Dagster, the ledger, the
command line and the sensor all go by it, so that nothing else names an asset for what it is like.
Which tables and which kinds of features are an asset's is in :mod:`cue_pipeline.warehouse.tables`.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cue_pipeline.settings import Settings

Source = Literal["midi", "audio"]
Cost = Literal["cheap", "slow", "paid"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What shapes an asset's rows beside its input and its algorithm's number.

    Attributes
    ----------
    version : callable
        Settings → what stands for it in the code version; empty: nothing does.
    what_changed : callable
        Two such versions that differ, older first → in words what makes the difference.
    """

    version: Callable[[Settings], str]
    what_changed: Callable[[str, str], str]


NOTHING = Shape(lambda _: "", lambda *_: "a setting changed since")
"""Neither a setting nor a text of the program shapes the rows."""


def by_settings(names: str, values: Callable[[Settings], Any]) -> Shape:
    """Return the shape that some settings give.

    Parameters
    ----------
    names : str
        The settings, as a person reads of them: 'CUE_A or CUE_B'.
    values : callable
        Settings → those that count, as anything that JSON holds.
    """
    return Shape(lambda s: digest(values(s), 8), lambda *_: f"{names} changed since")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One asset.

    Attributes
    ----------
    upstream : tuple of str
        Assets that must be materialised first.
    reads : tuple of {"midi", "audio"}
        Files of the cue's folder that the asset reads itself.
    algorithm : int
        Raised when the same input would give other rows.
    shaped_by : Shape
        What else gives other rows, or :data:`NOTHING`.
    group : str
        Where the UI shows it.
    kinds : frozenset of str
        Labels on its node in the UI.
    goes_without : frozenset of str
        Those of ``upstream`` that it waits for, but whose failure does not stop it.
    obeys : str or None
        The table of what people decide that its rows follow; None: none.
    cost : {"cheap", "slow", "paid"}
        ``cheap``: seconds of this machine, made again by itself with ``CUE_AUTOMATE=cheap``.
        ``slow``: minutes of this machine. ``paid``: it asks a chat model, whose answer may be
        billed and may be waited for in a batch.
    priority : int
        Of the assets of a cue that could run next, that with the highest does.
    """

    upstream: tuple[str, ...]
    reads: tuple[Source, ...]
    algorithm: int
    shaped_by: Shape
    group: str
    kinds: frozenset[str]
    goes_without: frozenset[str] = frozenset()
    obeys: str | None = None
    cost: Cost = "cheap"
    priority: int = 0

    @property
    def asks_model(self) -> bool:
        """Whether a chat model is asked for it."""
        return self.cost == "paid"


_JSON = json.JSONEncoder(sort_keys=True, default=list)


def digest(value: Any, length: int = 16) -> str:
    """Return the first hexadecimal digits of the SHA-256 of a value's JSON."""
    text = _JSON.encode(value)  # of 20,000 cues, 140,000 times: json.dumps makes one each time
    return hashlib.sha256(text.encode()).hexdigest()[:length]
