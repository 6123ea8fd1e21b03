"""What only Aurora DSQL needs: tokens, conflicts, small transactions.

The limits are those that ``dsql_emulation`` enforces; tokens are held against botocore's signer.
"""

import ssl
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import numpy as np
import pandas as pd
import psycopg2
import pytest
import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import batched, dsql
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.encode import encode_rows
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.store import Store
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, everything, load, replace

HOST = "abc123.dsql.eu-west-1.on.aws"
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
only_dsql = pytest.mark.engines("dsql")


@pytest.fixture
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("user", "action"), [("admin", "DbConnectAdmin"), ("cues", "DbConnect")])
def test_a_token_is_the_signature_that_botocore_makes(credentials, user, action):
    token = dsql.auth_token(HOST, user)
    query = parse_qs(urlsplit(f"//{token}").query)
    assert query["Action"] == [action]
    assert query["X-Amz-Expires"] == ["900"]
    signed_at = query["X-Amz-Date"][0]
    assert query["X-Amz-Credential"] == [f"{KEY}/{signed_at[:8]}/eu-west-1/dsql/aws4_request"]
    # The same request, signed by the general signer at the same moment.
    request = botocore.awsrequest.AWSRequest("GET", f"https://{HOST}/?Action={action}")
    signer = botocore.auth.SigV4QueryAuth(
        botocore.credentials.Credentials(KEY, SECRET), "dsql", "eu-west-1", expires=900
    )
    moment = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: moment.replace(tzinfo=None))
        signer.add_auth(request)
    assert parse_qs(urlsplit(request.url).query)["X-Amz-Signature"] == query["X-Amz-Signature"]


def connections(url: str, monkeypatch) -> list[dict]:
    """Return what would be passed to the driver for two connections of a URL's engine."""
    seen = []

    def connect(dsn=None, **options):
        seen.append(options)
        raise psycopg2.OperationalError("FATAL:  unable to accept connection, access denied")

    monkeypatch.setattr(psycopg2, "connect", connect)
    engine = create_engine(url)
    for _ in range(2):
        with pytest.raises(WarehouseError, match=r"the IAM token was refused.*AWS credentials"):
            Store(engine).cues()
    return seen


def test_every_connection_gets_a_token_of_its_own_and_verifies_the_server(credentials, monkeypatch):
    tokens = iter(["first", "second", "third", "fourth"])
    monkeypatch.setattr(dsql, "auth_token", lambda host, user, region: next(tokens))
    one, two = connections(HOST, monkeypatch)
    assert (one["password"], two["password"]) == ("first", "second")
    assert (one["host"], one["user"], one["dbname"]) == (HOST, "admin", "postgres")
    assert (one["sslmode"], one["sslrootcert"]) == ("verify-full", dsql.root_certificates())


@pytest.mark.parametrize("system", [True, False])
def test_the_authorities_that_are_trusted_hold_amazons(monkeypatch, system):
    if not system:
        nothing = ssl.get_default_verify_paths()._replace(cafile=None)
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(dsql.root_certificates())
    names = {dict(pair[0] for pair in c["subject"]).get("commonName")
             for c in context.get_ca_certs()}  # fmt: skip
    assert "Amazon Root CA 1" in names


def test_what_the_url_says_itself_wins(credentials, monkeypatch):
    url = f"postgresql://cues:given@{HOST}/postgres?sslmode=verify-ca&sslrootcert=/ca.pem"
    one, _ = connections(url, monkeypatch)
    assert (one["user"], one["password"]) == ("cues", "given")
    assert (one["sslmode"], one["sslrootcert"]) == ("verify-ca", "/ca.pem")


def test_connections_are_renewed_before_dsql_ends_them():
    engine = create_engine(HOST)
    assert engine.pool._recycle < 3_600
    assert engine.pool._pre_ping


