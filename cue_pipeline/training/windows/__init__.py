"""Aligned windows of sound and score, and the packs that they are read from: NumPy only.

This package is also the wheel ``cue-pipeline-pack``, in which it is called ``cue_pipeline_pack``
and stands alone: it imports NumPy and the standard library, torch when it is asked for tensors, and
nothing of the pipeline.
"""

from .epoch import Batches
from .fields import FIELDS
from .refusal import WindowsError
from .windowed import Where, Windows

__all__ = ["FIELDS", "Batches", "Where", "Windows", "WindowsError"]
