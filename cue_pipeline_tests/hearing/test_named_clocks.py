"""What tells the clock where the sound does not: time codes, time references, the score's hour."""

import numpy as np
import pytest

from cue_pipeline.hearing import match_evidence
from cue_pipeline.hearing.heard_times import heard_times
from cue_pipeline_tests.hearing.sounding import SR, cue, phrase, tone

HOUR = 3600.0
NOTES = {"melody": phrase(1, low=72, n=30, seconds=14.0)}
OTHER_MUSIC = {"stem": tone(phrase(90, low=50, n=30, seconds=14.0))}


@pytest.mark.parametrize(
    ("later", "time_codes", "reference", "method", "lag", "confidence"),
    [
        (0.0, [HOUR + 2.0], HOUR, "time_code", 2.0, 0.5),
        (HOUR, None, HOUR, "bext", -HOUR, 0.4),
        (HOUR, None, None, "time_code", -HOUR, 0.3),
        # A sequencer's default, an hour that the recording is not in: they name no lag.
        (0.0, [0.0], 10 * HOUR, "none", np.nan, 0.0),
        (0.0, None, HOUR, "none", np.nan, 0.0),
        (0.0, None, None, "none", np.nan, 0.0),
    ],
)
@pytest.mark.slow
def test_what_is_named_is_a_clock_of_little_confidence_where_no_sound_confirms_it(
    later, time_codes, reference, method, lag, confidence
):
    moved = {name: [(s + later, *rest) for s, *rest in notes] for name, notes in NOTES.items()}
    rows, notes, features, mels = cue(moved, OTHER_MUSIC)
    if reference is not None:
        features["time_reference"] = round(reference * SR)
    codes = None if time_codes is None else {1: time_codes}
    found = match_evidence(rows, notes, features, mels.__getitem__, codes)
    assert found.pairs["score"].isna().all()
    (clock,) = found.alignments.itertuples(index=False)
    assert (clock.method, clock.confidence) == (method, confidence)
    assert clock.lag_seconds == pytest.approx(lag, nan_ok=True)
    assert "the sound does not tell the lag" in clock.reason
    if clock.knots is not None:
        assert heard_times(clock.knots, later + 5.0) == pytest.approx(5.0 + later + lag)
