"""What is right in each reported cue.

The cues are written by two programs, one for audio and one for MIDI, from public bug reports. A key
is the folder's name; its function yields what must be so.
Times, channels, names and labels are what the writer of the cue put there, never what the product
made of it.
"""

import json
import re
from collections.abc import Callable, Iterator

from cue_pipeline_tests.cases.cue_view import CueView, Finding

Rule = Callable[[CueView], Iterator[Finding]]
EXPECTED: dict[str, Rule] = {}

FILM = "L C R Ls Rs LFE"
SMPTE = "L R C LFE Ls Rs"
SOUND_OF = {0: "VLN", 1: "FLT", 2: "HRN", 3: "BASS", 9: "DRUMS"}
NAMED = {
    "Violins 1": "VLN", "Flute": "FLT", "Horns": "HRN", "Double Bass": "BASS", "Drum Kit": "DRUMS",
}  # fmt: skip


def case(key: str) -> Callable[[Rule], Rule]:
    """Enter a rule in the table."""

    def enter(rule: Rule) -> Rule:
        EXPECTED[key] = rule
        return rule

    return enter


def near(value: float | None, true: float, within: float = 0.001) -> bool:
    """Whether a stored number is the true one."""
    return value is not None and abs(value - true) <= within


def lasts(view: CueView, stem: str, seconds: float) -> Finding:
    """Claim a stem's length."""
    found = view.stems.get(stem, {}).get("duration_seconds")
    return Finding(
        f"{stem} lasts {seconds:g} s (found {found})", near(found, seconds), re.escape(stem)
    )


def is_told(view: CueView, pattern: str) -> Finding:
    """Claim that something is told."""
    return Finding(f"told: /{pattern}/", view.tells(pattern))


def not_told(view: CueView, pattern: str) -> Finding:
    """Claim that no false doubt is told."""
    return Finding(f"not told: /{pattern}/", not view.tells(pattern))


def layouts(view: CueView, **expected: int) -> Finding:
    """Claim how many stems there are of each layout."""
    found: dict[str, int] = {}
    for row in view.stems.values():
        found[row["layout"]] = found.get(row["layout"], 0) + 1
    return Finding(f"stems by layout are {expected} (found {found})", found == expected)


def in_order(view: CueView, row: dict, order: str) -> Finding:
    """Claim what each interleaved channel of a group is."""
    by_index = sorted(json.loads(row["channels"]), key=lambda c: c["channel_index"])
    found = " ".join(channel["label"] for channel in by_index)
    name = row["canonical_name"]
    return Finding(f"{name} is {order} (found {found})", found == order, "order")


def maps(_: CueView, track: dict, stem: str | None) -> Finding:
    """Claim a part's stem; in review or unmatched it is doubt, in `auto` it must be right."""
    where = f"{track['track_name']!r} #{track['track_index']}/{track['part_channel']}"
    found = track["stem"] and track["stem"].removesuffix("_01")  # Pro Tools' take
    named_so = found == (stem and stem.removesuffix("_01"))
    right = named_so and track["state"] in ("auto", "confirmed", "review")
    what = f"{where} is in {stem} (found {track['stem']}, {track['state']})"
    return Finding(what, right, "." if track["state"] != "auto" else "")


def ready(view: CueView) -> Finding:
    """Claim that all assets are there."""
    return Finding(f"7 assets are ready (found {sorted(view.ready)})", len(view.ready) == 7)


def named(view: CueView) -> Iterator[Finding]:
    """Claim the five parts of the common tune, by name."""
    found = {t["track_name"]: t for t in view.sounding}
    for name, stem in NAMED.items():
        yield maps(view, found[name], stem)


# ------------------------------------------------------------------ audio: what a header says


@case("a01_trailing_zeros")
def _(view: CueView) -> Iterator[Finding]:
    yield lasts(view, "VLN_01", 2)
    yield lasts(view, "HRN_01", 2)


@case("a02_header_says_less")
def _(view: CueView) -> Iterator[Finding]:
    yield lasts(view, "VLN_01", 6)
    yield is_told(view, "VLN_01.*(header|size|promise)")
    yield lasts(view, "HRN_01", 2)


