"""Cues that share music are never in two splits, and assignments stay when cues arrive."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest
import sqlalchemy as sa

import cue_pipeline as cp
from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import SplitError
from cue_pipeline.library.splits import Rule, draw, make_splits, plan_splits
from cue_pipeline.library.ties import Tie, part_digest, ties
from cue_pipeline.library.works import alike, kinship
from cue_pipeline.midi.shingles import shingles, sketch_of
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.cue_facts import CueFacts, Kinship
from cue_pipeline.warehouse.relocation import move_cues
from cue_pipeline.warehouse.removal import read_decisions, remove_cue, restore_decisions
from cue_pipeline.warehouse.split_rows import Held, read_splits
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
RULE = Rule()
UNKNOWN = Kinship(None, None, None, None, None)


def tune(seed, n=300):
    """A part that moves by steps and leaps, as tunes do: onsets in quarters, pitches."""
    rng = np.random.default_rng(seed)
    steps = rng.choice([-4, -2, -1, 1, 1, 2, 3, 5], n)
    degree = np.abs(np.cumsum(steps)) % 21
    pitch = 40 + np.array([0, 2, 4, 5, 7, 9, 11])[degree % 7] + 12 * (degree // 7)
    return np.cumsum(rng.choice([0.25, 0.5, 1.0], n)), pitch


def cue(key, start, pitch):
    hashes = shingles(np.zeros(len(pitch), np.int64), np.asarray(start, float), pitch)
    return CueFacts(
        row_id("cues", key), key, True, MOMENT, sketch_of([hashes]), frozenset(), frozenset(),
        UNKNOWN,
    )  # fmt: skip


def tied(*facts, held=()):
    likeness = alike(facts)
    return ties([], facts, kinship(facts, likeness), likeness, held)


def drawn(names, joined=(), before=None, rule=RULE, pins=None, **options):
    return draw(names, joined, before or {}, rule, pins or {}, author="a", moment=MOMENT, **options)


def alone(n, prefix="cue"):
    return {f"{prefix} {i}": f"work {prefix} {i}" for i in range(n)}


def splits_of(plan):
    return {key: row.split for key, row in plan.rows.items()}


def test_copies_in_other_keys_and_tempos_cut_and_added_to_never_cross_splits():
    """Forty pieces, each with copies of other names: by Slakh's flaw, a third would leak."""
    facts, piece_of = [], {}
    for i in range(40):
        start, pitch = tune(i)
        other_start, other_pitch = tune(1_000 + i, 150)
        copies = {
            "original": (start, pitch),
            "a fifth up": (start, pitch + 7),
            "slower": (start * 1.37, pitch),
            "in ticks of another resolution": (start * 480, pitch),
            "its first half": (start[:150], pitch[:150]),
            "with as much again": (
                np.r_[start, start[-1] + other_start],
                np.r_[pitch, other_pitch],
            ),
        }
        for name, (when, notes) in copies.items():
            facts.append(cue(f"{name} {i}", when, notes))
            piece_of[f"{name} {i}"] = i
    plan = drawn({k: f"work {k}" for k in piece_of}, tied(*facts), rule=Rule((50, 25, 25)))
    for i in range(40):
        assert len({plan.rows[k].split for k, piece in piece_of.items() if piece == i}) == 1
    assert len({row.group_id for row in plan.rows.values()}) == 40
    assert set(splits_of(plan).values()) == {"train", "validation", "test"}


def test_a_tune_too_short_to_be_compared_by_share_is_still_known_in_another_key():
    start, pitch = tune(1, 20)
    long_start, long_pitch = tune(2)
    found = tied(
        cue("short", start, pitch),
        cue("short, a third up", start * 0.8, pitch + 4),
        cue("long", np.r_[long_start, long_start[-1] + start], np.r_[long_pitch, pitch]),
        cue("another", *tune(3, 20)),
        cue("another long one", *tune(4)),
    )
    pairs = {frozenset((tie.a, tie.b)) for tie in found}
    assert frozenset(("short", "short, a third up")) in pairs
    assert frozenset(("short", "long")) in pairs
    assert not any("another" in key for pair in pairs for key in pair)


