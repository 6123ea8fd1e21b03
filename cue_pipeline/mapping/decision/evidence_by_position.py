"""The rows of ``match_evidence`` as matrices by position of track and group."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

    Scores = NDArray[np.float64]
    Told = NDArray[np.bool_]


# A partial correlation of which nothing can be concluded.
_LEAST_EXPLAINED: Final = 0.05


# Two sets of notes never measure the same in all of these.
_MEASURED: Final = ("score", "onset_score", "activity_score", "level_db")


# The score of a group that is silent while the track is heard in others.
_SILENT_GROUP: Final = 0.05


def evidence_matrix(
    evidence: "DataFrame | None", tracks: "DataFrame", groups: "DataFrame"
) -> "Scores | None":
    """Return the evidence's scores by position.

    Parameters
    ----------
    evidence : DataFrame or None
        Rows of ``match_evidence``.
    tracks, groups : DataFrame
        Column ``id``, in the order of the positions.

    Returns
    -------
    np.ndarray, shape=(n_tracks, n_groups), or None
        0…1; NaN where the ear abstained on the track; None without any evidence.
    """
    import numpy as np

    if evidence is None or evidence.empty:
        return None
    matrix = _by_position(evidence, "score", tracks, groups)
    # A group that is silent while the track's other groups are heard does not hold it.
    heard = ~np.isnan(matrix).all(axis=1, keepdims=True)
    return np.where(np.isnan(matrix) & heard, _SILENT_GROUP, matrix)


def firmness_matrix(
    evidence: "DataFrame | None", tracks: "DataFrame", groups: "DataFrame"
) -> "Scores | None":
    """Return how much of each group a track explains beside the track that explains most of it.

    Returns
    -------
    np.ndarray, shape=(n_tracks, n_groups), or None
        0…1, ratios of the partial correlation of level band by band, of the whole level for
        drums; NaN where it was not measured; None without any such column.
    """
    import numpy as np

    if evidence is None or not {"pitch_score", "activity_score"} <= set(evidence):
        return None
    by_band = _by_position(evidence, "pitch_score", tracks, groups)
    whole = _by_position(evidence, "activity_score", tracks, groups)
    alone = np.where(np.isnan(by_band), whole, by_band)
    most = np.nan_to_num(alone, nan=0.0).max(axis=0, initial=0.0)
    beside: Scores = alone / np.maximum(most, _LEAST_EXPLAINED)
    return beside


def heard_alike(
    evidence: "DataFrame | None", tracks: "DataFrame", groups: "DataFrame"
) -> list[list[int]]:
    """Return, for each track, the others of its file that sound measured just as it did.

    Tracks with the same notes are heard as one voice: which of them is in a group, or whether all
    are, the ear does not know.

    Returns
    -------
    list of list of int, length n_tracks
        Positions; empty where the ear abstained.
    """
    import numpy as np

    files = tracks["midi_file_id"].tolist()
    out: list[list[int]] = [[] for _ in files]
    if evidence is None or not set(_MEASURED) <= set(evidence):
        return out
    values = np.stack([_by_position(evidence, name, tracks, groups) for name in _MEASURED])
    keys = [(file, values[:, i].tobytes()) for i, file in enumerate(files)]
    for i, key in enumerate(keys):
        if not np.isnan(values[0, i]).all():
            out[i] = [j for j, other in enumerate(keys) if j != i and other == key]
    return out


def clock_doubts(evidence: "DataFrame | None", tracks: "DataFrame") -> dict[int, str]:
    """Return why a track's times are in doubt, by the files or by the sound.

    Returns
    -------
    dict of int to str
        By position; tracks whose clock is not in doubt are not in it.
    """
    by_sound: dict[int, object] = {}
    if evidence is not None and "clock_doubt" in evidence:
        told = evidence[evidence["clock_doubt"].notna()]
        by_sound = dict(zip(told["midi_track_id"], told["clock_doubt"], strict=True))
    by_files = tracks["clock_doubt"] if "clock_doubt" in tracks else [None] * len(tracks)
    doubts = {}
    for i, (key, of_files) in enumerate(zip(tracks["id"], by_files, strict=True)):
        doubt = of_files if isinstance(of_files, str) else by_sound.get(int(key))
        if isinstance(doubt, str):
            doubts[i] = doubt
    return doubts


def _by_position(
    evidence: "DataFrame", column: str, tracks: "DataFrame", groups: "DataFrame"
) -> "Scores":
    import numpy as np

    track_at = {int(key): i for i, key in enumerate(tracks["id"])}
    group_at = {int(key): i for i, key in enumerate(groups["id"])}
    matrix = np.full((len(tracks), len(groups)), np.nan)
    values = evidence[column].astype("float64")
    for track, group, value in zip(
        evidence["midi_track_id"], evidence["audio_file_id"], values, strict=True
    ):
        row, position = track_at.get(int(track)), group_at.get(int(group))
        if row is not None and position is not None:
            matrix[row, position] = value
    return matrix
