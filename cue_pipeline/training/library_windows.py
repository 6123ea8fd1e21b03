"""Windows of a library, by the URL of its database, or of a pack."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from cue_pipeline.training import windows as of_packs
from cue_pipeline.training.windows.fields import OF_FEATURES, OF_SCORE
from cue_pipeline.training.windows.whole_cues import CueSource
from cue_pipeline.training.windows.windowed import DEFAULT_FIELDS, refuse_other_kinds

if TYPE_CHECKING:
    from cue_pipeline.training.tables_source import TablesSource


class Windows(of_packs.Windows):
    """Windows of one length over the stems of a library or a pack; made by :meth:`open`.

    All else is as for :class:`cue_pipeline.training.windows.Windows`.
    """

    @classmethod
    def open(
        cls,
        url_or_pack: str | os.PathLike[str],
        /,
        *,
        split: str | None = None,
        cues: Collection[str] | None = None,
        seconds: float = 10.0,
        hop: float | None = None,
        fields: Sequence[str] = DEFAULT_FIELDS,
        profile: str | None = None,
        controllers: Sequence[int] | None = None,
        root: str | os.PathLike[str] | None = None,
        of: Literal["stem", "cue"] = "stem",
        max_stems: int = 16,
        include_changed: bool = False,
        **options: Any,
    ) -> Self:
        """Open a library, or a pack that was made of one.

        Parameters
        ----------
        url_or_pack : str or path
            Of the database, as ``DATABASE_URL`` takes it, or the folder of a pack.
        split : str, optional
            Only stems of cues of this split, which `cue-pipeline splits make` has made.
        cues : collection of str, optional
            Only stems of these cues.
        seconds : float
            Length of a window.
        hop : float, optional
            Seconds from the beginning of one to that of the next; half a window otherwise.
        fields : sequence of str
            See ``docs/training.md``.
        profile : str, optional
            Which mel: ``default`` of a library. A pack has one.
        controllers : sequence of int, optional
            MIDI controllers that ``cc`` has.
        root : path, optional
            Where the cues' folders are now, if the library has moved.
        of : {"stem", "cue"}
            What a window is of. Of a cue: all fields but ``mel`` and features, of all its stems, on
            one clock.
        max_stems : int
            Places for stems in a window of a cue.
        include_changed : bool
            With ``audio`` or ``mix``: take cues whose files changed after their rows were made.
            They are in ``left_out`` otherwise, and a warning says how many.
        **options
            ``empty``, ``sample_rate``, ``channels``: see
            :class:`cue_pipeline.training.windows.Windows`.

        Raises
        ------
        CuePipelineError
            If there is no such library or pack, or it does not hold what is asked for.
        """
        shape = {"seconds": seconds, "hop": hop, "fields": fields, **options}
        refuse_other_kinds(of)
        if "://" not in os.fspath(url_or_pack):
            found: Self = super().open(
                url_or_pack,
                split=split,
                cues=cues,
                controllers=controllers,
                of=of,
                max_stems=max_stems,
                **shape,
            )
            return found
        from cue_pipeline.reading import open_library
        from cue_pipeline.training.tables_source import DEFAULT_CONTROLLERS, TablesSource

        source = TablesSource(
            open_library(os.fspath(url_or_pack), root),
            profile=profile or "default",
            split=split,
            cues=cues,
            controllers=DEFAULT_CONTROLLERS if controllers is None else controllers,
            features=[name for name in fields if name.startswith(OF_FEATURES)],
            scores=not OF_SCORE.isdisjoint(fields) or options.get("empty", 1.0) < 1.0,
            mixes="mix" in fields,
            sounds=not {"audio", "mix"}.isdisjoint(fields),
            include_changed=include_changed,
        )
        _warn(source)
        if of == "cue":
            whole = CueSource(source, max_stems)
            return cls(
                whole,
                left_out=whole.left_out,
                doubts=source.doubts,
                max_stems=max_stems,
                **shape,
            )
        return cls(
            source,
            left_out=source.left_out,
            doubts=source.doubts,
            features=source.features,
            **shape,
        )


def _warn(source: TablesSource) -> None:
    """Say which cues' files are others than when their rows were made, or may be."""
    from cue_pipeline.library.made_of import CHANGED

    changed = [left for left in source.left_out if left[2].startswith(CHANGED)]
    if changed:
        key, _, why = changed[0]
        more = f" So are {len(changed) - 1:,} more: see `left_out`." if len(changed) > 1 else ""
        warnings.warn(
            f"Cue '{key}' has no windows: {why}.{more} Run `cue-pipeline process BASE_DIR`.",
            stacklevel=3,
        )
    for doubt in source.doubts:
        warnings.warn(doubt, stacklevel=3)
