"""The page's server on the demonstration cues."""

import io
import json

import numpy as np
import pytest
import soundfile as sf

from cue_pipeline.library.decisions import read_mappings, read_parts
from cue_pipeline.library.standing_decisions import without_notes
from cue_pipeline.reading import open_library
from cue_pipeline.review.app import Review
from cue_pipeline.review.mel_tiles import SHOWN_DB, mel_tile
from cue_pipeline.review.queue import QueueFilter, read_queue
from cue_pipeline.review.remaking import Remaker
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests import deciding

LETTER, TITLES = "Reel 1/1m02 The Letter v2", "Reel 1/1m01 Opening Titles"


def tracks_of(page, **wanted):
    return {row["name"]: row for row in page.get("/api/queue", params=wanted).json()["tracks"]}


def decide(page, track, **what):
    """Decide of a track; the page has seen that nothing stands, unless ``seen`` says else."""
    seen = {track["id"]: what.pop("seen", "")}
    return page.post("/api/decide", json={"cue": track["cue"], "seen": seen, **what})


def stem_id(page, cue, name):
    stems = page.get("/api/cue", params={"cue": cue}).json()["stems"]
    return next(stem["id"] for stem in stems if stem["name"] == name)


def test_the_queue_holds_what_the_command_line_would_have_reviewed_and_has_notes(page, store):
    found = page.get("/api/queue").json()
    expected = {
        (key, row["track_name"])
        for key in (LETTER, TITLES, "Reel 2/2m05a Chase", "Reel 2/2m06s Radio")
        for row in read_mappings(store, key)
        if row["state"] in ("review", "unmatched")
    } - {("Reel 2/2m05a Chase", "Filter Automation")}  # controllers alone
    assert {(row["cue"], row["name"]) for row in found["tracks"]} == expected
    assert (found["open"], found["decided"], found["total"]) == (len(expected), 0, len(expected))
    assert {c["key"]: c["open"] for c in found["cues"]}[TITLES] == 1


def test_tracks_without_notes_are_known_before_anything_is_decided_of_them(store):
    cue = read_parts(store, "Reel 2/2m05a Chase")
    found = without_notes(store, cue, range(len(cue.tracks)))
    assert [cue.tracks[track].name for track in found] == ["Filter Automation"]


def test_the_queue_is_filtered_by_cue_category_and_state(page):
    assert set(tracks_of(page, cue=TITLES)) == {"Piano Sketch"}
    assert set(tracks_of(page, category="Woodwinds")) == {"Flute"}
    assert set(tracks_of(page, state="unmatched")) == {"Piano Sketch"}
    assert "Horns a4" in tracks_of(page, state="all", cue=TITLES)
    assert page.get("/api/queue", params={"state": "asleep"}).status_code == 404


def test_a_cue_comes_whole_and_its_tracks_by_what_is_in_doubt(page):
    rows = page.get("/api/queue").json()["tracks"]
    cues = [row["cue"] for row in rows]
    assert sorted(cues, key=cues.index) == cues
    letter = [row for row in rows if row["cue"] == LETTER]
    weights = [max(0.05, 1 - row["confidence"]) * row["seconds"] for row in letter]
    assert weights == sorted(weights, reverse=True)


def test_a_decision_is_kept_at_once_and_comes_off_the_queue(page, store, followed):
    flute = tracks_of(page)["Flute"]
    answer = decide(page, flute, stem=stem_id(page, LETTER, "1m02 FL_01"), by="Béla")
    assert answer.json()[flute["id"]]["stem"] == "1m02 FL_01"
    assert answer.json()[flute["id"]]["stem_id"] == stem_id(page, LETTER, "1m02 FL_01")
    kept = store.overrides(LETTER).to_dict("records")
    assert [(row["track"], row["canonical_name"], row["decided_by"]) for row in kept] == [
        ("Flute", "1m02 FL_01", "Béla")
    ]
    found = page.get("/api/queue").json()
    assert "Flute" not in {row["name"] for row in found["tracks"]}
    assert (found["decided"], found["open"]) == (1, 4)
    decided = tracks_of(page, state="decided")["Flute"]["decided"]
    assert (decided["by"], decided["stem"]) == ("Béla", "1m02 FL_01")
    assert followed == []