def groove(seed, n=64):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.choice([60, 120, 240], n)), rng.choice([36, 38, 42, 46], n)


def test_a_drum_part_is_known_again_at_another_tempo():
    start, pitch = groove(1)
    original = part_digest(start.astype(float), pitch, drums=True)
    assert original is not None
    assert part_digest(start * 1.5 + 960, pitch, drums=True) == original
    assert part_digest(start / 1.37, pitch, drums=True) == original
    assert part_digest(start.astype(float), pitch + 1, drums=True) != original
    assert part_digest(groove(2)[0].astype(float), pitch, drums=True) != original
    melodic = part_digest(start.astype(float), pitch, drums=False)
    assert part_digest(start * 2.0, pitch + 5, drums=False) == melodic


def test_a_click_and_a_trill_are_nobodys_music():
    even = np.arange(64) * 480.0
    assert part_digest(even, np.full(64, 76), drums=True) is None
    assert part_digest(even, np.arange(64) % 2 + 60, drums=False) is None
    assert part_digest(even[:10], np.arange(10), drums=False) is None


def test_one_stem_or_file_in_common_is_enough():
    held = [
        Held("a", "stem", "1", "VLN"), Held("b", "stem", "1", "Violins"),
        Held("b", "MIDI file", "9", "m.mid"), Held("c", "MIDI file", "9", "n.mid"),
        Held("d", "mix", "9", "6mx"),
    ]  # fmt: skip
    found = tied(held=held)
    assert {(x.a, x.b, x.why) for x in found} == {
        ("a", "b", "the same stem: 'VLN', 'Violins'"),
        ("b", "c", "the same MIDI file: 'm.mid', 'n.mid'"),
    }


def test_groups_fall_into_splits_by_the_ratios():
    """Binomial: of 4,000 groups the tenth that is tested has a standard deviation of 19."""
    counts = Counter(splits_of(drawn(alone(4_000))).values())
    assert counts["test"] == pytest.approx(400, abs=95)
    assert counts["validation"] == pytest.approx(400, abs=95)
    none = drawn(alone(500), rule=Rule((1, 0, 1)))
    assert set(splits_of(none).values()) == {"train", "test"}


def test_a_seed_draws_otherwise_and_ratios_must_be_three():
    one, other = (splits_of(drawn(alone(200), rule=Rule(seed=s))) for s in (0, 1))
    assert one != other
    assert splits_of(drawn(alone(200))) == one
    for ratios in ((80, 20), (80, 30, -10), (0, 0, 0)):
        with pytest.raises(SplitError, match="Ratios are three numbers"):
            Rule(ratios)


def test_cues_that_arrive_move_none_that_were_there_and_come_to_their_group():
    first = drawn(alone(100))
    new = alone(100, "new")
    joined = [Tie("cue 7", "new 1", "music"), Tie("new 1", "new 2", "music")]
    later = drawn(alone(100) | new, joined, first.rows)
    assert {k: later.rows[k].split for k in first.rows} == splits_of(first)
    assert {later.rows[k].split for k in ("new 1", "new 2")} == {first.rows["cue 7"].split}
    assert not later.moved
    assert {row.cue_key for row in later.changed} == {*new, "cue 7"}  # now it has a reason
    # Without what stands in the table, projects draw by their names alone.
    names = {f"{p}/{i}": f"project {p}" for p in "abcdefghijklmnopqrstuvwxyz" for i in range(3)}
    some = {k: v for k, v in names.items() if not k.endswith("0")}
    whole = splits_of(drawn(names))
    assert {k: whole[k] for k in some} == splits_of(drawn(some))


def test_a_draw_of_few_groups_leaves_no_split_empty():
    for n in range(3, 12):
        for seed in range(10):
            plan = drawn(alone(n), rule=Rule(seed=seed))
            assert {row.split for row in plan.rows.values()} == {"train", "validation", "test"}
            assert all(plan.rows[k].split == s for s, keys in plan.filled.items() for k in keys)
            # Those that were not needed to fill are where their hash alone puts them.
            free = plan.rows.keys() - {key for keys in plan.filled.values() for key in keys}
            assert all(plan.rows[k].split == plan.rule.draw(plan.rows[k].group_id) for k in free)


