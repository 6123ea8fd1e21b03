"""Windows of a library, by the URL of its database, or of a pack."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

from cue_pipeline.training import windows as of_packs
from cue_pipeline.training.windows.fields import FIELDS, checked_fields
from cue_pipeline.training.windows.windowed import DEFAULT_FIELDS


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
        seconds: float = 10.0,
        hop: float = 5.0,
        fields: Sequence[str] = DEFAULT_FIELDS,
        profile: str | None = None,
        controllers: Sequence[int] | None = None,
        root: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> Self:
        """Open a library, or a pack that was made of one.

        Parameters
        ----------
        url_or_pack : str or path
            Of the database, as ``DATABASE_URL`` takes it, or the folder of a pack.
        split : str, optional
            Only stems of cues of this split, which `cue-pipeline splits make` has made.
        seconds, hop : float
            Length of a window, and from the beginning of one to that of the next.
        fields : sequence of str
            See ``docs/training.md``.
        profile : str, optional
            Which mel: ``default`` of a library. A pack has one.
        controllers : sequence of int, optional
            MIDI controllers that ``cc`` has.
        root : path, optional
            Where the cues' folders are now, if the library has moved.
        **options
            ``empty``, ``sample_rate``, ``channels``: see
            :class:`cue_pipeline.training.windows.Windows`.

        Raises
        ------
        CuePipelineError
            If there is no such library or pack, or it does not hold what is asked for.
        """
        shape = {"seconds": seconds, "hop": hop, "fields": fields, **options}
        if "://" not in os.fspath(url_or_pack):
            found: Self = super().open(url_or_pack, split=split, controllers=controllers, **shape)
            return found
        from cue_pipeline.reading import open_library
        from cue_pipeline.training.tables_source import DEFAULT_CONTROLLERS, TablesSource

        source = TablesSource(
            open_library(os.fspath(url_or_pack), root),
            profile=profile or "default",
            split=split,
            controllers=DEFAULT_CONTROLLERS if controllers is None else controllers,
            scores=any(FIELDS[name].of_score for name in checked_fields(fields))
            or options.get("empty", 1.0) < 1.0,
        )
        return cls(source, left_out=source.left_out, **shape)
