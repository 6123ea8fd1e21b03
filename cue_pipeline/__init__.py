"""Turn film-scoring sessions into relational training data, with Dagster.

:func:`open_library` is the way in for those who read the tables from Python; see
``docs/reading.md``. What it needs is imported when it is first asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cue_pipeline.reading import Cue, Library, Mel, Mix, Stem, Tempo, open_library

__all__ = ["Cue", "Library", "Mel", "Mix", "Stem", "Tempo", "open_library"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from cue_pipeline import reading

        return getattr(reading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