@pytest.mark.parametrize(
    ("n", "ratios", "there"),
    [
        (1, (80, 10, 10), ["train"]),
        (2, (80, 10, 10), ["test", "train"]),
        (2, (80, 20, 0), ["train", "validation"]),
        (5, (0, 0, 1), ["test"] * 5),
    ],
)
def test_what_is_needed_most_is_filled_first(n, ratios, there):
    for seed in range(10):
        plan = drawn(alone(n), rule=Rule(ratios, seed))
        assert sorted(splits_of(plan).values()) == there
        assert plan.empty == [s for s in plan.rule.wanted if s not in there]


def test_the_smallest_group_fills_and_what_stands_or_is_pinned_is_left():
    songs = alone(4)
    joined = [Tie("cue 0", "cue 1", "music")]
    for seed in range(10):
        filled = drawn(songs, joined, rule=Rule(seed=seed)).filled
        assert all(len(keys) == 1 for split, keys in filled.items() if split != "train")
    rule = Rule((100, 1e-9, 1e-9))
    first = drawn(alone(1), rule=rule)
    later = drawn(songs, before=first.rows, rule=rule, pins={"cue 1": "train"})
    assert not later.moved
    assert later.rows["cue 1"].split == later.rows["cue 0"].split == "train"
    assert {later.rows["cue 2"].split, later.rows["cue 3"].split} == {"validation", "test"}


def apart():
    """Return two cues of which one is trained on, and the other tested, and the plan's rows."""
    names = alone(60)
    rows = drawn(names, rule=Rule((1, 0, 1))).rows
    train = next(k for k in names if rows[k].split == "train")
    test = next(k for k in names if rows[k].split == "test")
    return names, rows, train, test


def test_groups_of_two_splits_that_a_new_cue_joins_are_told_with_the_evidence():
    names, rows, train, test = apart()
    medley = [Tie(train, "medley", "music of the one"), Tie(test, "medley", "music of the other")]
    plan = drawn(names | {"medley": "work m"}, medley, rows, Rule((1, 0, 1)))
    assert plan.moved == {test: ("test", "train")}  # what was trained on is never tested on
    (merge,) = plan.merges
    assert dict(merge.was) == {"train": (train,), "test": (test,)}
    assert merge.evidence == tuple(medley)
    assert plan.rows["medley"].split == "train"


def test_a_pin_takes_its_group_along_and_stays_with_another_seed():
    names, rows, train, _ = apart()
    joined = [Tie(train, "b", "music")]
    pinned = drawn(names | {"b": "work b"}, joined, rows, pins={"b": "validation"})
    assert {pinned.rows[k].split for k in (train, "b")} == {"validation"}
    assert [k for k, row in pinned.rows.items() if row.pinned] == ["b"]
    again = drawn(names | {"b": "work b"}, joined, pinned.rows, Rule(seed=5), anew=True)
    assert {again.rows[k].split for k in (train, "b")} == {"validation"}
    freed = drawn(names | {"b": "work b"}, joined, again.rows, Rule(seed=5), pins={"b": None})
    assert not freed.rows["b"].pinned
    assert freed.rows["b"].split == "validation"


def test_pins_that_part_cues_of_one_group_stay_and_are_told_as_a_leak():
    names, rows, train, test = apart()
    joined = [Tie(train, test, "music"), Tie(test, "c", "music")]
    pins = {train: "train", test: "test"}
    plan = drawn(names | {"c": "work c"}, joined, rows, pins=pins)
    assert (plan.rows[train].split, plan.rows[test].split) == ("train", "test")
    assert plan.rows["c"].split == "train"
    (leak,) = plan.leaks
    assert leak.evidence == (joined[0],)
    assert f"{test} pinned to test" in plan.rows["c"].doubt
    mended = drawn(names | {"c": "work c"}, joined, plan.rows, pins={train: "test"})
    assert not mended.leaks
    assert mended.rows["c"].doubt is None
    assert mended.rows["c"].split == "test"


