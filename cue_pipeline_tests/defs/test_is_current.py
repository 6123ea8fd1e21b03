"""The check ``is_current`` says in the UI which cues are stale and why, once for each change."""

import dagster as dg
import pytest

from cue_pipeline.defs.is_current import IS_CURRENT, TELL_STATES
from cue_pipeline.defs.sensors import STATES_SENSOR
from cue_pipeline.library.graph import GRAPH
from cue_pipeline.library.verdicts import read_verdict
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.deciding import decide
from cue_pipeline_tests.defs.test_sensors import Library, workplace  # noqa: F401 - a fixture

KEY = "Reel 1/1m01"


class Told(Library):
    """A library of which the UI is told, as the daemon would."""

    states_cursor: str | None = None

    def told(self, *, look=True):
        """Look at the folders and then at the states; return what is told, by cue."""
        if look:
            self.look()
        sensor = self.defs.resolve_sensor_def(STATES_SENSOR)
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.states_cursor, definitions=self.defs,
            resources={"library": self.defs.resources["library"]},
        ) as context:  # fmt: skip
            result = sensor(context)
        if isinstance(result, dg.SkipReason):
            return {}
        self.states_cursor = result.cursor
        said = {}
        for request in result.run_requests or ():
            run = self.defs.resolve_job_def(TELL_STATES).execute_in_process(
                run_config=request.run_config, instance=self.instance
            )
            for event in run.get_asset_check_evaluations():
                assert event.asset_check_key == IS_CURRENT
                said[event.partition] = event.description if not event.passed else ""
        return said

    def under(self, monkeypatch, **settings):
        """The same library under other settings."""
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        other = Told(self.root, self.instance)
        other.cursor, other.states_cursor = self.cursor, self.states_cursor
        return other


@pytest.fixture
def library(workplace):  # noqa: F811 - the fixture of that name
    with dg.DagsterInstance.ephemeral() as instance:
        made = Told(workplace / "library", instance)
        write_cue(made.root, KEY)
        made.run(made.look_until_asked())
        yield made


def test_a_cue_is_told_once_when_it_is_current_and_once_when_it_is_not(library, monkeypatch):
    assert library.told() == {KEY: ""}
    assert library.told() == {}
    changed = library.under(monkeypatch, CUE_MEL_N_MELS="32")
    told = changed.told()[KEY].splitlines()
    assert told[0].startswith("mel_features is stale: a CUE_MEL_… setting or CUE_SAMPLE_RATE chan")
    assert "match_evidence is stale: mel_features and final_mix_features changed since" in told
    assert not any(line.startswith("tempo_map") for line in told)
    assert changed.told() == {}
    assert changed.under(monkeypatch, CUE_MEL_N_MELS="64").told() == {KEY: ""}


def test_a_persons_decision_makes_a_cue_stale_until_it_is_followed(library):
    library.told()
    decide(library.store, KEY, "Violins I", "-", None, by="Ann")
    stale = "llm_mappings is stale: mapping_overrides changed since: people decided"
    assert library.told() == {KEY: stale}
    library.run({KEY: {"llm_mappings"}})
    assert library.told() == {KEY: ""}


def test_a_cue_that_is_renamed_is_told_under_its_new_name(library):
    library.told()
    (library.root / KEY).rename(library.root / "Reel 1/1m09")
    library.look()
    assert library.told() == {"Reel 1/1m09": ""}


def test_what_is_being_made_is_not_told_as_lacking(library):
    library.told()
    decide(library.store, KEY, "Violins I", "-", None, by="Ann")
    run = library.instance.create_run_for_job(
        library.defs.resolve_job_def("process_cue"), tags={"dagster/partition": KEY},
        status=dg.DagsterRunStatus.STARTED,
    )  # fmt: skip
    assert library.told() == {}
    library.instance.report_run_failed(run)
    assert "people decided" in library.told()[KEY]


def test_after_the_cursor_is_reset_all_is_told_anew(library):
    assert library.told()
    library.states_cursor = '{"seen": {}, "asked": {}, "told": "", "epoch": "of before"}'
    assert library.told() == {KEY: ""}


def test_the_check_may_be_executed_by_hand_and_the_sensor_has_the_last_word(library):
    library.told()
    job = library.defs.resolve_job_def("process_cue")
    result = job.execute_in_process(
        partition_key=KEY, asset_selection=[dg.AssetKey("llm_mappings")], instance=library.instance
    )
    (verdict,) = [e for e in result.get_asset_check_evaluations() if e.check_name == "is_current"]
    assert (verdict.passed, verdict.partition) == (True, KEY)
    assert library.told() == {KEY: ""}


def test_what_a_run_is_yet_to_make_is_no_news_in_it_and_what_it_leaves_is(library):
    """The check's step comes before ``final_mix_features`` in some runs of all assets."""
    midi = next((library.root / KEY / "MIDI").iterdir())
    midi.write_bytes(midi.read_bytes() + b"\0")
    store = library.defs.resources["library"].store
    settings = library.defs.resources["library"].settings
    assert "tempo_map is stale" in read_verdict(store, settings, KEY, ["llm_mappings"])
    assert read_verdict(store, settings, KEY, GRAPH) == ""


def test_a_run_that_the_sensor_asks_for_has_no_step_for_it(library):
    midi = next((library.root / KEY / "MIDI").iterdir())
    midi.write_bytes(midi.read_bytes() + b"\0")
    library.look()
    with dg.build_sensor_context(
        instance=library.instance, cursor=library.cursor, definitions=library.defs,
        resources={"library": library.defs.resources["library"]},
    ) as context:  # fmt: skip
        (request,) = library.sensor(context).run_requests
    assert "nothing_awaits_review" in {key.name for key in request.asset_check_keys}
    assert IS_CURRENT not in request.asset_check_keys


def test_without_a_watched_folder_the_folders_of_registered_cues_are_looked_at(
    library, monkeypatch
):
    alone = library.under(monkeypatch, CUE_ROOT="")
    assert alone.told(look=False) == {KEY: ""}
    midi = next((library.root / KEY / "MIDI").iterdir())
    midi.write_bytes(midi.read_bytes() + b"\0")
    assert "tempo_map is stale: midi files changed since" in alone.told(look=False)[KEY]
    assert alone.store.cue(KEY).is_latest
