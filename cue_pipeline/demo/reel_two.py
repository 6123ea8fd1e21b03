"""The cues of reel 2: a chase, and a radio that plays in the room."""

from cue_pipeline.demo.composition import (
    DemoCue,
    Note,
    Part,
    Sequence,
    Stem,
    Timeline,
    line,
    pitch_number,
)
from cue_pipeline.demo.sounds import click, riser


def _chase() -> DemoCue:
    timeline = Timeline(
        tempo=((0.0, 152.0), (8.0, 160.0)),
        # 5/8, 5/8, 3/4; then a bar of 4/4 that is cut after two quarters by one of 3/4.
        meters=((0.0, 5, 8), (5.0, 3, 4), (8.0, 4, 4), (10.0, 3, 4)),
        keys=((0.0, "Cm"),),
        markers=((0.0, "2m05a starts"), (5.0, "Over the roofs"), (13.0, "Door slams")),
    )
    accents = {0.0, 1.5, 2.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.5, 12.5}
    figure = ("C2", "C2", "C3", "C2", "Eb2", "C2", "G2", "C3", "Bb2", "C2")
    pulse = Part(
        "Synth Pulse",
        channel=0,
        voice="pulse",
        programs=((0.0, 81), (10.0, 38)),
        notes=(
            # Sixteenths that overlap: C2 is struck again before its note-off.
            *(
                Note(
                    i * 0.25,
                    0.3125,
                    pitch_number(figure[i % 10]) + (3 if 20 <= i < 32 else 0),
                    112 if i * 0.25 in accents else 84,
                )
                for i in range(52)
            ),
            *line("C2+C3:1@122", 13),
        ),
        controls={
            1: ((0.0, 44), (5.0, 84), (8.0, 70), (13.0, 127), (14.0, 60)),
            74: ((0.0, 30), (8.0, 90), (13.0, 120)),
        },
        bends=((0.0, 0), (13.25, 0), (14.0, -8_192)),
    )
    low = Part(
        "Taikos Low",
        channel=1,
        voice="drums",
        programs=((0.0, 116),),
        notes=(
            *line("C2:1.5@118 C2:1@100 C2:1.5@116 C2:1@104", gate=0.7),
            *line("C2:.5@116 r:.5 D2:.5@94 D2:.5@98 C2:.5@110 D2:.5@96", 5, gate=0.9),
            *line("C2:1@114 C2:.5@104 D2:.5@100", 8, gate=0.8),
            *line("C2:.5@118 D2:.5@98 D2:.5@100 C2:1@112 D2:.25@108 D2:.25@114", 10, gate=0.9),
            *line("C2+G1:1@127", 13),
        ),
    )
    trombones = Part(
        "Trombones",
        channel=2,
        voice="trombones",
        programs=((0.0, 57),),
        notes=(
            *line("C3+G3:.5@104 r:2 C3+G3:.5@106 r:1 Eb3+Bb3:1@108", gate=0.85),
            *line("Eb3+Bb3:1@104 F3+C4:1@108 Ab3+Eb4:1@114", 5, gate=0.9),
            *line("G3+D4:1@112 Ab3+Eb4:1@114 G3+B3+D4:3@104 C3+G3+C4:1@124", 8),
        ),
        controls={1: ((0.0, 86), (8.0, 104), (10.0, 60), (13.0, 124), (14.0, 100))},
        pressure=((10.0, 0), (12.75, 110), (13.0, 20)),
    )
    horns = Part(
        "Horns",
        channel=3,
        voice="horns",
        programs=((0.0, 60),),
        notes=(
            *line("r:2.5 G4:.5@100 F4:.5@96 Eb4:.5@96 D4:1@104", gate=0.92),
            *line("Eb4:1@104 F4:1@108 Ab4:1@116 G4:1@112 Bb4:1@116", 5, gate=0.95),
            *line("B4:3@106 C5+G4:1@124", 10),
        ),
        controls={
            1: ((0.0, 84), (8.0, 110), (10.0, 64), (13.0, 126), (14.0, 96)),
            11: ((0.0, 110), (10.0, 90), (13.0, 127), (14.0, 110)),
        },
    )
    automation = Part(
        "Filter Automation",
        channel=4,
        voice="pulse",
        notes=(),
        controls={74: ((0.0, 12), (13.0, 127)), 7: ((0.0, 96), (5.0, 112))},
    )
    return DemoCue(
        folder="Reel 2/2m05a Chase",
        seconds=6.1,
        time_of_day=2 * 3_600 + 431,
        timeline=timeline,
        sequences=(
            Sequence("2m05a Chase", 480, "Conductor", (pulse, low, trombones, horns, automation)),
        ),
        stems=(
            Stem("2m05a PULSE_01", "stereo", (pulse,), level=0.55, wet=0.1),
            Stem("2m05a LOW PERC_01", "5.1", (low,), level=0.8, wet=0.3),
            Stem("2m05a BRASS_01", "stereo", (trombones, horns), level=0.22, pan=0.15, wet=0.28),
            Stem("2m05a RISER_01", "mono", level=0.8, wet=0.3, sound=riser),
            Stem("2m05a CLK_01", "mono", level=0.8, wet=0.0, in_mix=False, sound=click),
        ),
    )


def _radio() -> DemoCue:
    timeline = Timeline(
        tempo=((0.0, 126.0),),
        meters=((0.0, 4, 4),),
        keys=((0.0, "F"),),
        markers=((0.0, "2m06s starts: radio, in the room"),),
    )
    third = 1 / 3
    swung = [0, 1, 1 + 2 * third, 2, 2 + 2 * third, 3 + 2 * third, 4, 5, 5 + 2 * third, 6]
    tune = ("A4", "C5", "D5", "F5", "D5", "C5", "Ab4", "G4", "F4", "F4")
    piano = Part(
        "Upright Piano",
        channel=0,
        voice="piano",
        programs=((0.0, 1),),
        notes=(
            *(
                Note(start, 0.6 if i < 9 else 1.0, pitch_number(pitch), 92 - (i % 3) * 8)
                for i, (start, pitch) in enumerate(zip(swung, tune, strict=True))
            ),
            *line("A3+C4+E4:.5 r:1.166666666666666666 A3+C4+E4:.333333333333333333", velocity=70),
            *line("r:2 Ab3+C4+D4:.5 r:1.5 Bb3+D4:.5 r:.5 Bb3+C4+E4:.5", velocity=70),
            *line("A3+C4+E4+G4:1@78", 6),
        ),
        controls={64: ((0.0, 0), (5.75, 0), (5.875, 127), (7.0, 127))},
    )
    bass = Part(
        "Double Bass",
        channel=1,
        voice="pizzicato",
        programs=((0.0, 32),),
        notes=line("F2:1@96 A2:1@88 Bb2:1@92 B2:1@88 C3:1@96 C2:1@90 F2:1@98", gate=0.92),
    )
    return DemoCue(
        folder="Reel 2/2m06s Radio",
        seconds=4.2,
        time_of_day=2 * 3_600 + 508,
        timeline=timeline,
        sequences=(Sequence("2m06s Radio", 480, "Conductor", (piano, bass)),),
        stems=(
            Stem("2m06s PNO_01", "mono", (piano,), level=0.6, wet=0.1, radio=True),
            Stem("2m06s BASS_01", "mono", (bass,), level=0.7, wet=0.06, radio=True),
        ),
        # Source music comes from where it is seen: the middle.
        mono_to=(("C", 1.0),),
    )


REEL_TWO = (_chase(), _radio())
