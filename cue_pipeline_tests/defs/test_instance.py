"""The files that say how Dagster is run: each is loaded, and the services are really started."""

import configparser
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.test_utils import environ

from cue_pipeline.defs.instance import open_instance, records_kept_open
from cue_pipeline.defs.location import find_assets
from cue_pipeline.defs.runs.concurrency import MODEL_POOL, free_pools, make_pools
from cue_pipeline.defs.runs.launcher import WarmRunLauncher
from cue_pipeline.errors import SettingsError
from cue_pipeline.processes.liveness import WORKER_TAG
from cue_pipeline.settings import Settings
from cue_pipeline_tests.daemon import ROOT, Site, wait_until

DEPLOY = ROOT / "deploy"
SERVICES = ("code", "daemon", "webserver")


def read_yaml(path):
    return yaml.safe_load(path.read_text())


def unit(service):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(DEPLOY / "systemd" / f"cue-pipeline-{service}.service")
    return parser


def command_of(service):
    return shlex.split(unit(service)["Service"]["ExecStart"])


def test_the_instance_of_a_checkout_starts_runs_warm_and_one_a_cue(tmp_path):
    with Site(tmp_path).instance() as instance:
        assert isinstance(instance.run_launcher, WarmRunLauncher)
        assert instance.run_monitoring_enabled
        assert instance.run_retries_max_retries == 2
        assert not instance.run_retries_enabled or not instance.get_settings("run_retries").get(
            "retry_on_asset_or_op_failure"
        )
        queue = instance.get_concurrency_config().run_queue_config
        assert queue.max_concurrent_runs == 2
        assert queue.tag_concurrency_limits[0]["key"] == "dagster/partition"
        assert not instance.telemetry_enabled
        assert instance.global_op_concurrency_default_limit == 4
        assert instance.run_monitoring_settings["free_slots_after_run_end_seconds"]