def test_missing_credentials_are_said(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(WarehouseError, match=r"Unable to locate credentials.*set AWS_PROFILE"):
        Store(create_engine(HOST)).cues()


def test_a_host_without_a_region_needs_one_in_the_url(credentials, monkeypatch):
    with pytest.raises(WarehouseError, match=r"names no AWS region.*add .region="):
        dsql.auth_token("dsql.internal", "admin")
    seen = []
    monkeypatch.setattr(dsql, "auth_token", lambda *given: seen.append(given) or "token")
    connections("auroradsql://dsql.internal/postgres?region=eu-west-1", monkeypatch)
    assert seen[0] == ("dsql.internal", "admin", "eu-west-1")


@only_dsql
def test_a_cue_above_every_limit_of_a_transaction_is_loaded(store):
    cue = SyntheticCue(n_tracks=2, n_notes=4_000, n_cc=5_000, n_groups=2, n_frames=90_000,
                       frames_per_chunk=4_096)  # fmt: skip
    load(store, cue)
    assert len(store.read(cue.key, "midi_cc")) == 10_000
    data = store.read(cue.key, "audio_feature_chunks")
    assert data.data.map(len).sum() == 2 * 90_000 * 64 * 2  # 23 MB; a transaction takes 10
    load(store, SyntheticCue(n_tracks=1, n_notes=5, n_groups=1))
    assert len(store.read(cue.key, "midi_cc")) == 60


@only_dsql
def test_five_thousand_cues_are_registered_and_missed(store):
    folders = [SyntheticCue(key=f"Reel {i // 100}/c{i}").folder() for i in range(5_000)]
    assert len(store.register_cues(folders).new) == 5_000
    assert store.mark_missing([f.key for f in folders]) == 5_000


@only_dsql
def test_a_load_that_keeps_losing_against_others_ends_as_a_quiet_one_does(store, dsql_conflicts):
    cue = SyntheticCue(seed=2)
    load(store, cue)
    quiet = everything(store, cue)
    load(store, SyntheticCue(n_tracks=5, n_groups=3))
    dsql_conflicts.share = 0.3
    load(store, cue)
    dsql_conflicts.share = 0.0
    assert dsql_conflicts.injected > 10
    assert everything(store, cue) == quiet
    assert {r.state for r in store.ledger(cue.key)} == {"ready"}


@only_dsql
def test_commits_whose_answer_is_lost_happen_once(store, dsql_conflicts):
    cue = SyntheticCue(seed=2)
    load(store, cue)
    quiet = everything(store, cue), len(store.ledger())
    load(store, SyntheticCue(n_tracks=5, n_groups=3))
    dsql_conflicts.lost_answers = 0.3
    load(store, cue)
    dsql_conflicts.lost_answers = 0.0
    assert dsql_conflicts.injected > 10
    assert (everything(store, cue), len(store.ledger())) == quiet


@only_dsql
def test_a_transaction_that_always_loses_gives_up_with_the_cure(store, dsql_conflicts, monkeypatch):
    cue = SyntheticCue()
    store.register_cues([cue.folder()])
    monkeypatch.setattr(dsql.time, "sleep", lambda seconds: None)
    dsql_conflicts.next_commits = 100
    with pytest.raises(WarehouseError, match=r"refused a transaction 12 times.*--jobs"):
        replace(store, cue, "tempo_map")


@only_dsql
def test_a_writer_taken_for_dead_commits_nothing_more(store, monkeypatch):
    """It wakes up after another has taken over and finished."""
    cue, other = SyntheticCue(seed=1), SyntheticCue(seed=2)
    load(store, cue)
    monkeypatch.setattr(batched, "LEASE_SECONDS", 0.0)

    def slow():
        yield cue.value("midi_events")["midi_cc"]
        replace(Store(store.engine), other, "midi_events")
        yield cue.value("midi_events")["midi_cc"].iloc[:0]

    late = cue.value("midi_events")["midi_notes"]
    with pytest.raises(WarehouseError, match="Another process took over this cue"):
        replace(store, cue, "midi_events", midi_cc=slow(), midi_notes=late)
    assert list(store.read(cue.key, "midi_aftertouch").value) == [2, 2]
    assert len(store.read(cue.key, "midi_notes")) == other.n_tracks * other.n_notes


@only_dsql
def test_assets_that_lose_rows_are_not_trusted_meanwhile(store, monkeypatch):
    load(store, SyntheticCue(n_groups=3))
    seen = []
    delete = batched.BatchedWriter.delete

    def watched(self, column, ids):
        seen.append({r.asset: r.state for r in store.ledger()})
        return delete(self, column, ids)

    monkeypatch.setattr(batched.BatchedWriter, "delete", watched)
    replace(store, SyntheticCue(n_groups=1), "channel_groups")
    assert seen[-1]["mel_features"] == "loading"
    assert {r.state for r in store.ledger()} == {"ready"}


@only_dsql
def test_a_key_that_occurs_twice_is_found_by_the_count(store):
    cue = SyntheticCue()
    load(store, cue)
    cc = cue.value("midi_events")["midi_cc"]
    twice = pd.concat([cc, cc.iloc[:1]], ignore_index=True)
    with pytest.raises(WarehouseError, match=r"has 180 rows .* after 181 were loaded"):
        replace(store, cue, "midi_events", midi_cc=twice)


def test_batches_stay_below_the_limits():
    table = t.audio_feature_chunks
    n = 40
    frame = pd.DataFrame(
        {
            "audio_feature_id": np.zeros(n, np.int64),
            "chunk_index": np.arange(n),
            "first_frame": 0,
            "n_frames": 1,
            "data": [bytes(t.CHUNK_BYTES)] * n,
        }
    )
    rows = encode_rows(frame, table, list(table.c))
    parts = list(batched.small_batches(rows))
    assert sum(p.n_rows for p in parts) == n
    assert all(p.n_rows * t.CHUNK_BYTES <= 4 * 1024 * 1024 for p in parts)


@only_dsql
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX i ON cues (root)",
        "SAVEPOINT s",
        "SELECT pg_advisory_lock(1)",
        "TRUNCATE cues",
        "CREATE TABLE x (id serial)",
        "CREATE TABLE x (ids integer[])",
        "CREATE TEMP TABLE x (id integer)",
        "INSERT INTO llm_calls SELECT i::text, 'm', '{}', '{}', null, 1, 1, now() "
        "FROM generate_series(1, 3001) AS i",
    ],
)
def test_the_emulation_refuses_what_dsql_refuses(emulated, engine, statement):
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError):
        connection.exec_driver_sql(statement)