def test_what_is_new_of_cues_that_stay_in_their_split_is_told():
    before = drawn(alone(3)).rows
    assert drawn(alone(3), before=before).altered == {}
    otherwise = drawn(alone(3), before=before, rule=Rule(by="work"))
    assert otherwise.altered == dict.fromkeys(before, "drawn by another rule")
    stays = before["cue 0"].split
    pinned = drawn(alone(3), before=before, pins={"cue 0": stays})
    assert pinned.altered == {"cue 0": "pinned"}
    assert drawn(alone(3), before=pinned.rows, pins={"cue 0": None}).altered == {
        "cue 0": "no longer pinned"
    }


def test_a_cue_that_cannot_be_compared_yet_has_no_split():
    plan = drawn(alone(2), waiting={"cue 1": "midi_events is failed"})
    assert set(plan.rows) == {"cue 0"}
    assert plan.waiting == {"cue 1": "midi_events is failed"}
    stays = drawn(alone(2), (), drawn(alone(2)).rows, waiting={"cue 1": "midi_events is failed"})
    assert set(stays.rows) == {"cue 0", "cue 1"}


def made(store, **options):
    plan = plan_splits(store, author="ada", **options)
    make_splits(store, plan)
    return plan


def test_splits_are_drawn_from_the_tables_and_read_through_the_door(store, filled_url):
    """The synthetic cues have the same MIDI file by its hash; another hash parts them."""
    keys = ["Reel 1/1m01", "Reel 1/1m02", "Reel 1/1m03"]
    for i, key in enumerate(keys):
        load(store, SyntheticCue(key=key, seed=i))
    load(store, SyntheticCue(key="Reel 1/1m04"), ("tempo_map",))
    with store.engine.begin() as connection:
        third = sa.select(t.cues.c.id).where(t.cues.c.cue_key == keys[2]).scalar_subquery()
        connection.execute(
            sa.update(t.midi_files).where(t.midi_files.c.cue_id == third).values(sha256="1" * 64)
        )
    plan = made(store)
    assert plan.rows[keys[0]].group_id == plan.rows[keys[1]].group_id
    assert plan.rows[keys[2]].group_id != plan.rows[keys[0]].group_id
    assert "MIDI files, byte by byte" in plan.rows[keys[1]].why
    assert list(plan.waiting) == ["Reel 1/1m04"]
    assert cp.open_library(filled_url).splits() == splits_of(plan)
    assert not made(store).changed
    pinned = made(store, pins={keys[1]: "test"})
    assert {pinned.rows[k].split for k in keys[:2]} == {"test"}
    assert not made(store).changed
    assert made(store, seed=3).rule.seed == 3
    assert made(store).rule.seed == 3
    assert read_splits(store.engine)[keys[0]].split == "test"


def test_a_file_without_notes_in_every_cue_ties_nothing(store):
    """A tempo map that a session's template brings along is no music."""
    for key in ("a", "b"):
        load(store, SyntheticCue(key=key, n_notes=0))
    assert len({row.group_id for row in made(store).rows.values()}) == 2


def test_a_cue_keeps_its_split_when_it_moves_and_when_it_is_restored(store):
    load(store, SyntheticCue())
    made(store, pins={"Reel 1/1m01": "validation"})
    move_cues(store.engine, {"Reel 1/1m01": "Reel 2/2m01"})
    row = read_splits(store.engine)["Reel 2/2m01"]
    assert (row.split, row.pinned, row.decided_by) == ("validation", True, "ada")
    said = read_decisions(store.engine, "Reel 2/2m01")
    remove_cue(store.engine, "Reel 2/2m01", store.cue("Reel 2/2m01").id, said)
    assert read_splits(store.engine) == {}
    load(store, SyntheticCue(key="Reel 2/2m01"))
    made(store)  # one that is drawn meanwhile is no person's word
    restore_decisions(store.engine, "Reel 2/2m01", said)
    back = read_splits(store.engine)["Reel 2/2m01"]
    assert (back.split, back.pinned) == ("validation", True)
