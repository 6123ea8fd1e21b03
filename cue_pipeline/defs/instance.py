"""The Dagster instance that the command line and the UI share."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from cue_pipeline.errors import SettingsError

HOME_NAME = ".dagster_home"

DEFAULT_DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
"""


def open_instance(working_directory: Path) -> dg.DagsterInstance:
    """Return the instance of ``DAGSTER_HOME`` if set, else the one under the working directory.

    Where the working directory has a ``dagster.yaml`` (a checkout), that file says where things
    are, as it does for ``dagster dev``; anywhere else ``.dagster_home/`` is made.

    Raises
    ------
    SettingsError
        If ``DAGSTER_HOME`` cannot be used.
    """
    home = os.environ.get("DAGSTER_HOME")
    if home:
        if not Path(home).is_absolute():
            raise SettingsError(
                f"DAGSTER_HOME is {home!r}, which is not an absolute path. Dagster needs one: "
                "write the whole path, or unset it to use .dagster_home/ here."
            )
        with _alone_in(Path(home)):
            return dg.DagsterInstance.get()
    made = working_directory / HOME_NAME
    with _alone_in(made):
        if (working_directory / "dagster.yaml").is_file():
            return dg.DagsterInstance.from_config(str(working_directory))
        if not (made / "dagster.yaml").exists():
            (made / "dagster.yaml").write_text(DEFAULT_DAGSTER_YAML, encoding="utf-8")
        return dg.DagsterInstance.from_config(str(made))


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make ``folder``, and let no other process of ours open an instance there meanwhile.

    Dagster 1.13 makes its SQLite files at the first opening. Two openings at once write the
    revision of one twice, and it can never be opened again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "opening.lock").open("ab") as lock:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
