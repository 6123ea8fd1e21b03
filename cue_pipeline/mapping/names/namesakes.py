"""Tracks that are called alike: which of them is which stem, their names do not say.

Two tracks named ``Violin`` and the stems ``Violin`` and ``Violin 2``: letter by letter both fit
the first better, but only one of them is it. And where several tracks name one stem's instrument,
names do not say whether all of them are in it.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Final

from cue_pipeline.mapping.names.fit import SAME_INSTRUMENT
from cue_pipeline.mapping.names.parsing import read_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

_FEWEST: Final = 2


def _members(names: Sequence[str], files: Sequence[Hashable]) -> list[list[int]]:
    of_key: defaultdict[Hashable, list[int]] = defaultdict(list)
    keys: list[Hashable] = []
    for i, (name, file) in enumerate(zip(names, files, strict=True)):
        words = read_name(name).words
        keys.append((file, words) if words else (file, i))
        of_key[keys[-1]].append(i)
    return [of_key[key] for key in keys]


def level_namesakes(fits: "Scores", names: Sequence[str], files: Sequence[Hashable]) -> "Scores":
    """Return name fits in which namesakes fit all groups of their instrument equally.

    Parameters
    ----------
    fits : np.ndarray, shape=(n_tracks, n_groups)
        0…1.
    names : sequence of str, length n_tracks
    files : sequence, length n_tracks
        The MIDI file of each track: tracks of two files may well be the same music.
    """
    levelled = fits.copy()
    for i, members in enumerate(_members(names, files)):
        same = fits[i] >= SAME_INSTRUMENT
        if len(members) >= _FEWEST and same.sum() >= _FEWEST:
            levelled[i, same] = fits[i, same].max()
    return levelled


def crowded(fits: "Scores", files: Sequence[Hashable]) -> "NDArray[np.bool_]":
    """Return which tracks' names say a group that other tracks of their file say as well.

    'Vln leg' and 'Vln spicc' may both be in 'VLN', or one of them in the strings' stem, or nowhere;
    and of the stems 'Bones' and 'Trombones' either may be either's: that names cannot tell.

    Returns
    -------
    np.ndarray of bool, shape=(n_tracks,)
    """
    import numpy as np

    says = fits >= SAME_INSTRUMENT
    common = says.astype(int) @ says.T.astype(int) > 0
    numbers = {f: i for i, f in enumerate(dict.fromkeys(files))}
    file = np.array([numbers[f] for f in files])
    common &= file[:, None] == file[None, :]
    np.fill_diagonal(common, val=False)
    out: NDArray[np.bool_] = common.any(axis=1)
    return out
