"""Cues of stems only, or of mixes only: ``status`` names them."""

from datetime import UTC, datetime

import pytest

from cue_pipeline.cli.library_states import print_status
from cue_pipeline.library.status import AssetStatus, mixes_only, stems_only
from cue_pipeline.warehouse.store import LedgerRow


def entries(key, stems, mixes, state="ready"):
    now = datetime.now(UTC)
    return [
        LedgerRow(key, asset, state, "f", "1", "d", count, None, now, now)
        for asset, count in (("channel_groups", stems), ("final_mix_features", mixes))
        if count is not None
    ]


@pytest.mark.parametrize(
    ("stems", "mixes", "state", "said"),
    [
        (3, 0, "ready", (["1m01"], [])),
        (0, 40, "ready", ([], ["1m01"])),
        (3, 40, "ready", ([], [])),
        (0, 0, "ready", ([], [])),
        (3, None, "ready", ([], [])),
        (3, 0, "failed", ([], [])),
    ],
)
def test_a_cue_of_one_kind_of_audio_is_known_once_both_were_looked_for(stems, mixes, state, said):
    ledger = entries("1m01", stems, mixes, state)
    assert (stems_only(ledger), mixes_only(ledger)) == said


def test_status_names_some_of_them_and_counts_the_others(capsys):
    ledger = [row for n in range(8) for row in entries(f"1m0{n}", 3, 0)]
    ledger += entries("2m09", 0, 3)
    statuses = [AssetStatus("1m00", "channel_groups", "ready", "")]
    print_status(statuses, "sqlite:///w.db", (), ledger)
    said = capsys.readouterr().out
    assert "stems only, no final mix: 1m00, 1m01, 1m02, 1m03, 1m04 and 3 cues more." in said
    assert "mixes only, so that no track has a stem to match: 2m09." in said
