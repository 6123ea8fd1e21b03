"""Ids that the client derives from natural keys.

The same input gives the same id on every engine and every rerun, so no sequence and no
round trip is needed and a re-materialised cue keeps its ids.
"""

import hashlib


def row_id(*natural_key: str | int) -> int:
    """Return a 63-bit id of a natural key.

    Parameters
    ----------
    *natural_key : str or int
        The table's name first, then the key, from the outside in: for a track
        ``("midi_tracks", cue_key, file_path, track_index)``.

    Returns
    -------
    int
        ``0 <= id < 2**63``: the first 8 bytes of a SHA-256, big-endian, shifted right by one.
        The parts are joined by NUL, which no key can hold.

    Examples
    --------
    >>> row_id("cues", "Reel 1/1m02") == row_id("cues", "Reel 1/1m02")
    True
    """
    text = "\0".join(str(part) for part in natural_key)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