def test_no_stem_and_a_category_add_up_and_are_undone_one_by_one(page, store):
    flute = tracks_of(page)["Flute"]
    first = decide(page, flute, category="Brass").json()[flute["id"]]
    both = decide(page, flute, stem="-", seen=first["version"]).json()[flute["id"]]
    assert (both["stem"], both["category"]) == ("-", "Brass")
    undone = page.post(
        "/api/undo", json={"cue": LETTER, "seen": {flute["id"]: both["version"]}}
    ).json()[flute["id"]]
    assert (undone["stem"], undone["category"]) == (None, "Brass")
    last = page.post("/api/undo", json={"cue": LETTER, "seen": {flute["id"]: undone["version"]}})
    assert last.json() == {}
    assert store.overrides(LETTER).empty


def test_what_somebody_else_decided_meanwhile_is_told_and_kept_in_the_history(page, store):
    flute = tracks_of(page)["Flute"]
    deciding.decide(store, LETTER, "Flute", "-", None, by="Clara")
    answer = decide(page, flute, stem=stem_id(page, LETTER, "1m02 FL_01"), by="Béla")
    assert answer.status_code == 409
    assert "Clara decided" in answer.json()["told"]
    standing = answer.json()["standing"][flute["id"]]
    assert store.overrides(LETTER)["canonical_name"].tolist() == ["-"]
    again = decide(
        page, flute, stem=stem_id(page, LETTER, "1m02 FL_01"), by="Béla", seen=standing["version"]
    )
    assert again.status_code == 200
    assert [change.decided_by for change in store.history(LETTER)] == ["Clara", "Béla"]
    undone = page.post("/api/undo", json={"cue": LETTER, "seen": {flute["id"]: "another"}})
    assert undone.status_code == 409


def test_of_several_tracks_that_are_undone_together_none_is_where_one_has_nothing(page, store):
    tracks = tracks_of(page, cue=LETTER)
    flute, pad = tracks["Flute"], tracks["Warm Pad"]
    version = decide(page, flute, stem="-").json()[flute["id"]]["version"]
    seen = {flute["id"]: version, pad["id"]: ""}
    answer = page.post("/api/undo", json={"cue": LETTER, "seen": seen})
    assert (answer.status_code, "Warm Pad" in answer.json()["told"]) == (422, True)
    assert store.overrides(LETTER)["canonical_name"].tolist() == ["-"]


def test_two_servers_on_one_database_tell_each_other_s_decisions(page, demo_url, open_page):
    remaker = Remaker(lambda keys: {})
    second = Review(open_library(demo_url), open_store(demo_url), remaker, "Clara")
    flute = tracks_of(page)["Flute"]
    with open_page(second) as other:
        assert decide(other, flute, stem="-").status_code == 200
        answer = decide(page, flute, category="Brass")
        assert answer.status_code == 409
        assert "Clara decided" in answer.json()["told"]
    remaker.close()


@pytest.mark.parametrize("moved", [0.25, -0.1])
def test_notes_that_were_moved_state_the_clock_of_all_stems(page, store, demo, moved):
    flute = tracks_of(page)["Flute"]
    first = page.get("/api/track", params={"cue": LETTER, "id": flute["id"]}).json()["notes"][0][0]
    written = demo[LETTER].notes().query("track_name == 'Flute'")["start_time"].min()
    body = {"cue": LETTER, "track": flute["id"], "moved_seconds": moved, "by": "Béla"}
    answer = page.post("/api/clock", json=body)
    (stated,) = store.read(LETTER, "alignment_overrides").to_dict("records")
    assert stated["lag_seconds"] == pytest.approx(first - written + moved, abs=2e-3)
    assert stated["lag_seconds"] == answer.json()["lag_seconds"]
    assert (stated["stem"], stated["decided_by"]) == ("", "Béla")
    assert stated["midi_file"] == "MIDI/1m02 The Letter v2.mid"  # of two
    assert page.post("/api/clock", json=body | {"moved_seconds": 1e9}).status_code == 422


def test_several_tracks_are_decided_together(page, store):
    tracks = tracks_of(page, cue=LETTER)
    seen = {tracks[name]["id"]: "" for name in ("Warm Pad", "Glass Drone")}
    stem = stem_id(page, LETTER, "1m02 WARM PAD_01")
    page.post("/api/decide", json={"cue": LETTER, "seen": seen, "stem": stem})
    history = store.history(LETTER)
    assert len({change.change_id for change in history}) == 1
    assert {change.track for change in history} == {"Warm Pad", "Glass Drone"}
    assert {change.decided_by for change in history} == {"Anna"}  # nobody said who


