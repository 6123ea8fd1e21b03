"""Where `cue-pipeline review` is served, and to whom."""

import socket

import pytest

from cue_pipeline.cli.review import admitted, listen
from cue_pipeline.errors import SettingsError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_alone_needs_no_token(host):
    admission = admitted(host, 3001, None, read_only=False)
    assert admission.token is None
    assert {"127.0.0.1:3001", "localhost:3001", "[::1]:3001"} <= set(admission.hosts)
    assert admitted(host, 3001, "mine", read_only=False).token == "mine"


def test_an_address_of_the_network_answers_to_its_name_alone_and_asks_for_a_token():
    admission = admitted("192.168.1.20", 3001, None, read_only=True)
    assert set(admission.hosts) == {"192.168.1.20:3001"}
    assert len(admission.token) >= 32
    assert admission.token != admitted("192.168.1.20", 3001, None, read_only=True).token


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_all_addresses_answer_to_any_name_that_knows_the_token(host):
    admission = admitted(host, 3001, None, read_only=False)
    assert admission.hosts is None
    assert admission.token


def test_a_port_that_is_taken_is_told_with_the_cure():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match="--port"):
            listen("127.0.0.1", taken.getsockname()[1])


def test_whoever_calls_as_soon_as_the_address_is_told_is_not_turned_away():
    with listen("127.0.0.1", 0) as listening, socket.socket() as caller:
        caller.connect(listening.getsockname())
