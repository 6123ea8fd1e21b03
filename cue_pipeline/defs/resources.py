"""What assets need from outside: the settings, the cue folders and the warehouse.

The resource has no configuration of its own, because Dagster shows resource configuration in its
UI and the database URL may hold a password. It reads the settings of the process instead.
"""

import dagster as dg
from pydantic import PrivateAttr

from cue_pipeline.errors import CueError
from cue_pipeline.library.cue_run import CueLook
from cue_pipeline.settings import Settings, read_settings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline.warehouse.store import Store


class CueLibrary(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The library of cues: where their folders are, and the warehouse they go to.

    Dagster makes one of these for each run, in which all its assets are made, and with it one look
    at the cue's folder; a process that makes one asset of a run has a look of its own.
    """

    _looks: dict[str, CueLook] = PrivateAttr(default_factory=dict)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Begin a run: nothing has been looked at."""
        self._looks.clear()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """End a run: forget what was seen."""
        self._looks.clear()

    @property
    def settings(self) -> Settings:
        """Settings of this process."""
        return read_settings()

    @property
    def store(self) -> Store:
        """The warehouse of this process, opened once and kept."""
        return open_store(self.settings.database_url.get_secret_value())

    def look(self, cue_key: str) -> CueLook:
        """Return this run's look at a cue's folder.

        Raises
        ------
        CueError
            If the cue was never registered.
        """
        if cue_key in self._looks:
            return self._looks[cue_key]
        cue = self.store.cue(cue_key)
        if cue is None:
            raise CueError(
                f"Cue {cue_key!r} is a partition in Dagster but not in the warehouse. Run "
                "`cue-pipeline process BASE_DIR` on the folder that holds it, with the same "
                "DATABASE_URL, and it is registered."
            )
        self._looks[cue_key] = CueLook(cue, self.store, self.settings)
        return self._looks[cue_key]
