"""Which cues are one work, which is the latest of it, and which repeat each other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cue_pipeline.cue.identity import row_id
from cue_pipeline.library.works import alike, kinship, refresh_works, similar_sketches
from cue_pipeline.midi.shingles import sketch_of
from cue_pipeline.warehouse.cue_facts import CueFacts, Kinship
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load

UNKNOWN = Kinship(None, None, None, None, None)
FIRST_SEEN = datetime(2026, 11, 1, tzinfo=UTC)


def cue(key, shingles=(), *, present=True, stems=(), midi=()):
    sketch = sketch_of([np.asarray(shingles, np.uint64)]) if len(shingles) else None
    return CueFacts(
        row_id("cues", key), key, present, FIRST_SEEN, sketch, frozenset(midi), frozenset(stems),
        UNKNOWN,
    )  # fmt: skip


def kin(*cues):
    return kinship(cues, alike(cues))


def music(seed, n=300):
    return np.unique(np.random.default_rng(seed).integers(0, 2**63, n).astype(np.uint64))


def test_versions_are_one_work_and_the_last_of_them_is_the_latest():
    keys = ["1m02 The Letter v1", "1m02 The Letter v2", "1m02 The Letter alt",
            "1m02 The Letter v3 (old)", "1m03 The Letter", "1m02 Chase"]  # fmt: skip
    found = kin(*map(cue, keys))
    letter, other, chase = (found[keys[i]].work_id for i in (0, 4, 5))
    assert [found[k].work_id for k in keys[:4]] == [letter] * 4
    assert len({letter, other, chase}) == 3
    assert [k for k in keys if found[k].is_latest] == [keys[1], keys[4], keys[5]]


def test_a_version_that_is_missing_is_not_the_latest_while_another_is_there():
    found = kin(cue("1m02 v1"), cue("1m02 v2", present=False))
    assert found["1m02 v1"].is_latest
    assert not found["1m02 v2"].is_latest
    found = kin(cue("1m02 v1", present=False), cue("1m02 v2", present=False))
    assert found["1m02 v2"].is_latest


def test_where_no_name_says_which_is_the_latest_nobody_knows():
    found = kin(cue("1m02", music(1)), cue("1m02 2024-05-01", music(2)), cue("1m02 (old)"))
    assert [found[k].is_latest for k in ("1m02", "1m02 2024-05-01", "1m02 (old)")] == [
        None, None, False,
    ]  # fmt: skip
    dated = kin(cue("1m02 2024-05-01"), cue("1m02 2024-06-01"))
    assert [k for k, v in dated.items() if v.is_latest] == ["1m02 2024-06-01"]
    same = kin(cue("1m02", music(1)), cue("1m02 2024-05-01", music(1)))
    assert [k for k, v in same.items() if v.is_latest] == ["1m02"]


def test_two_cues_of_one_number_are_one_work_only_if_they_share_music():
    letter, reading = music(1), music(2)
    version = np.r_[letter[:100], reading[:200]]
    apart = kin(cue("1m02 The Letter", letter), cue("1m02 Reading", reading))
    assert len({k.work_id for k in apart.values()}) == 2
    one = kin(cue("1m02 The Letter", letter), cue("1m02 Reading", version))
    assert len({k.work_id for k in one.values()}) == 1
    elsewhere = kin(cue("1m02 The Letter", letter), cue("3m05 Reprise", version))
    assert len({k.work_id for k in elsewhere.values()}) == 2


def test_of_cues_that_repeat_each_other_the_latest_stands():
    first = music(1)
    second = np.r_[first[:200], music(2)[:100]]
    found = kin(cue("1m02 v1", first), cue("1m02 v2", second), cue("2m01", music(3)))
    assert found["1m02 v2"].duplicate_of is None
    assert found["1m02 v1"].duplicate_of == "1m02 v2"
    assert found["1m02 v1"].duplicate_share == pytest.approx(2 / 3, abs=0.02)
    assert found["2m01"].duplicate_of is None


def test_a_copy_repeats_its_original_whatever_it_is_called():
    original = cue("Film A/1m02", music(1))
    for key in ("Film A/1m02 copy", "Backup/x", "A/y (1)"):
        copy = replace(cue(key, music(1)), first_seen_at=FIRST_SEEN + timedelta(days=1))
        found = kin(original, copy)
        assert found[key].duplicate_of == "Film A/1m02"
        assert found["Film A/1m02"].duplicate_of is None
    gone = kin(replace(original, present=False), cue("Film A/1m02 copy", music(1)))
    assert gone["Film A/1m02"].duplicate_of == "Film A/1m02 copy"


def test_cues_are_known_again_by_stems_and_by_files_where_there_is_no_music_to_compare():
    stems = [f"stem {i}" for i in range(8)]
    found = kin(cue("a", stems=stems), cue("b", stems=[*stems[:6], "x", "y"]), cue("c", stems="z"))
    assert (found["b"].duplicate_of, found["b"].duplicate_share) == ("a", 0.75)
    assert found["c"].duplicate_of is None
    found = kin(cue("a", midi=["m"]), cue("b", midi=["m"]), cue("c", midi=["m", "n"]))
    assert [found[k].duplicate_of for k in "abc"] == [None, "a", None]


def test_what_repeats_a_repetition_does_not_repeat_what_that_does():
    """Of three pieces in a chain the ends share nothing."""
    a, b, c = (cue(k, s) for k, s in zip(
        ("1m01 v3", "1m01 v2", "1m01 v1"),
        (music(1), np.r_[music(1)[:150], music(2)[:150]], music(2)), strict=True,
    ))  # fmt: skip
    found = kin(a, b, c)
    assert found["1m01 v2"].duplicate_of == "1m01 v3"
    assert found["1m01 v1"].duplicate_of is None


def test_similar_sketches_finds_what_comparing_each_with_each_does():
    from cue_pipeline.midi.shingles import shared

    rng = np.random.default_rng(0)
    common = music(99)[:40]
    pieces = [np.r_[music(i), common] for i in range(30)]
    for i in range(0, 28, 3):
        pieces[i + 1] = np.r_[rng.choice(pieces[i], 120, replace=False), pieces[i + 1][:150]]
    sketches = [sketch_of([p]) for p in pieces]
    expected = {
        (i, j): s
        for j in range(30)
        for i in range(j)
        if (s := shared(sketches[i], sketches[j])) is not None and s >= 0.2
    }
    assert similar_sketches(sketches, 0.2) == expected
    assert len(expected) >= 10


def test_works_are_brought_into_the_table_and_only_changes_are_written(store):
    cues = [SyntheticCue(key=f"Reel 1/1m02 {mark}", seed=i) for i, mark in enumerate(["v1", "v2"])]
    for one in cues:
        load(store, one)
    refresh_works(store)
    rows = {row.cue_key: row for row in store.cues()}
    first, second = (rows[c.key] for c in cues)
    assert first.work_id == second.work_id is not None
    assert (first.is_latest, second.is_latest) == (False, True)
    seen = [row.last_seen_at for row in store.cues()]
    assert refresh_works(store) == []
    store.mark_missing([cues[1].key])
    refresh_works(store)
    assert store.cue(cues[0].key).is_latest
    assert [row.last_seen_at for row in store.cues()] == seen
