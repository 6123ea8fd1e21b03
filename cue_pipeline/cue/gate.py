"""What of a library may be opened: files on a disk, in the library or where links may lead.

Whoever can write into a library can put a link there to anything that its reader may read. So a
link that leads out of the library is followed only to the folders that ``CUE_LINKS_TO`` names; what
the system shows as files (``/proc``, ``/sys``) and what is none (pipes, sockets, devices) is never
opened. What is refused is left out, and told.
"""

import os
import stat
from functools import lru_cache
from io import BufferedReader
from pathlib import Path

from cue_pipeline.cue.shown import shown_path

_KINDS = {
    stat.S_IFIFO: "a pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}
_OF_THE_SYSTEM = ("/proc", "/sys")


def why_not_followed(link: str | Path, root: Path) -> str | None:
    """Return why a link in a library is not followed; None where it may be.

    Parameters
    ----------
    link : str or Path
        A link, or what lies behind one.
    root : Path
        The library's base folder.

    Returns
    -------
    str or None
        Of the form "it is a link …", with what to do.
    """
    target = os.path.realpath(link)
    if _is_within(target, os.path.realpath(root)):
        return None
    if any(_is_within(target, os.path.realpath(place)) for place in _allowed()):
        return None
    return (
        f"it is a link out of the library, to '{shown_path(target)}'. Copy it here, or name the "
        "folder that it leads to in CUE_LINKS_TO"
    )


def why_not_opened(status: os.stat_result) -> str | None:
    """Return what something is that is no file on a disk; None where it is one."""
    if not stat.S_ISREG(status.st_mode):
        return f"it is {_KINDS.get(stat.S_IFMT(status.st_mode), 'no file')}, not a file"
    if status.st_dev in _system_devices():
        return "it is a file of the system's own (/proc, /sys), not one on a disk"
    return None


def opened(path: str | Path) -> BufferedReader:
    """Open a file to read its bytes.

    Raises
    ------
    OSError
        If it cannot be opened, or is no file on a disk: a pipe is not waited for.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if refused := why_not_opened(os.fstat(descriptor)):
            raise OSError(0, refused)
        os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _allowed() -> tuple[Path, ...]:
    from cue_pipeline.settings import read_settings  # only where a link leads out

    return read_settings().links_to


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


@lru_cache(maxsize=1)
def _system_devices() -> frozenset[int]:
    devices = set()
    for place in _OF_THE_SYSTEM:
        try:
            devices.add(os.stat(place).st_dev)  # noqa: PTH116
        except OSError:
            continue
    return frozenset(devices)