@case("a02b_over_4gib_wrapped")
def _(view: CueView) -> Iterator[Finding]:
    yield lasts(view, "VLN_01", (2**32 + 3 * 48_000) // 3 / 48_000)
    yield is_told(view, "VLN_01.*(header|size|promise|4 GiB)")


@case("a04_odd_bext_no_pad")
def _(view: CueView) -> Iterator[Finding]:
    yield lasts(view, "VLN_01", 2)
    found = view.stems["VLN_01"]["time_reference"]
    yield Finding(f"its reference is 172800000 (found {found})", found == 172_800_000, "reference")
    yield is_told(view, "VLN_01.*(chunk|pad)")


@case("a05_mono_mask_front_left")
def _(view: CueView) -> Iterator[Finding]:
    yield layouts(view, mono=2)
    yield not_told(view, "lacks")


@case("a07_caf_aiff_channel_layout")
def _(view: CueView) -> Iterator[Finding]:
    yield in_order(view, view.mixes["1m02 6mx"], SMPTE)
    yield in_order(view, view.stems["1m02 STR"], SMPTE)


# ------------------------------------------------------------------ audio: time references


@case("a10_time_reference_all_ones")
def _(view: CueView) -> Iterator[Finding]:
    yield ready(view)
    found = view.stems["VLN_01"]["time_reference"]
    yield Finding(f"there is no reference (found {found})", found is None)
    yield is_told(view, "VLN_01.*reference")


def _sums(view: CueView) -> Iterator[Finding]:
    mix = view.mixes["1m02 6mx"]
    found = mix["residual_db"]
    yield Finding(f"the stems sum to the mix (found {found} dB)", found is not None and found < -60)
    rows = [mix, *view.stems.values()]
    starts = [r["start_offset_seconds"] for r in rows if r["start_offset_seconds"] is not None]
    apart = max(starts) - min(starts) if starts else 0.0
    yield Finding(f"all begin together (found {apart:g} s apart)", apart < 0.001)
    yield is_told(view, "reference")


@case("a11_mix_stamped_zero")
def _(view: CueView) -> Iterator[Finding]:
    yield from _sums(view)


@case("a12_reference_not_rescaled")
def _(view: CueView) -> Iterator[Finding]:
    yield from _sums(view)
    yield is_told(view, "HRN_01.*reference|reference.*HRN_01")


# ------------------------------------------------------------------ audio: names, layouts, mixes


@case("b01_every_stem_holds_6mx")
def _(view: CueView) -> Iterator[Finding]:
    yield layouts(view, **{"5.1": 3})
    yield Finding(f"one mix (found {list(view.mixes)})", list(view.mixes) == ["1m02 6mx"])
    known = [row["known_by"] for row in view.mixes.values()]
    yield Finding(f"it is said how the mix is known (found {known})", all(known) and bool(known))


@case("b02_piano_lh_rh")
def _(view: CueView) -> Iterator[Finding]:
    yield layouts(view, mono=5)
    yield not_told(view, "lacks")


@case("b03_ffmpeg_channel_names")
def _(view: CueView) -> Iterator[Finding]:
    found = [(n, r["layout"], set(view.order(r).split())) for n, r in view.mixes.items()]
    true = [("1m02 6mx", "5.1", set(FILM.split()))]
    yield Finding(f"one 5.1 mix (found {found})", found == true)
    yield layouts(view, stereo=1)


@case("b04_stl_str")
def _(view: CueView) -> Iterator[Finding]:
    yield layouts(view, stereo=1)
    yield Finding("one stereo mix", [r["layout"] for r in view.mixes.values()] == ["stereo"])


@case("b05_array_suffixes")
def _(view: CueView) -> Iterator[Finding]:
    found = [(n, len(json.loads(r["channels"]))) for n, r in view.mixes.items()]
    yield Finding(f"one mix of six channels (found {found})", [n for _, n in found] == [6])
    yield is_told(view, "6mx.*order|order.*6mx")


@case("b06_download_and_finder_copies")
def _(view: CueView) -> Iterator[Finding]:
    yield layouts(view, stereo=4)


@case("b09_stereo_mix_beside")
def _(view: CueView) -> Iterator[Finding]:
    yield Finding(
        f"two stems (found {list(view.stems)})", set(view.stems) == {"1m02 STR", "1m02 BRS"}
    )
    residual = view.mixes["1m02 6mx"]["residual_db"]
    yield Finding(
        f"they sum to the mix (found {residual} dB)", residual is not None and residual < -60
    )
    known = {name: (row["role"], row["known_by"]) for name, row in view.mixes.items()}
    yield Finding(
        f"roles and how they are known (found {known})", all(all(k) for k in known.values())
    )


@case("b11_interleaved_without_word")
def _(view: CueView) -> Iterator[Finding]:
    every = {**view.mixes, **view.stems}
    yield in_order(view, every["1m02 STR"], SMPTE)
    yield in_order(view, every["1m02 BRS"], FILM)
    yield Finding("the 6mx is a 5.1", every["1m02 6mx"]["layout"] == "5.1")
    yield is_told(view, "6mx.*order|order.*6mx")


# ------------------------------------------------------------------ audio: what is not read


@case("b12_nested_session")
def _(view: CueView) -> Iterator[Finding]:
    read = "VLN" in view.stems and view.stems["VLN"]["layout"] == "stereo"
    yield Finding(f"VLN is read (found {list(view.stems)})", read, "1m02 v3")
    yield is_told(view, "Bounced")


@case("b13_icloud_placeholder")
def _(view: CueView) -> Iterator[Finding]:
    yield is_told(view, r"not downloaded")
    yield is_told(view, r"VLN\.R")
    yield is_told(view, r"HRN_01")


@case("b14_no_suffix")
def _(view: CueView) -> Iterator[Finding]:
    read = near(view.stems.get("CELLI_01", {}).get("duration_seconds"), 2)
    yield Finding(f"CELLI_01 is read (found {list(view.stems)})", read, "CELLI_01")
    stereo = view.stems.get("VLN_01", {}).get("layout") == "stereo"
    yield Finding("VLN_01 is read, stereo", stereo, r"VLN_01\.L")


# ------------------------------------------------------------------ MIDI: parts


@case("00_control_format1")
def _(view: CueView) -> Iterator[Finding]:
    yield from named(view)
    autos = [t["state"] for t in view.sounding]
    yield Finding(f"all stand by themselves (found {autos})", autos == ["auto"] * 5)


def _by_channel(view: CueView) -> Iterator[Finding]:
    found = {t["part_channel"]: t for t in view.sounding}
    yield Finding(f"five parts (found {sorted(found)})", set(found) == set(SOUND_OF))
    for channel, stem in SOUND_OF.items():
        yield maps(view, found[channel], stem)


@case("01_format0_five_channels")
def _(view: CueView) -> Iterator[Finding]:
    yield from _by_channel(view)


@case("02_format0_channel_prefix")
def _(view: CueView) -> Iterator[Finding]:
    yield from _by_channel(view)
    yield from named(view)


@case("04_multiport")
def _(view: CueView) -> Iterator[Finding]:
    parts = [t for t in view.sounding if t["file_path"].endswith("format0.mid")]
    held = {t["port"]: [(n["start_tick"], n["end_tick"]) for n in view.events(t)] for t in parts}
    true = {0: [(0, 5760)], 1: [(480, 960)]}
    yield Finding(f"each port's note has its own end (found {held})", held == true)


@case("05_several_names")
def _(view: CueView) -> Iterator[Finding]:
    found = [t["track_name"] for t in view.sounding]
    true = ["Violas", "Flute", "French Horns Legato", "Contrabass Pizz"]
    right = [t in f for t, f in zip(true, found, strict=True)]
    yield Finding(f"the best names (found {found})", all(right))
    kept = view.sounding[1]["all_names"] or ""
    yield Finding(f"Piccolo is kept (found {kept})", "Piccolo" in kept)


_BY_PROGRAM = [
    {"Strings"}, {"Woodwinds"}, {"Brass"}, {"Double Bass", "Strings", "Bass"}, {"Drums"},
]  # fmt: skip


@case("06_programs_in_setup_track")
def _(view: CueView) -> Iterator[Finding]:
    found = [t["instrument_category"] for t in view.sounding]
    right = [f in true for f, true in zip(found, _BY_PROGRAM, strict=True)]
    yield Finding(f"categories by the programs (found {found})", all(right))
    silent = [(t["track_name"], t["instrument_category"]) for t in view.tracks if not t["notes"]]
    yield Finding(
        f"what has no notes is no instrument (found {silent})", all(c is None for _, c in silent)
    )
    for i, track in enumerate(view.sounding):
        yield maps(view, track, f"Audio {i + 1}")


@case("06b_programs_in_own_track")
def _(view: CueView) -> Iterator[Finding]:
    found = [t["instrument_category"] for t in view.sounding]
    right = [f in true for f, true in zip(found, _BY_PROGRAM, strict=True)]
    yield Finding(f"categories by the programs (found {found})", all(right))
    for i, track in enumerate(view.sounding):
        yield maps(view, track, f"Audio {i + 1}")


_PERCUSSION = {
    "Drums", "Orch Percussion", "Low Percussion", "Mid Percussion", "High Percussion",
}  # fmt: skip


@case("07_drums_off_channel_10")
def _(view: CueView) -> Iterator[Finding]:
    found = {t["track_name"]: t for t in view.sounding}
    for name in ("Track 11", "Track 12", "Track 13"):
        category = found[name]["instrument_category"]
        yield Finding(f"{name} is percussion (found {category})", category in _PERCUSSION)
    category = found["Track 10"]["instrument_category"]
    yield Finding(f"Track 10 is a violin (found {category})", category == "Strings")
    yield maps(view, found["Track 10"], "Audio 2")


@case("07b_the_same_drums_on_channel_10")
def _(view: CueView) -> Iterator[Finding]:
    found = {t["track_name"]: t for t in view.sounding}
    categories = {name: t["instrument_category"] for name, t in found.items()}
    yield Finding(
        f"drums and a violin (found {categories})",
        categories == {"Track 11": "Drums", "Track 10": "Strings"},
    )
    yield maps(view, found["Track 11"], "Audio 1")
    yield maps(view, found["Track 10"], "Audio 2")


@case("08_mpe")
def _(view: CueView) -> Iterator[Finding]:
    own = [t for t in view.sounding if t["track_name"] == "MIDI 5"]
    yield Finding(f"MPE is one part (found {len(own)})", len(own) == 1)
    category = own[0]["instrument_category"]
    yield Finding(f"it is no drum (found {category})", category not in _PERCUSSION)
    yield maps(view, own[0], "Audio 1")


# ------------------------------------------------------------------ MIDI: one clock


def _seconds(beat: float) -> float:
    return beat * 60 / 90 if beat <= 24 else 16 + (beat - 24) * 60 / 72


def _follows(view: CueView) -> Iterator[Finding]:
    worst, apart = 0, 0.0
    for track in view.sounding:
        for note in view.events(track):
            worst += 1
            true = _seconds(note["start_tick"] / 480)
            apart = max(apart, abs(note["start_time"] - true))
    yield Finding(
        f"{worst} notes follow the map (found {apart:.3f} s off)", worst > 0 and apart < 0.001
    )
    yield from named(view)


@case("09_tempo_in_its_own_file")
def _(view: CueView) -> Iterator[Finding]:
    yield from _follows(view)
    clock = view.files["1m01 Parts.mid"]["clock_from"]
    yield Finding(f"it is stored whose map holds (found {clock})", clock is not None)
    yield is_told(view, "tempo")


@case("09b_tempo_in_the_same_file")
def _(view: CueView) -> Iterator[Finding]:
    yield from _follows(view)


@case("11_duplicate_and_old_version")
def _(view: CueView) -> Iterator[Finding]:
    same = {name: row["same_as"] for name, row in view.files.items() if row["same_as"] is not None}
    yield Finding(f"one of the equal files is a copy (found {same})", len(same) >= 1)
    twice = {"1m01 v2.mid", "1m01 v2 copy.mid"} & set(same)
    yield Finding("not both are", len(twice) == 1)
    yield is_told(view, r"1m01 v1\.mid.*(version|older|tempo)|(version|older|tempo).*1m01 v1\.mid")
    for track in view.sounding:
        if track["state"] is not None:
            yield maps(view, track, NAMED[track["track_name"]])


@case("11b_wrong_tempo_opaque")
def _(view: CueView) -> Iterator[Finding]:
    states = [t["state"] for t in view.sounding]
    clocks = view.rows(
        "SELECT a.knots FROM stem_alignments a JOIN midi_files f ON f.id = a.midi_file_id"
        " JOIN cues c ON c.id = f.cue_id WHERE c.cue_key = :key AND a.confidence > 0.5"
    )
    knots = [knot for row in clocks for knot in json.loads(row["knots"])]
    apart = max((abs(heard - at * 112 / 120) for at, heard in knots), default=9e9)
    yield Finding(
        f"none stands by itself (found {states}), or the tempo is fitted (found {apart:.3f} s off)",
        "auto" not in states or apart < 0.05,
    )
    yield is_told(view, "tempo|clock|drift|lag")


def _heard(view: CueView) -> Iterator[Finding]:
    heard = view.rows(
        "SELECT COUNT(*) AS n FROM match_evidence e"
        " JOIN midi_tracks t ON t.id = e.midi_track_id JOIN midi_files f ON f.id = t.midi_file_id"
        " JOIN cues c ON c.id = f.cue_id WHERE c.cue_key = :key AND e.score > 0.5"
    )[0]["n"]
    yield Finding(f"all five are heard (found {heard})", heard >= 5, "time code|reference|lag")
    yield from named(view)


@case("12_hour_of_silence")
def _(view: CueView) -> Iterator[Finding]:
    yield from _heard(view)


@case("13_timecode_120s_apart")
def _(view: CueView) -> Iterator[Finding]:
    yield from _heard(view)


@case("13b_timecode_10s_apart")
def _(view: CueView) -> Iterator[Finding]:
    yield from _heard(view)


# ------------------------------------------------------------------ MIDI: text, lengths, containers

_NAMES = {
    "cyrillic.mid": ["Скрипки", "Виолончели", "Валторны", "Ударные", "Хор женский"],
    "chinese.mid": ["小提琴", "大提琴", "圆号", "长笛", "打击乐"],
    "korean.mid": ["바이올린", "첼로", "호른", "플루트", "합창"],
    "greek.mid": ["Βιολί", "Τύμπανα"],
    "czech.mid": ["Housle", "Příčná flétna", "Žestě", "Sbor ženský"],
}


@case("15_charsets")
def _(view: CueView) -> Iterator[Finding]:
    for file, names in _NAMES.items():
        own = [t["track_name"] for t in view.sounding if t["file_path"] == f"MIDI/{file}"]
        yield Finding(f"{file} says {names} (found {own})", own == names, re.escape(file))


@case("16_odd_names")
def _(view: CueView) -> Iterator[Finding]:
    shown = "".join(view.lines)
    raw = sorted({hex(ord(c)) for c in shown if c in "\x1b\x07\x7f\x85\u202e\r\x00"})
    yield Finding(f"no control character is printed (found {raw})", not raw)
    yield Finding(f"all ten tracks are kept (found {len(view.sounding)})", len(view.sounding) == 10)


@case("18_odd_lengths")
def _(view: CueView) -> Iterator[Finding]:
    for name, true in (
        ("tempo of 4 bytes.mid", 500_000),
        ("tempo of 4 bytes padded behind.mid", 500_000),
        ("meter of 2 bytes.mid", 600_000),
    ):
        row = view.files[name]
        found = [entry[2] for entry in json.loads(row["tempo_map"])]
        yield Finding(f"{name}: tempo {true} (found {found})", found == [true])
        warned = [w for w in view.file_warnings(row) if re.search("length|byte", w)]
        yield Finding(f"{name} is warned of (found {warned})", bool(warned))


def _two_parts(view: CueView, file: str) -> Iterator[Finding]:
    own = [t["track_name"] for t in view.sounding if t["file_path"] == f"MIDI/{file}"]
    yield Finding(f"{file} is read (found {own})", own == ["Violins 1", "Flute"])


@case("19a_only_rmi")
def _(view: CueView) -> Iterator[Finding]:
    yield from _two_parts(view, "cue.rmi")


@case("19b_only_kar")
def _(view: CueView) -> Iterator[Finding]:
    yield from _two_parts(view, "cue.kar")


@case("19c_only_smf")
def _(view: CueView) -> Iterator[Finding]:
    yield from _two_parts(view, "cue.smf")


@case("19d_mid_beside_kar_rmi_midi2")
def _(view: CueView) -> Iterator[Finding]:
    for file in ("cue.mid", "synths.kar", "choir.rmi"):
        yield from _two_parts(view, file)
    yield is_told(view, r"mpe\.midi2.*MIDI 2|MIDI 2.*mpe\.midi2")


# ------------------------------------------------------------------ MIDI: what stands for a note


@case("24_drums_without_note_offs")
def _(view: CueView) -> Iterator[Finding]:
    drums = next(t for t in view.sounding if t["track_name"] == "Drums")
    onsets = [n["start_tick"] for n in view.events(drums)]
    yield Finding(f"all strokes are kept (found {len(onsets)})", len(onsets) > 60)
    yield maps(view, drums, "DRUMS")


@case("28_program_as_articulation")
def _(view: CueView) -> Iterator[Finding]:
    own = next(t for t in view.sounding if t["track_name"] == "Kontakt 3")
    guitar = own["instrument_category"] == "Acoustic Guitar"
    yield Finding(
        "no guitar by an articulation's program "
        f"(found {own['instrument_category']}, {own['state']})",
        not guitar,
        "." if own["state"] == "review" else "",
    )
    yield maps(view, own, "Audio 1")