def test_an_instance_that_cannot_be_opened_is_one_line_that_says_why(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(DEPLOY / "postgres" / "dagster.yaml", home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.delenv("DAGSTER_POSTGRES_URL", raising=False)
    with pytest.raises(SettingsError, match='"DAGSTER_POSTGRES_URL" which is not set') as told:
        open_instance(tmp_path)
    assert "Stack" not in str(told.value)
    assert len(str(told.value).replace(str(home), "")) < 600

    taken = tmp_path / "taken"
    taken.write_text("a file where a folder is wanted")
    monkeypatch.setenv("DAGSTER_HOME", str(taken))
    with pytest.raises(SettingsError, match="nothing can be written: File exists"):
        open_instance(tmp_path)


def test_the_pool_that_the_model_has_is_limited_and_dead_runs_give_their_places_back(tmp_path):
    @dg.job
    def anything():
        pass

    (pool,) = {op.pool for asset in find_assets() for op in [asset.op] if op.pool}
    with Site(tmp_path).instance() as instance:
        storage = instance.event_log_storage
        assert pool == MODEL_POOL
        make_pools(instance)
        runs = [
            instance.create_run_for_job(anything, status=dg.DagsterRunStatus.STARTED)
            for _ in range(5)
        ]
        claims = [storage.claim_concurrency_slot(pool, run.run_id, "step") for run in runs]
        assert [claim.is_claimed for claim in claims] == [True] * 4 + [False]
        free_pools(instance)
        assert not storage.check_concurrency_claim(pool, runs[4].run_id, "step").is_claimed
        instance.report_run_failed(runs[0])
        free_pools(instance)
        assert storage.claim_concurrency_slot(pool, runs[4].run_id, "step").is_claimed


def test_both_instances_differ_in_storage_and_in_how_many_cues_run_at_once():
    here, there = read_yaml(ROOT / "dagster.yaml"), read_yaml(DEPLOY / "postgres" / "dagster.yaml")
    for name in ("storage", "compute_logs", "local_artifact_storage"):
        here.pop(name, None)
        there.pop(name, None)
    for config in (here, there):
        config["concurrency"]["runs"].pop("max_concurrent_runs")
    assert here == there


def test_a_run_is_recorded_in_postgresql(tmp_path, postgres_url):
    @dg.asset(partitions_def=dg.DynamicPartitionsDefinition(name="cues"))
    def anything():
        pass

    shutil.copy(DEPLOY / "postgres" / "dagster.yaml", tmp_path / "dagster.yaml")
    url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg2://", postgres_url)
    with environ({"DAGSTER_POSTGRES_URL": url}):
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            for _ in range(2):
                make_pools(instance)
            (pool,) = instance.event_log_storage.get_pool_limits()
            assert (pool.name, pool.limit) == (MODEL_POOL, 4)
            instance.add_dynamic_partitions("cues", ["Reel 1/1m01"])
            dg.materialize([anything], partition_key="Reel 1/1m01", instance=instance)
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            done = instance.get_materialized_partitions(dg.AssetKey("anything"))
            assert done == {"Reel 1/1m01"}


@pytest.mark.slow
def test_the_services_take_a_cue_from_its_folder_to_its_tables_on_postgresql(
    tmp_path, postgres_url
):
    """The commands of the units, as they stand but for paths and the port."""
    site = Site(tmp_path, (DEPLOY / "postgres" / "dagster.yaml").read_text())
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    workspace = (DEPLOY / "workspace.yaml").read_text().replace("4266", port)
    (tmp_path / "workspace.yaml").write_text(workspace)
    url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg2://", postgres_url)
    site.env |= {
        "DAGSTER_POSTGRES_URL": url,
        "DATABASE_URL": f"sqlite:///{tmp_path}/cue_pipeline.db",
        "CUE_PIPELINE_CODE_HOST": "127.0.0.1",
        "CUE_ROOT": str(site.base),
        "CUE_SETTLE_SECONDS": "0",
    }
    site.write_cues("Reel 1/1m01")

    def native(service):
        words = command_of(service)
        words = [str(Path(sys.executable).parent / Path(words[0]).name), *words[1:]]
        words = [port if word == "4266" else word for word in words]
        return [str(tmp_path / "workspace.yaml") if "workspace.yaml" in w else w for w in words]

    with ExitStack() as stack:
        code = subprocess.Popen(
            native("code"), cwd=tmp_path, env=site.environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(code.wait)
        stack.callback(lambda: site.killpg(code.pid, signal.SIGKILL))
        stack.enter_context(environ({"DAGSTER_POSTGRES_URL": url}))
        stack.enter_context(site.running(*native("daemon")))
        instance = stack.enter_context(site.instance())
        succeeded = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
        wait_until(lambda: instance.get_runs_count(succeeded), 240, "the cue has run")
        (run,) = instance.get_runs()
        assert run.tags["dagster/partition"] == "Reel 1/1m01"
        assert run.tags[WORKER_TAG]  # the warm launcher serves this set-up too
    assert set(site.states().values()) == {"ready"}


def test_every_service_is_wanted_by_the_target_and_reads_the_same_environment():
    target = (DEPLOY / "systemd" / "cue-pipeline.target").read_text()
    for service in SERVICES:
        assert f"cue-pipeline-{service}.service" in target
        section = unit(service)["Service"]
        assert section["EnvironmentFile"] == "/etc/cue-pipeline.env"
        assert section["WorkingDirectory"] == "/var/lib/cue-pipeline"
        assert section["Restart"] == "always"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_no_fault_with_the_units(tmp_path):
    for path in (DEPLOY / "systemd").glob("cue-pipeline*.[st]*"):
        if path.suffix in (".service", ".target"):
            text = re.sub(r"/opt/cue-pipeline/\.venv/bin/\S+", "/bin/true", path.read_text())
            (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.iterdir())],
        capture_output=True, text=True, env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, timeout=60,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "cue-pipeline" in line]
    assert not ours


def test_what_steps_printed_is_kept_for_thirty_days_where_dagster_puts_it(tmp_path):
    (rule,) = [
        line.split()
        for line in (DEPLOY / "systemd" / "cue-pipeline.tmpfiles.conf").read_text().splitlines()
        if not line.startswith("#")
    ]
    # 'e': what is in a directory goes by age, the directory stays (tmpfiles.d(5)).
    assert rule == ["e", "/var/lib/cue-pipeline/dagster/storage", "-", "-", "-", "30d"]
    shutil.copy(DEPLOY / "postgres" / "dagster.yaml", tmp_path / "dagster.yaml")
    logs = InstanceRef.from_dir(str(tmp_path)).compute_logs_data
    home = unit("daemon")["Service"]["WorkingDirectory"] + "/dagster"
    assert rule[1] == logs.config_dict["base_dir"].replace(str(tmp_path), home)


@pytest.mark.skipif(not shutil.which("systemd-tmpfiles"), reason="no systemd-tmpfiles here")
def test_systemd_clears_what_steps_printed_and_nothing_else(tmp_path):
    home = tmp_path / "var" / "lib" / "cue-pipeline" / "dagster"
    (home / "storage" / "run").mkdir(parents=True)
    for path in (home / "storage" / "run" / "step.out", home / "dagster.yaml"):
        path.touch()
    text = (DEPLOY / "systemd" / "cue-pipeline.tmpfiles.conf").read_text()
    for age, there in (("30d", True), ("0", False)):
        rule = tmp_path / "rule.conf"
        rule.write_text(text.replace(" 30d", f" {age}"))
        done = subprocess.run(
            ["systemd-tmpfiles", "--clean", f"--root={tmp_path}", str(rule)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert (home / "storage" / "run").exists() == there
        assert (home / "storage").is_dir()
        assert (home / "dagster.yaml").is_file()


def test_the_containers_run_the_commands_of_the_services():
    compose = read_yaml(DEPLOY / "docker" / "compose.yaml")
    for service in SERVICES:
        words = shlex.split(compose["services"][service]["command"])
        native = command_of(service)
        native[0] = Path(native[0]).name
        assert [w for w in words if w != "0.0.0.0"] == [w for w in native if w != "127.0.0.1"]


def test_the_image_copies_what_is_there_and_sets_what_is_known():
    text = (DEPLOY / "docker" / "Dockerfile").read_text()
    for sources in re.findall(r"^COPY (.*) \S+$", text, flags=re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for source in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "cue_pipeline"):
        assert f"!{source}" in ignored
    known = {f.alias for f in Settings.model_fields.values()}
    known |= {"DAGSTER_HOME", "DAGSTER_POSTGRES_URL", "CUE_PIPELINE_CODE_HOST"}
    compose = read_yaml(DEPLOY / "docker" / "compose.yaml")
    assert set(compose["services"]["code"]["environment"]) <= known
    example = (DEPLOY / "systemd" / "cue-pipeline.env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=", example, flags=re.MULTILINE)) <= known


def sqlite_file(path, mode):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute("CREATE TABLE events (body TEXT)")
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def write_as_dagster_does(url):
    """An engine and a connection for one row; return how the connection waits for the disk."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO events VALUES ('x')")
        waits = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    engine.dispose()
    return waits


def test_records_kept_open_are_not_worked_into_their_file_at_every_event(tmp_path):
    url, log = sqlite_file(tmp_path / "a.db", "WAL"), tmp_path / "a.db-wal"
    full = write_as_dagster_does(url)
    assert not log.exists()  # the last connection has gone, and SQLite has tidied up
    with records_kept_open():
        assert write_as_dagster_does(url) == 1 < full  # NORMAL
        assert log.exists()
        other = sqlite3.connect(tmp_path / "a.db")
        assert other.execute("SELECT count(*) FROM events").fetchone() == (2,)
        other.close()
    assert not log.exists()
    assert write_as_dagster_does(url) == full


def test_a_file_without_a_write_ahead_log_waits_for_the_disk_as_before(tmp_path):
    url = sqlite_file(tmp_path / "a.db", "DELETE")
    full = write_as_dagster_does(url)
    with records_kept_open():
        assert write_as_dagster_does(url) == full == 2


def test_no_more_than_a_few_files_are_kept_open(tmp_path):
    urls = [sqlite_file(tmp_path / f"{n}.db", "WAL") for n in range(12)]
    with records_kept_open():
        for url in urls:
            write_as_dagster_does(url)
        assert len(list(tmp_path.glob("*-wal"))) == 8