def test_a_cue_that_is_left_is_made_again(page, followed):
    decide(page, tracks_of(page)["Flute"], stem="-")
    page.post("/api/leave", json={"cue": LETTER})
    for _ in range(200):
        if page.get("/api/remaking").json()[LETTER]["state"] == "made":
            break
    assert followed == [LETTER]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"cue": LETTER, "seen": {"1": ""}, "stem": "-"}, 404),
        ({"cue": "nowhere", "seen": {}, "stem": "-"}, 404),
        ({"cue": LETTER, "seen": {"x": ""}}, 400),
        ({"cue": LETTER}, 400),
        ([], 400),
    ],
)
def test_what_cannot_be_decided_is_told(page, body, status):
    answer = page.post("/api/decide", json=body)
    assert answer.status_code == status
    assert answer.json()["told"]


def test_an_unknown_stem_or_category_decides_nothing(page, store):
    flute = tracks_of(page)["Flute"]
    assert decide(page, flute, stem="12345").status_code == 422
    assert decide(page, flute, stem="-", category="Kazoo").status_code == 422
    assert decide(page, flute).status_code == 422
    assert store.overrides(LETTER).empty


def test_a_catalogue_shows_all_and_writes_nothing(demo, open_page):
    with open_page(Review(demo, None, None, "Anna"), read_only=True) as catalogue:
        flute = tracks_of(catalogue)["Flute"]
        assert catalogue.get("/api/about").json()["read_only"] is True
        assert decide(catalogue, flute, stem="-").status_code == 403
        assert catalogue.get("/api/standing", params={"cue": LETTER}).json() == {}


def test_notes_stand_where_the_python_door_has_them_heard(page, demo):
    heard = demo[TITLES].heard_notes()
    heard = heard[heard["track_name"] == "Violins 1"].sort_values("heard_start")
    track = tracks_of(page, state="all", cue=TITLES)["Violins 1"]
    pair = page.get("/api/track", params={"cue": TITLES, "id": track["id"]}).json()
    assert pair["candidates"][0]["name"] == "1m01 VLN I_01"
    np.testing.assert_allclose([n[0] for n in pair["notes"]], heard["heard_start"], atol=1e-5)
    np.testing.assert_allclose([n[1] for n in pair["notes"]], heard["heard_end"], atol=1e-5)
    assert pair["told"] == []


def test_a_stem_beside_the_candidates_is_shown_on_their_axis(page):
    track = tracks_of(page, state="all", cue=TITLES)["Violins 1"]
    stem = stem_id(page, TITLES, "1m01 TIMP_01")
    found = page.get("/api/sound", params={"cue": TITLES, "id": track["id"], "stem": stem}).json()
    assert found["id"] == stem
    assert found["knots"][0][0] == pytest.approx(found["knots"][0][1], abs=1e-3)


