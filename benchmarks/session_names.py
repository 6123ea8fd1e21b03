"""Sessions under people's names: how engineers spell instruments, and what goes wrong with it.

Tracks and stems are named in five manners: real names; the same, but a stem of several tracks is
called after the first of them ("lead"); half of all names opaque ("MIDI 4", "Audio 3_01"); all
opaque; and misleading (stems whose names are swapped). Train, test and fresh set share no
spellings.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

MANNERS = ("real", "lead", "half opaque", "opaque", "misleading")
# How much each manner counts in the fit: what share of real sessions is like that is a guess.
MANNER_WEIGHTS = {
    "real": 0.45,
    "lead": 0.10,
    "half opaque": 0.25,
    "opaque": 0.15,
    "misleading": 0.05,
}

# Instrument: (spellings for the train set, spellings for the test set), and its section.
SPELLINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "Violins I": (
        ("Vln 1", "Violins I Leg", "1. Violinen"),
        ("VLN I", "Vlns 1 CLOSE", "Violini I"),
        "str",
    ),
    "Violins II": (
        ("Vln 2", "Violins II Leg", "2. Violinen"),
        ("VLN II", "Vlns 2 CLOSE", "Violini II"),
        "str",
    ),
    "Violin I": (("Vln 1", "Violin 1"), ("VLN I", "Violino I"), "str"),
    "Violin II": (("Vln 2", "Violin 2"), ("VLN II", "Violino II"), "str"),
    "Violas": (("Vla", "Bratschen", "Violas Spicc"), ("VLAS", "Viole", "Violas"), "str"),
    "Viola": (("Vla", "Bratsche"), ("VLA", "Viola"), "str"),
    "Celli": (("Vc", "Cellos", "Celli Sus"), ("VCS", "Violoncelli", "Celli"), "str"),
    "Cello": (("Vc", "Cello"), ("VC", "Violoncello"), "str"),
    "Basses": (("Cb", "Kontrabass", "Basses Pizz"), ("CBS", "Contrabassi", "Double Basses"), "str"),
    "Strings": (("Strings", "Str Ens"), ("STGS", "Archi"), "str"),
    "Flute": (("Fl 1", "Flöte", "Flute"), ("FL", "Flauto", "Flutes"), "ww"),
    "Oboe": (("Ob 1", "Oboe"), ("OB", "Oboi"), "ww"),
    "Clarinet": (("Cl 1", "Klarinette", "Clarinet"), ("CL", "Clar", "Clarinetti"), "ww"),
    "Bassoon": (("Fag", "Bassoon"), ("BSN", "Fagotti"), "ww"),
    "Horns": (("Hns a4", "Hörner", "Horns"), ("FHN", "Corni", "F Horns"), "brass"),
    "Trumpets": (("Tpt", "Trompeten", "Trumpets"), ("TPTS", "Trombe"), "brass"),
    "Trombones": (("Tbn", "Posaunen", "Trombones"), ("TBNS", "Tromboni"), "brass"),
    "Tuba": (("Tuba", "Tba"), ("TUBA", "Tuba solo"), "brass"),
    "Harp": (("Hp", "Harfe"), ("HARP", "Arpa"), "harp"),
    "Piano": (("Pno", "Klavier"), ("PIANO", "Pianoforte"), "keys"),
    "Piano R.H.": (("Pno RH", "Piano Hi"), ("PIANO RH", "Pno R.H."), "keys"),
    "Piano L.H.": (("Pno LH", "Piano Lo"), ("PIANO LH", "Pno L.H."), "keys"),
    "Celesta": (("Cel", "Celesta"), ("CELESTE", "Celesta"), "keys"),
    "Timpani": (("Timp", "Pauken"), ("TIMP", "Timpani"), "perc"),
    "Choir": (("Chr Ah", "Chor"), ("CHOIR", "Coro"), "choir"),
    "Glockenspiel": (("Glock", "Glsp"), ("GLOCK", "Glockenspiel"), "perc"),
    "Marimba": (("Mar", "Marimba"), ("MARIMBA", "Mrb"), "perc"),
    "Synth Pulse": (("Syn Pulse", "Pulses"), ("SYN PULSE", "Synth Arp"), "synth"),
    "Synth Pad": (("Syn Pad", "Warm Pad"), ("SYN PAD", "Pad Dark"), "synth"),
    "Synth Bass": (("Syn Bs", "Synth Bass"), ("SYN BASS", "Moog Bass"), "synth"),
    "E-Guitar": (("EGtr", "E-Gitarre"), ("EGTR", "Elec Gtr"), "gtr"),
    "Acoustic Gtr": (("AGtr", "Ac Gtr"), ("AGTR", "Acoustic Guitar"), "gtr"),
    "Bells": (("Tub Bells", "Bells"), ("BELLS", "Chimes"), "perc"),
    "Lead": (("Syn Lead", "Lead Synth"), ("SYN LEAD", "Synth Lead"), "synth"),
}
SECTIONS: dict[str, tuple[str, str]] = {
    "str": ("Strings", "STGS"),
    "ww": ("Woodwinds", "WW"),
    "brass": ("Brass", "BRS"),
    "keys": ("Keys", "KEYS"),
    "perc": ("Perc", "PERC"),
    "synth": ("Synths", "SYN"),
    "gtr": ("Guitars", "GTRS"),
}

# Written last, for the fresh set alone.
FRESH_SPELLINGS: dict[str, tuple[str, ...]] = {
    "Violins I": ("Vl1", "1st Violins", "VIOLINS_1 sus"),
    "Violins II": ("Vl2", "2nd Violins", "VIOLINS_2 sus"),
    "Violin I": ("Vl1", "1st Violin"),
    "Violin II": ("Vl2", "2nd Violin"),
    "Violas": ("Vle", "VIOLAS_sus", "Altos cordes"),
    "Viola": ("Vle", "Viola solo"),
    "Celli": ("Vlc", "CELLOS_sus", "Violoncelles"),
    "Cello": ("Vlc", "Cello solo"),
    "Basses": ("DB", "D.Bass", "Contrebasses"),
    "Strings": ("Str", "Full Strings"),
    "Flute": ("Flt", "Flutes a2"),
    "Oboe": ("Obs", "Hautbois"),
    "Clarinet": ("Clt", "Clarinets a2"),
    "Bassoon": ("Bsns", "Bassoons a2", "Fagott"),
    "Horns": ("Hrn", "Fr Horns", "HORNS_sus"),
    "Trumpets": ("Tps", "Trumpet a3", "Trompettes"),
    "Trombones": ("Trb", "Bones", "Trombone a3"),
    "Tuba": ("Tub", "Tuba_stac"),
    "Harp": ("Hrp", "Harp Gliss"),
    "Piano": ("Grand", "Pf"),
    "Piano R.H.": ("Piano right hand", "Pf RH"),
    "Piano L.H.": ("Piano left hand", "Pf LH"),
    "Celesta": ("Celeste", "Cel."),
    "Timpani": ("Tmp", "Timpani roll"),
    "Choir": ("Mixed Choir", "Choir Oohs"),
    "Glockenspiel": ("Glk", "Glocken"),
    "Marimba": ("Marimba roll", "Mba"),
    "Synth Pulse": ("Pulse 16ths", "Seq Pulse"),
    "Synth Pad": ("Soft Pad", "Pad wide"),
    "Synth Bass": ("SynBass", "Bass Synth"),
    "E-Guitar": ("Electric Guitar", "E.Gtr"),
    "Acoustic Gtr": ("Ac. Guitar", "Steel Gtr"),
    "Bells": ("Tubular Bells", "Bell"),
    "Lead": ("Lead Syn", "Mono Lead"),
}
FRESH_SECTIONS = {
    "str": "STR", "ww": "WINDS", "brass": "BRASS", "keys": "KEYBOARDS", "perc": "PERCUSSION",
    "synth": "SYNTHS", "gtr": "GTR",
}  # fmt: skip


@dataclass(frozen=True)
class Cue:
    """A rendered session without its sound: what was heard, and the truth."""

    name: str
    condition: str
    tracks: pd.DataFrame
    groups: pd.DataFrame
    pairs: pd.DataFrame
    truth: list[int | None]
    which: str


@dataclass(frozen=True)
class Named:
    """A session under people's names."""

    cue: Cue
    manner: str
    track_names: list[str]
    group_names: list[str]


