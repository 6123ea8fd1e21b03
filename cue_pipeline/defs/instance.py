"""The Dagster instance that the command line and the UI share."""

import os
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
        Path(home).mkdir(parents=True, exist_ok=True)
        return dg.DagsterInstance.get()
    if (working_directory / "dagster.yaml").is_file():
        return dg.DagsterInstance.from_config(str(working_directory))
    made = working_directory / HOME_NAME
    made.mkdir(exist_ok=True)
    if not (made / "dagster.yaml").exists():
        (made / "dagster.yaml").write_text(DEFAULT_DAGSTER_YAML, encoding="utf-8")
    return dg.DagsterInstance.from_config(str(made))
