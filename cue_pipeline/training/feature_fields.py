"""Fields of windows that are features of the sound beside mel: ``feature.chroma``, …."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.errors import TrainingError
from cue_pipeline.training.windows.fields import OF_FEATURES

if TYPE_CHECKING:
    from cue_pipeline.training.windows.grid import Grid
    from cue_pipeline.warehouse.frame_batches import Feature, Wanted
    from cue_pipeline.warehouse.stem_index import StemIndex, StemRow
    from cue_pipeline.warehouse.store import Store

LeftOut = tuple[str, str | None, str]


class FeatureFields:
    """Features of stems that stand on the frames of their mel.

    Parameters
    ----------
    store : Store
    assets : mapping of str to str
        Field → asset, as :func:`assets_of` gives them.
    grid : Grid
        That of the mel.
    index : StemIndex
        With the ledger of these assets.

    Attributes
    ----------
    shapes : dict of str to (int, str)
        Field → columns of a frame, and their NumPy type as it is stored.
    silence : dict of str to float
        Field → what stands for silence.

    Raises
    ------
    TrainingError
        If no stem has a feature of that kind, or its frames are not those of the mel.
    """

    def __init__(
        self, store: Store, assets: Mapping[str, str], grid: Grid, index: StemIndex
    ) -> None:
        self.shapes: dict[str, tuple[int, str]] = {}
        self.silence: dict[str, float] = {}
        self._of: dict[str, dict[int, tuple[Feature, int]]] = {}
        self._lacking: dict[tuple[str, int], str] = {}
        for field, asset in assets.items():
            self._find(store, field, asset, grid, index)

    def _find(self, store: Store, field: str, asset: str, grid: Grid, index: StemIndex) -> None:
        from cue_pipeline.warehouse.features import MEL_ASSETS
        from cue_pipeline.warehouse.frame_batches import Feature
        from cue_pipeline.warehouse.stem_index import read_stem_rows

        kind = field.removeprefix(OF_FEATURES)
        mel = MEL_ASSETS["stem"]
        ready = {
            key: states[asset][2]
            for key, states in index.states.items()
            if states.get(asset, ("",))[0] == "ready"
        }
        mixed = {key for key in ready if index.made_of[key][asset] != index.made_of[key].get(mel)}
        rows = [row for row in read_stem_rows(store, "default", kind) if row.cue_key in ready]
        if not rows:
            raise TrainingError(
                f"No stem has the feature '{kind}' of its mono composite, so there is no field "
                f"'{field}'. Name it in CUE_FEATURES and run `cue-pipeline process BASE_DIR`."
            )
        measures = [_measure(row) for row in rows]
        ((most, _),) = Counter(measures).most_common(1)
        one = rows[measures.index(most)]
        _refuse_other_frames(field, one, grid)
        self.shapes[field] = one.n_mels, one.dtype
        self.silence[field] = float(one.settings["silence"])
        frame_bytes = one.n_mels * np.dtype(one.dtype).itemsize
        self._of[field] = {}
        for row, measure in zip(rows, measures, strict=True):
            if row.cue_key in mixed:
                self._lacking[field, row.audio_file_id] = (
                    f"'{asset}' was made of other files than its mel; `cue-pipeline process` with "
                    f"'{kind}' in CUE_FEATURES makes it again"
                )
                continue
            if measure != most:
                why = f"its {kind} was made otherwise than that of most stems"
                self._lacking[field, row.audio_file_id] = why
                continue
            feature = Feature(
                row.cue_key, row.cue_id, row.feature_id, frame_bytes,
                ready[row.cue_key], asset,  # type: ignore[arg-type]
            )  # fmt: skip
            self._of[field][row.audio_file_id] = feature, row.n_frames

    def of_stems(self, stems: Sequence[StemRow]) -> tuple[list[StemRow], list[LeftOut]]:
        """Return the stems that have all features, and what is left out for want of one.

        Raises
        ------
        TrainingError
            If none has.
        """
        kept: list[StemRow] = []
        left_out: list[LeftOut] = []
        for stem in stems:
            field = next((f for f, of in self._of.items() if stem.audio_file_id not in of), None)
            if field is None:
                kept.append(stem)
                continue
            why = self._lacking.get((field, stem.audio_file_id), f"it has no field '{field}'")
            left_out.append((stem.cue_key, stem.name, why))
        if stems and not kept:
            raise TrainingError(
                f"No stem has all of the fields {', '.join(self._of)}: of '{left_out[0][0]}', "
                f"{left_out[0][2]}."
            )
        return kept, left_out

    def wanted(
        self, field: str, stems: Sequence[int], firsts: Sequence[int], out: NDArray[Any]
    ) -> list[Wanted]:
        """Return what is to be read of some stems; what lies beyond their ends is filled in."""
        from cue_pipeline.warehouse.frame_batches import Wanted

        found, n = [], out.shape[1]
        for row, (stem, first) in enumerate(zip(stems, firsts, strict=True)):
            feature, n_frames = self._of[field][stem]
            last = min(first + n, n_frames)
            there = out[row, : max(0, last - first)]
            if len(there):
                into = memoryview(there.reshape(-1).view(np.uint8))
                found.append(Wanted(feature, first, last, into))
            out[row, len(there) :] = self.silence[field]
        return found

    def n_frames(self, field: str, stem: int) -> int:
        """Return how many frames a stem has."""
        return self._of[field][stem][1]

    def told(self, stems: Iterable[int]) -> list[Any]:
        """Return when the features of some stems were written."""
        known = list(stems)
        return [
            (field, [of[stem][0].written_at for stem in known]) for field, of in self._of.items()
        ]


def assets_of(fields: Iterable[str]) -> dict[str, str]:
    """Return the asset of each field ``feature.KIND``, of the kinds of ``CUE_FEATURES``.

    Raises
    ------
    TrainingError
        If one is not of the signal that fields are of.
    """
    from cue_pipeline.audio.features.kind import asset_of

    found = {}
    for field in fields:
        kind = field.removeprefix(OF_FEATURES)
        _refuse_other_signals(field, kind)
        found[field] = asset_of(kind)
    return found


def _measure(row: StemRow) -> tuple[Any, ...]:
    shape = (row.sample_rate, row.hop_length, row.n_mels, row.dtype)
    return (*shape, *sorted((k, str(v)) for k, v in row.settings.items()))


def _refuse_other_signals(field: str, kind: str) -> None:
    """Refuse what is not of the mono composite, however the library is processed."""
    from cue_pipeline.audio.features.downmix import PREFIX
    from cue_pipeline.audio.features.shipped import SHIPPED, load_shipped

    if kind == "mel":
        raise TrainingError(f"There is no field '{field}': the mel is the field 'mel'.")
    if kind not in SHIPPED:
        return
    if kind.startswith(PREFIX):
        of, channel = "the two channels of a stereo downmix", ", channel=…"
    elif load_shipped(kind).hears == "channels":
        of, channel = "all channels of a sound together", ""
    else:
        return
    raise TrainingError(
        f"There is no field '{field}': fields are of the mono composite, as the mel is, and "
        f"'{kind}' is of {of}. Read it by `stem.feature('{kind}'{channel}).window(start, end)`."
    )


def _refuse_other_frames(field: str, row: StemRow, grid: Grid) -> None:
    frames = (row.sample_rate, row.hop_length, int(row.settings["first_frame_at"]))
    if frames != (grid.sample_rate, grid.hop_length, grid.centre):
        raise TrainingError(
            f"Frames of '{field}' are {row.hop_length} samples apart at {row.sample_rate} Hz, and "
            f"those of the mel {grid.hop_length} at {grid.sample_rate} Hz: a window has one clock. "
            f"Read it by `stem.feature('{field.removeprefix(OF_FEATURES)}').window(start, end)`."
        )
