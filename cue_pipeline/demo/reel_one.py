"""The cues of reel 1: the opening titles, and a letter that is read."""

from cue_pipeline.demo.composition import (
    DemoCue,
    Note,
    Part,
    Sequence,
    Stem,
    Timeline,
    line,
    pitch_number,
    ritardando,
)


def _opening_titles() -> DemoCue:
    timeline = Timeline(
        tempo=((0.0, 120.0), (4.0, 126.0), *ritardando(8.0, 11.0, 126.0, 90.0), (11.0, 88.0)),
        meters=((0.0, 4, 4), (8.0, 3, 4), (11.0, 4, 4)),
        keys=((0.0, "Dm"), (11.0, "D")),
        markers=((0.0, "1m01 starts"), (4.0, "City at dawn"), (11.0, "Hit: title card")),
    )
    horns = Part(
        "Horns a4",
        channel=0,
        voice="horns",
        programs=((0.0, 60),),
        notes=(
            *line("D4:.75@92 D4:.25@84 A4:1@104 Bb4:1.5@108 A4:.5@96", gate=0.96),
            *line("C5:1.5@110 A4:.5@98 G4:1@104 E4:.5@96 G4:.5@100", start=4, gate=0.96),
            *line("Bb4:1@106 A4:2@112 D5:2.5@120", start=8),
            *line("r:1 F4:1@84 D4:1.5@88 F4:.5@80", gate=0.96),
            *line("F4:1.5@90 F4:.5@80 E4:1@88 C4:.5@80 E4:.5@84", start=4, gate=0.96),
            *line("D4:1@88 E4:1@92 C#4:1@94 D4+F#4+A4:2.5@104", start=8),
        ),
        controls={
            1: ((0.0, 70), (2.0, 92), (6.0, 104), (8.0, 84), (11.0, 122), (13.5, 60)),
            11: ((0.0, 104), (4.0, 116), (8.0, 100), (11.0, 127), (12.0, 120), (13.5, 76)),
        },
    )
    violins = Part(
        "Violins 1",
        channel=1,
        voice="violins",
        programs=((0.0, 48), (11.0, 44)),
        notes=(
            *line("D5:.5@92 F5:.5 A5:.5 F5:.5 D5:.5@90 F5:.5 Bb5:.5 F5:.5", velocity=78, gate=0.9),
            *line(
                "C5:.5@94 F5:.5 A5:.5 F5:.5 C5:.5@92 E5:.5 G5:.5 E5:.5",
                start=4,
                velocity=80,
                gate=0.9,
            ),
            *line("D5:.5 G5:.5 E5:.5 A5:.5 C#5:.5 A5:.5", start=8, velocity=92, gate=0.95),
            *line("F#5+A5+D6:2.5@110", start=11),
        ),
        controls={
            1: ((0.0, 60), (4.0, 84), (8.0, 76), (11.0, 118), (12.0, 96), (13.5, 48)),
            11: ((0.0, 96), (8.0, 108), (11.0, 124), (13.5, 64)),
        },
    )
    celli = Part(
        "Celli",
        channel=2,
        voice="celli",
        programs=((0.0, 42),),
        notes=(
            *line("D2+D3:2@98 Bb2:2@94 F2+F3:2@98 C3:2@96", gate=1.02),
            *line("G2:1@96 A2:2@102 D2+A2+D3:2.5@112", start=8),
        ),
        controls={
            1: ((0.0, 84), (4.0, 96), (8.0, 88), (11.0, 120), (13.5, 54)),
            11: ((0.0, 108), (8.0, 104), (11.0, 124), (13.5, 70)),
        },
    )
    timpani = Part(
        "Timpani",
        channel=3,
        voice="timpani",
        programs=((0.0, 47),),
        notes=(
            *line("D3:1@112 r:1 Bb2:1@88 r:1 F2:1@96 r:1 C3:.5@88 C3:.5@92"),
            # A roll: each stroke still rings when the next one falls, at the same pitch.
            *(Note(9 + i * 0.125, 0.25, pitch_number("A2"), 46 + 4 * i) for i in range(16)),
            *line("D2+D3:2@124", start=11),
        ),
    )
    choir = Part(
        "Choir Aahs",
        channel=4,
        voice="choir",
        programs=((0.0, 52),),
        notes=(
            *line("D4+F4+A4:2 D4+F4+Bb4:2 C4+F4+A4:2 C4+E4+G4:2", velocity=74, gate=1.0),
            *line("D4+G4+Bb4:1 D4+E4+A4:1 C#4+E4+A4:1 D4+F#4+A4+D5:2.5@96", 8, velocity=82),
        ),
        controls={
            1: ((0.0, 24), (4.0, 52), (8.0, 58), (11.0, 112), (13.5, 40)),
            11: ((0.0, 72), (4.0, 92), (8.0, 96), (11.0, 122), (13.5, 60)),
        },
        pressure=((11.0, 0), (12.0, 84), (13.0, 12)),
    )
    sketch = Part(
        "Piano Sketch",
        channel=5,
        voice="piano",
        programs=((0.0, 0),),
        notes=line("D4+F4+A4:2 D4+F4+Bb4:2 C4+F4+A4:2 C4+E4+G4:2 D4+G4+Bb4:1 C#4+E4+A4:2"),
        controls={64: ((0.0, 127), (1.75, 0), (2.0, 127), (3.75, 0))},
        texts=((0.0, "composer's sketch, not recorded"),),
    )
    return DemoCue(
        folder="Reel 1/1m01 Opening Titles",
        seconds=7.9,
        time_of_day=3_600 + 12,
        timeline=timeline,
        sequences=(
            Sequence(
                "1m01 Opening Titles",
                480,
                "Conductor",
                (horns, violins, celli, timpani, choir, sketch),
            ),
        ),
        stems=(
            Stem("1m01 VLN I_01", "stereo", (violins,), level=0.42, pan=-0.35, wet=0.26),
            Stem("1m01 VCS_01", "mono", (celli,), level=0.42, wet=0.3),
            Stem("1m01 FHN_01", "lcr", (horns,), level=0.34, pan=-0.1, wet=0.32),
            Stem("1m01 TIMP_01", "mono", (timpani,), level=0.6, wet=0.4),
            Stem("1m01 CHOIR_01", "quad", (choir,), level=0.16, wet=0.7),
        ),
    )


