"""How well names fit each other, and how sources are weighed."""

import math

import numpy as np
import pytest

from cue_pipeline.mapping.decision.assignment import share_ties
from cue_pipeline.mapping.decision.category import Opinion, settle_category
from cue_pipeline.mapping.decision.fusion import (
    FusionWeights,
    Sources,
    adjusted_to_cue,
    choice_probabilities,
)
from cue_pipeline.mapping.names.common_title import without_common_title
from cue_pipeline.mapping.names.fit import SAME_INSTRUMENT, ReadName, name_fit, name_fits


def fit(track: str, group: str) -> float:
    return name_fit(ReadName.of(track), ReadName.of(group))


@pytest.mark.parametrize(
    ("track", "better", "worse"),
    [
        ("Bratschen", "VLA", "VLN"),
        ("Violin 2", "VLN II", "VLN I"),
        ("Violins", "VLN", "STRINGS"),
        ("Violins", "STRINGS", "BRASS"),
        ("Piano LH", "Pno Lo", "Pno Hi"),
        ("Lead Gtr", "Ld Gtr", "Rhythm Gtr"),
        ("Clean Gtr", "GTR CLN", "GTR DIST"),
        ("Vln Spicc", "Vlns spiccato", "Vlns legato"),
        ("Horns", "Hns+Tbns", "Tpts"),
        ("Marimba", "PERC", "STRINGS"),
        ("Bass Clarinet", "BCL", "Bass"),
        ("Gtr L", "Gtr Left", "Gtr R"),
        ("Double Bass", "BASS", "BRASS"),
        ("Double Bass", "CBS", "BASS"),
        ("BD", "GC", "TIMP"),
        ("Snare", "SD", "TIMP"),
        ("Glass Drone", "SYNTHS", "WARM PAD"),
        ("Lead Vox", "VOX", "CHOIR"),
        ("Zorblax One", "zorblax_one", "Zorblax Two"),
        ("Piano left hand", "Pf LH", "Pf RH"),
        ("Pno R.H.", "Piano right hand", "Piano left hand"),
    ],
)
def test_a_name_fits_what_it_means_better(track: str, better: str, worse: str) -> None:
    assert fit(track, better) > fit(track, worse)


@pytest.mark.parametrize(
    ("track", "group"),
    [
        ("Harmonies L", "Backing Vocals"),
        ("BGV Stack", "Harmony"),
        ("Thunder", "SFX"),
        ("Bass 1", "Bass Gtr DI"),
        ("Electric Bass", "BASS"),
        ("Acoustic L", "Ac Gtr"),
        ("Elec 2", "E-Gtr 2"),
        ("Strings High", "Hi Strings"),
        ("Low Str", "Strings Lo Legato"),
        ("Cellos", "Violas + Cellos"),
        ("Trombone 2", "Tpts & Tbns"),
        ("Double Basses", "Cello/Bass"),
    ],
)
def test_names_of_one_kind_are_the_same_instrument(track: str, group: str) -> None:
    assert fit(track, group) >= SAME_INSTRUMENT
    assert fit(group, track) >= SAME_INSTRUMENT


@pytest.mark.parametrize(
    ("track", "group"),
    [
        ("Harmonies", "Lead Vocal"),
        ("Thunder", "Thunder Drum"),
        ("Bass Gtr", "Contrabass"),
        ("Acoustic", "Elec Gtr"),
        ("High Strings", "Strings Low"),
        ("Cello", "Strings Hi"),
        ("Violin 1", "Low Strings"),
        ("Bass Gtr", "Cello/Bass"),
        ("Horn 5", "Horns 1-4"),
        ("Trumpet 3", "Trumpets 1+2"),
        ("Trumpet 2", "Trumpets 1/3"),
        ("Pedal Steel", "Acoustic Gtr"),
    ],
)
def test_names_of_different_kinds_stay_apart(track: str, group: str) -> None:
    assert fit(track, group) < 0.6
    assert fit(group, track) < 0.6


def test_a_stem_of_several_players_fits_each_of_them_and_none_as_well_as_his_own() -> None:
    for number in (1, 2, 3, 4):
        assert (
            SAME_INSTRUMENT
            < fit(f"Horn {number}", "Horns 1-4")
            < fit(f"Horn {number}", f"FHN {number}")
        )
    assert fit("Trumpet 3", "Trumpets 1+3") > SAME_INSTRUMENT


def test_how_many_play_is_not_which_of_them_plays() -> None:
    assert fit("Flute 1", "Flutes a2") >= SAME_INSTRUMENT
    assert fit("Horns 1-4", "Horns a 4") >= SAME_INSTRUMENT
    assert fit("Horn 1 a2", "Horn 2") < 0.6


