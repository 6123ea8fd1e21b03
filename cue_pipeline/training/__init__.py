"""What a library is trained on: aligned windows, and data sets on disk.

:class:`Windows` is the way in; see ``docs/training.md``. It is imported when it is first asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cue_pipeline.training.library_windows import Windows

__all__ = ["Windows"]


def __getattr__(name: str) -> Any:
    if name == "Windows":
        from cue_pipeline.training import library_windows

        return library_windows.Windows
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