def test_a_tile_is_the_stored_mel_below_its_loudest(demo):
    mel = demo[TITLES].stems["1m01 VLN I_01"].mel()
    whole = mel.array
    tile = np.frombuffer(mel_tile(mel, 0, 0), np.uint8).reshape(-1, mel.shape[1])
    shown = np.clip((whole[:512] - whole.max() + SHOWN_DB) / SHOWN_DB * 255, 0, 255)
    assert np.abs(tile - shown).max() <= 1.0
    coarse = np.frombuffer(mel_tile(mel, 2, 0), np.uint8).reshape(-1, mel.shape[1])
    assert len(coarse) == -(-len(whole) // 4)
    assert coarse[10].tolist() == tile[40:44].max(axis=0).tolist()
    assert mel_tile(mel, 0, 999) == b""


def test_tiles_are_kept_by_the_browser_as_long_as_the_mel_is_the_same(page):
    track = tracks_of(page)["Flute"]
    pair = page.get("/api/track", params={"cue": LETTER, "id": track["id"]}).json()
    sound = pair["candidates"][0]
    path = f"/api/mel/stem/{sound['id']}"
    asked = {"cue": LETTER, "zoom": 0, "tile": 0, "v": sound["mel"]["version"]}
    assert "immutable" in page.get(path, params=asked).headers["cache-control"]
    assert page.get(path, params=asked | {"v": "old"}).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("kind", ["stem", "mix"])
def test_a_second_of_sound_is_that_of_the_files_at_the_told_gain(page, demo, kind):
    cue = demo[TITLES]
    sound = cue.stems["1m01 VCS_01"] if kind == "stem" else next(iter(cue.mixes.values()))
    path, asked = f"/sound/{kind}/{sound.id}.wav", {"cue": TITLES}
    part = page.get(
        path, params=asked, headers={"range": f"bytes={44 + 2 * 192_000}-{44 + 3 * 192_000 - 1}"}
    )
    assert part.status_code == 206
    found = np.frombuffer(part.content, "<i2").reshape(-1, 2).T / 32767.0
    gain = 10 ** (float(part.headers["x-gain-db"]) / 20)
    channels = dict(zip(sound.labels, sound.audio(2.0, 1.0), strict=True))
    centre = channels.get("C", channels.get("M", 0.0)) * (1.0 if kind == "stem" else 0.5**0.5)
    left = channels.get("L", 0.0) + centre + 0.5**0.5 * channels.get("Ls", 0.0)
    assert np.abs(found[0] - gain * left).max() < 1.0 / 32767
    whole, rate = sf.read(io.BytesIO(page.get(path, params=asked).content), always_2d=True)
    assert (len(whole), rate) == (round(sound.duration_seconds * 48_000), 48_000)
    assert np.abs(whole[96_000:144_000, 0] - found[0]).max() < 2.0 / 32767


def test_sound_is_served_by_registered_ids_only(page):
    assert page.get("/sound/stem/1.wav", params={"cue": TITLES}).status_code == 404
    assert page.get("/sound/file/1.wav", params={"cue": TITLES}).status_code == 404
    assert page.get("/sound/stem/..%2f..%2fetc%2fpasswd.wav").status_code == 404
    ours = stem_id(page, TITLES, "1m01 VCS_01")
    assert page.get(f"/sound/stem/{ours}.wav", params={"cue": LETTER}).status_code == 404
    asked = {"cue": TITLES, "rate": 12_345}
    assert page.get(f"/sound/stem/{ours}.wav", params=asked).status_code == 400


def test_a_library_that_is_away_is_told_with_the_cure(demo, store, open_page, monkeypatch):
    from cue_pipeline.errors import CueError
    from cue_pipeline.reading import Cue

    def away(self):
        raise CueError("There is no folder.")

    monkeypatch.setattr(Cue, "folder", property(away))
    with open_page(Review(demo, None, None, "Anna")) as catalogue:
        stem = stem_id(catalogue, TITLES, "1m01 VCS_01")
        answer = catalogue.get(f"/sound/stem/{stem}.wav", params={"cue": TITLES})
    assert answer.status_code == 410
    assert "--root DIR" in answer.json()["told"]
    assert answer.headers["cache-control"] == "no-store"  # RFC 9110 lets a 410 be kept for good


def test_what_is_opened_first_is_read_before_it_is_asked_for(demo, monkeypatch):
    review = Review(demo, None, None, "Anna")
    review.warm_up()
    read = []
    monkeypatch.setattr("cue_pipeline.review.cue_sheet.CueSheet", lambda *args: read.append(args))
    first = read_queue(demo.store, QueueFilter())["tracks"][0]
    assert review.sheets.open(first["cue"]).key == first["cue"]
    assert read == []


def test_ids_are_text_since_numbers_of_javascript_cannot_hold_them(page):
    numbers: list[int] = []
    for path, asked in (("/api/queue", {}), ("/api/cue", {"cue": TITLES})):
        text = page.get(path, params=asked).text
        json.loads(text, parse_int=lambda digits: numbers.append(int(digits)))
    assert numbers
    assert max(numbers) < 2**53


def test_a_cue_is_told_with_the_score_of_every_track_in_every_stem(page):
    told = page.get("/api/cue", params={"cue": TITLES}).json()
    assert [len(row) for row in told["scores"]] == [len(told["stems"])] * len(told["tracks"])
    at = next(i for i, t in enumerate(told["tracks"]) if t["name"] == "Horns a4")
    stems = [stem["id"] for stem in told["stems"]]
    assert told["scores"][at][stems.index(told["tracks"][at]["stem"])] == max(
        score for score in told["scores"][at] if score is not None
    )