@pytest.mark.parametrize(
    ("track", "group", "other"),
    [("Altos", "Violas", "Violins"), ("Pedal Steel", "Steel Gtr", "Nylon Gtr")],
)
def test_a_word_that_means_something_else_elsewhere_does_not_speak_against_it(
    track: str, group: str, other: str
) -> None:
    assert 0.5 < fit(track, group) < SAME_INSTRUMENT
    assert fit(group, track) == fit(track, group)
    assert fit(track, other) < 0.5
    assert fit("Alto Sax", "Violas") == 0.0


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Piano Lesson Vla", "Piano Lesson Hns", "Piano Lesson Hp"], ["Vla", "Hns", "Hp"]),
        (["MyFilm_1m02_Vln", "MyFilm_1m02_Hns", "MyFilm_1m02_FX"], ["Vln", "Hns", "FX"]),
        (["Synth Bass", "Synth Pad", "Synth Pulse"], None),
        (["Vln I", "Vln II", "Vln III"], None),
        (["Zorblax A", "Zorblax B", "Zorblax C"], None),
        (["Piano Lesson Vla", "Piano Lesson Hns"], None),
        (["Zorb", "Zorb", "Zorb Violin"], None),
        (["", "", "", ""], None),
    ],
)
def test_a_title_that_all_names_begin_with_is_taken_off(
    names: list[str], expected: list[str] | None
) -> None:
    assert without_common_title(names) == (expected or names)


def test_names_without_an_instrument_fit_only_what_is_spelt_alike_with_the_same_number() -> None:
    assert fit("Zorblax 3", "Zorblx 3") > 0.5
    assert fit("Audio 3", "Audio 4") == 0.0
    assert fit("MIDI 3", "Audio 3_01") == 0.0


def test_the_same_name_fits_fully_whatever_it_means() -> None:
    for name in ("VLN I", "Audio 3", "Braam FX 2"):
        assert fit(name, name) == 1.0


def test_a_section_counts_less_where_the_instrument_has_its_own_group() -> None:
    alone, _ = name_fits(["Horns"], ["BRASS"])
    beside, _ = name_fits(["Horns"], ["BRASS", "FHN"])
    assert beside[0, 0] < alone[0, 0]
    assert beside[0, 1] > 0.84


def test_a_name_that_says_nothing_tells_nothing() -> None:
    fits, told = name_fits(["MIDI 4", "Viola"], ["Audio 1", "Horns"])
    assert fits.max() == 0.0
    assert told.tolist() == [[False, False], [False, True]]


def test_tied_groups_are_shared_out_and_a_clear_best_is_not_given_up_for_it() -> None:
    scores = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.8], [0.0, 0.1, 0.7]])
    chosen = share_ties(scores, least=np.full(4, 0.2))
    assert sorted(chosen[:2].tolist()) == [0, 1]
    assert chosen[2:].tolist() == [2, 2]
    assert share_ties(scores, least=np.full(4, 0.9)).tolist() == [-1] * 4


def test_probabilities_are_the_softmax_of_the_sources_utilities() -> None:
    weights = FusionWeights(name=2.0, name_neutral=0.5, evidence=1.0, model=3.0, none=0.0)
    sources = Sources(
        name_fits=np.array([[1.0, 0.0]]),
        names_told=np.array([[True, False]]),
        evidence=np.array([[0.5, 0.8]]),
        model_choice=np.array([[0.0, 0.5]]),
        model_none=np.array([0.0]),
    )
    # Utilities: 2·0.5 = 1; log(0.8/0.2) + 3·0.5; 0.
    utilities = [1.0, math.log(4) + 1.5, 0.0]
    expected = [math.exp(u) for u in utilities]
    expected = [e / sum(expected) for e in expected]
    assert choice_probabilities(sources, weights)[0] == pytest.approx(expected)


def test_a_silent_source_changes_nothing() -> None:
    fits, told = name_fits(["Viola"], ["VLA", "VC"])
    without = choice_probabilities(Sources(fits, told))
    silent = Sources(fits, told, np.full(fits.shape, np.nan), np.zeros(fits.shape), np.zeros(1))
    assert choice_probabilities(silent) == pytest.approx(without)


def test_where_every_other_track_is_heard_one_without_a_stem_is_less_likely() -> None:
    def chance_of_none(n_heard: int, n_missing: int) -> float:
        sure, missing = [0.98, 0.01, 0.01], [0.01, 0.01, 0.01]
        scores = np.array([[0.4, 0.01, 0.01], *[sure] * n_heard, *[missing] * n_missing])
        blind = np.zeros(scores.shape)
        sources = Sources(blind, blind.astype(bool), scores)
        return float(adjusted_to_cue(choice_probabilities(sources), sources)[0, -1])

    assert chance_of_none(20, 0) < 0.5 < chance_of_none(0, 0)
    assert chance_of_none(5, 0) < chance_of_none(0, 0)
    # Many missing tracks are no reason to doubt what is heard: the fit's own share stands.
    assert chance_of_none(8, 8) == pytest.approx(chance_of_none(0, 20))


def test_one_sure_opinion_on_a_category_outweighs_many_weak_ones() -> None:
    weak = [Opinion("Mid Percussion", 0.5, "track")] * 6
    assert settle_category([*weak, Opinion("Strings", 0.97, "group")])[0] == "Strings"
    assert settle_category([Opinion("Piano", 0.2, "track")])[0] == "Piano"
    assert settle_category([]) == (None, None)


def test_opinions_that_agree_are_surer_together_and_less_sure_against_each_other() -> None:
    one = settle_category([Opinion("Strings", 0.8, "group")])[1]
    two = settle_category([Opinion("Strings", 0.8, "group"), Opinion("Strings", 0.8, "track")])[1]
    split = settle_category([Opinion("Strings", 0.8, "group"), Opinion("Brass", 0.7, "track")])[1]
    assert one is not None
    assert two is not None
    assert split is not None
    assert split < one < two
    # One opinion alone is as sure as it says.
    assert one == pytest.approx(0.8, abs=0.03)