def _the_letter() -> DemoCue:
    timeline = Timeline(
        tempo=((0.0, 120.0), *ritardando(7.5, 10.5, 118.0, 80.0, step=0.5), (10.5, 72.0)),
        # Three quavers lead into the first whole bar.
        meters=((0.0, 3, 8), (1.5, 6, 8)),
        keys=((0.0, "Em"), (7.5, "G")),
        markers=((0.0, "1m02 v2 starts"), (1.5, "She opens it"), (9.0, "Looks up")),
    )
    flute = Part(
        "Flute",
        channel=0,
        voice="flute",
        programs=((0.0, 73),),
        notes=(
            *line("B4:.5@70 D5:.5@76 E5:.5@82", gate=0.98),
            *line("G5:1.5@96 F#5:.5@84 E5:.5@78 D5:.5@76", start=1.5, gate=0.98),
            *line("E5:1@86 D5:.5@78 B4:1.5@80", start=4.5, gate=0.98),
            *line("A4:.5@76 C5:.5@82 E5:.5@86 D5:1.5@80 B4:1.75@66", start=7.5, gate=0.98),
        ),
        controls={
            1: ((0.0, 40), (1.5, 96), (3.0, 60), (4.5, 84), (6.5, 44), (8.5, 78), (12.0, 20)),
            11: ((0.0, 84), (1.5, 118), (4.5, 104), (8.5, 108), (12.0, 60)),
        },
        bends=((0.0, 0), (1.5, 0), (1.5, -3_000), (1.75, 0), (9.0, 0), (9.125, -1_200), (9.5, 0)),
    )
    harp = Part(
        "Harp",
        channel=1,
        voice="harp",
        programs=((0.0, 46),),
        notes=(
            *line("E3:.5@84 B3:.5 E4:.5 G4:.5@76 B4:.5 E5:.5", 1.5, velocity=68, gate=2.2),
            *line("C3:.5@84 G3:.5 C4:.5 E4:.5@76 G4:.5 B4:.5", 4.5, velocity=68, gate=2.2),
            *line("A2:.5@82 E3:.5 C4:.5 D3:.5@80 A3:.5 F#4:.5", 7.5, velocity=66, gate=2.2),
            *(
                Note(10.5 + i / 12, 1.75 - i / 12, pitch_number(p), 78 - 2 * i)
                for i, p in enumerate(("G2", "D3", "B3", "D4", "G4", "B4"))
            ),
        ),
    )
    violas = Part(
        "Violas",
        channel=2,
        voice="violas",
        programs=((0.0, 48),),
        notes=(
            *line("G3+B3:3@72 G3+C4:3@72 E3+C4:1.5@74 F#3+C4:1.5@74", 1.5),
            *line("D3+G3+B3:1.75@76", 10.5),
        ),
        controls={
            1: ((1.5, 20), (4.5, 64), (6.0, 40), (9.0, 88), (10.5, 60), (12.25, 16)),
            11: ((1.5, 64), (4.5, 100), (9.0, 116), (12.25, 60)),
        },
    )
    notes_track = Part(
        "Orchestrator Notes",
        channel=15,
        voice="piano",
        notes=line("C1:.5@1"),
        texts=((0.0, "flute: take 2 is the keeper"), (10.5, "harp: let ring")),
    )
    pad = Part(
        "Warm Pad",
        channel=0,
        voice="pad",
        programs=((0.0, 89),),
        notes=(
            *line("E2+B2:3@70 C3+G3:3@70 A2+E3:1.5@70 D3+A3:1.5@70", 1.5, gate=1.02),
            *line("G2+D3:1.75@72", 10.5),
        ),
        controls={
            1: ((1.5, 10), (5.0, 70), (9.0, 96), (12.25, 20)),
            74: ((1.5, 30), (9.0, 90), (12.25, 40)),
        },
        key_pressure=((4.75, 48, 40), (5.25, 48, 72), (5.75, 55, 30), (6.25, 48, 0)),
    )
    drone = Part(
        "Glass Drone",
        channel=1,
        voice="pad",
        programs=((0.0, 92),),
        notes=line("B5:6@40 D6:4.5@40", 1.5),
    )
    return DemoCue(
        folder="Reel 1/1m02 The Letter v2",
        seconds=7.8,
        time_of_day=3_600 + 95,
        timeline=timeline,
        sequences=(
            Sequence("1m02 The Letter v2", 480, "Conductor", (notes_track, flute, harp, violas)),
            Sequence("1m02 The Letter v2 Synths", 960, "Conductor", (pad, drone)),
        ),
        stems=(
            Stem("1m02 FL_01", "mono", (flute,), level=0.26, wet=0.34, in_mix=False),
            Stem("1m02 FL_02", "mono", (flute,), level=0.28, wet=0.36),
            Stem("1m02 HARP_01", "stereo", (harp,), level=0.5, pan=0.25, wet=0.3),
            Stem("1m02 VLA_01", "5.0", (violas,), level=0.2, pan=0.2, wet=0.6),
            Stem("1m02 WARM PAD_01", "mono", (pad,), level=0.13, wet=0.6),
        ),
    )


REEL_ONE = (_opening_titles(), _the_letter())
