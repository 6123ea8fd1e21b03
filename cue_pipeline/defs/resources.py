"""What assets need from outside: the settings, the cue folders and the warehouse.

The resource has no configuration of its own, because Dagster shows resource configuration in its
UI and the database URL may hold a password. It reads the settings of the process instead.
"""

from pathlib import Path

import dagster as dg

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.errors import CueError
from cue_pipeline.settings import Settings, read_settings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline.warehouse.store import Store


class CueLibrary(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The library of cues: where their folders are, and the warehouse they go to."""

    @property
    def settings(self) -> Settings:
        """Settings of this process."""
        return read_settings()

    @property
    def store(self) -> Store:
        """The warehouse of this process, opened once and kept."""
        return open_store(self.settings.database_url.get_secret_value())

    def folder(self, cue_key: str) -> CueFolder:
        """Return a cue's folder as it is on disk now.

        Raises
        ------
        CueError
            If the cue was never registered or its folder is gone.
        """
        from cue_pipeline.cue.scan import read_cue_folder

        cue = self.store.cue(cue_key)
        if cue is None:
            raise CueError(
                f"Cue {cue_key!r} is a partition in Dagster but not in the warehouse. Run "
                "`cue-pipeline process BASE_DIR` on the folder that holds it, with the same "
                "DATABASE_URL, and it is registered."
            )
        return read_cue_folder(Path(cue.root), cue_key)
