"""Does the mix equal the sum of its stems? What is left of the one without the other, in dB."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cue_pipeline.audio.channel_groups import ChannelGroup


@dataclass(frozen=True, slots=True)
class Residual:
    """What is left of a mix when its stems are taken away.

    Attributes
    ----------
    residual_db : float or None
        Power of the rest re power of the mix, dB; None where it was not computed.
    method : str
        How it was computed, or why not.
    """

    residual_db: float | None
    method: str

    def as_json(self) -> dict[str, Any]:
        """Return the ``residual`` column."""
        return {"method": self.method}


def measure_residual(folder: Path, mix: ChannelGroup, stems: Sequence[ChannelGroup]) -> Residual:
    """Return how far a mix is from the sum of its stems."""
    del folder, mix
    if not stems:
        return Residual(None, "not computed: the cue has no stems")
    return Residual(None, "not computed")