def named(cue: Cue, manner: str, rng: np.random.Generator) -> Named:
    """Name a session's tracks and stems."""
    instruments = [
        str(n).removesuffix(" long").removesuffix(" short") for n in cue.tracks["track_name"]
    ]
    opaque = {"half opaque": 0.5, "opaque": 1.0}.get(manner, 0.03)
    tracks = [
        f"MIDI {i + 1}" if rng.random() < opaque else _spelt(name, cue.which, rng)
        for i, name in enumerate(instruments)
    ]
    groups = []
    for g in range(len(cue.groups)):
        within = [instruments[t] for t, of in enumerate(cue.truth) if of == g]
        within = within[:1] if manner == "lead" else sorted(set(within))
        groups.append(_group_name(cue, g, within, opaque, rng))
    if manner == "misleading" and len(groups) > 2:
        swapped = rng.choice(len(groups), max(2, len(groups) // 5), replace=False)
        names = [groups[g] for g in swapped]
        for g, name in zip(swapped, names[1:] + names[:1], strict=True):
            groups[g] = name
    return Named(cue, manner, tracks, groups)


def _spelt(instrument: str, which: str, rng: np.random.Generator) -> str:
    if which == "fresh":
        return str(rng.choice(FRESH_SPELLINGS.get(instrument, (instrument,))))
    known = SPELLINGS.get(instrument)
    return str(rng.choice(known[0 if which == "train" else 1])) if known else instrument


def _group_name(
    cue: Cue, group: int, within: list[str], opaque: float, rng: np.random.Generator
) -> str:
    if rng.random() < opaque or not within:
        return f"Audio {group + 1}_01"
    sections = {SPELLINGS[name][2] if name in SPELLINGS else "perc" for name in within}
    if len(within) > 1 and len(sections) == 1 and (section := sections.pop()) in SECTIONS:
        if cue.which == "fresh":
            return FRESH_SECTIONS[section]
        return SECTIONS[section][0 if cue.which == "train" else 1]
    if len(within) > 2:
        return f"Stem {group + 1}"
    return "+".join(_spelt(name, cue.which, rng) for name in within)
