"""How people and programs spell channels: ``.Ls``, ``LSurr``, ``SL`` and ``BL`` → ``Ls``.

Conventions
-----------
A spelling is *sure* where it is nothing but a channel (``Ls``, ``LFE``): after a dot or in
brackets it is believed by itself. Every other spelling is a word of its own somewhere ('FL' is a
flute, 'LH' a hand, 'Sub' a drum, 'STR' the strings) and counts only in company: beside its
partner, and, where it is no L or R itself, beside L and R.

To teach the program a new spelling, add it here, and a case to the folder table in the tests.

References
----------
Avid, *Pro Tools Reference Guide*, surround track formats; FFmpeg, ``channel_layout.c`` (FL FR FC
LFE BL BR SL SR …); Apple, ``CoreAudioBaseTypes.h`` (Rls Rrs, Vhl Vhr, Lsd Rsd), which Logic uses;
Steinberg, ``vstspeaker.h`` (Tfl Tfr, Lcs Rcs); SMPTE ST 2098-5 and ITU-R BS.2051 (TpFL, SiL);
iXML, *Track function dictionary*.
"""

_SURE = {
    "L": "l lt left",
    "R": "r rt right",
    "LFE": "lfe lfe1",
    "LFE2": "lfe2",
    "Ls": "ls lsur lsurr lsurround leftsurround leftsurr",
    "Rs": "rs rsur rsurr rsurround rightsurround rightsurr",
    "Lss": "lss lsd",
    "Rss": "rss rsd",
    "Lsr": "lsr lrs rls lbs",
    "Rsr": "rsr rrs rbs",
    "Ltf": "ltf",
    "Rtf": "rtf",
    "Ltm": "ltm lts",
    "Rtm": "rtm rts",
    "Ltr": "ltr ltb",
    "Rtr": "rtr rtb",
}
# Azimuths, positive to the left: M in the middle, U above, T on top, as ITU-R BS.2051 names them.
_BY_ANGLE = {
    "L": "m+030", "R": "m-030", "C": "m+000", "Ls": "m+110", "Rs": "m-110", "Lss": "m+090",
    "Rss": "m-090", "Lsr": "m+135", "Rsr": "m-135", "Lw": "m+060", "Rw": "m-060", "Cs": "m+180",
    "Ltf": "u+030 u+045", "Rtf": "u-030 u-045", "Ltm": "u+090", "Rtm": "u-090",
    "Ltr": "u+110 u+135", "Rtr": "u-110 u-135", "Tc": "t+000",
}  # fmt: skip
# Left and right are in the same order: 'stl' belongs to 'str', and to no 'fr'.
_IN_COMPANY = {
    "L": "lft lft fl stl lo lf frontleft leftfront stereoleft "
    "links lks linke linker gauche izq izquierda izquierdo sinistra sinistro sin sx "
    "esquerda esquerdo esq esquerra ezkerra vänster vänstra vä venstre venstre vinstri "
    "vasen vasak bal stânga stanga sol sol kreisais kairė kairysis "
    "лево левый левая лево левый лев ліво лівий ляв ляво lewy lewa levý levá levy leva ľavý ľavá "
    "lijevo lijevi levo levi vlevo "
    "αριστερά שמאל يسار چپ बायाँ बाएं ซ้าย kiri trái 左 左 ひだり 왼쪽 좌",
    "R": "rgt rght fr str ro rf frontright rightfront stereoright "
    "rechts rts rechte rechter droite der derecha derecho destra destro des dx "
    "direita direito dir dreta eskuina höger högra hö høyre højre hægri "
    "oikea parem jobb dreapta dreapta sağ sag labais dešinė dešinysis "
    "право правый правая десно десни прав право правий десен дясно prawy prawa pravý pravá "
    "pravy prava pravý pravá desno desni desno desni vpravo "
    "δεξιά ימין يمين راست दायाँ दाएं ขวา kanan phải 右 右 みぎ 오른쪽 우",
    "C": "c ctr cntr cen cnt center centre fc frontcenter frontcentre ce cf ct mitte centro",
    "LFE": "lf sub boom sw subwoofer lowfrequency lowfreq lowfrequencyeffects",
    "Ls": "sl surrl surl surroundleft",
    "Rs": "sr surrr surr surroundright",
    "Cs": "cs bs bc csur csurr rearcentre rearcenter backcentre backcenter",
    "S": "s sur surr surround",
    "Lss": "sil lm sideleft leftside lside leftsidesurround",
    "Rss": "sir rm sideright rightside rside rightsidesurround",
    "Lsr": "lr lb bl rl sbl lsb lcs backleft leftback rearleft leftrear lback lrear "
    "leftrearsurround leftbacksurround",
    "Rsr": "rr rb br rr sbr rsb rcs backright rightback rearright rightrear rback rrear "
    "rightrearsurround rightbacksurround",
    "Lc": "lc lctr flc",
    "Rc": "rc rctr frc",
    "Lw": "lw wl lwide widel wideleft leftwide",
    "Rw": "rw wr rwide wider wideright rightwide",
    "Ltf": "tfl tpfl lfh lh hl vhl lvh flh tlf topfrontleft lefttopfront",
    "Rtf": "tfr tpfr rfh rh hr vhr rvh frh trf topfrontright righttopfront",
    "Ltm": "tsl tpsil tml tlm lhs topmiddleleft lefttopmiddle topsideleft",
    "Rtm": "tsr tpsir tmr trm rhs topmiddleright righttopmiddle topsideright",
    "Ltr": "tbl tpbl trl lrh tlb topbackleft toprearleft lefttoprear hls",
    "Rtr": "tbr tpbr trr rrh trb topbackright toprearright righttoprear hrs",
    "Tc": "tc ts tpc",
    "Mid": "mid mids",
    "Side": "side sides",
    "W": "w acn0",
    "X": "x acn3",
    "Y": "y acn1",
    "Z": "z acn2",
}

LETTERS: dict[str, str] = {
    "m": "Mid", "v": "L", "h": "R", "g": "L", "d": "R", "p": "R", "л": "L", "п": "R",
}  # fmt: skip
"""Letters that are a channel only in a pair that is all there is of a name: M S, V H, G D, L P.

Mid and side; vänster höger; gauche droite; lewy prawy, levý pravý, левый правый.
"""

SURE: frozenset[str] = frozenset(
    word for table in (_SURE, _BY_ANGLE) for row in table.values() for word in row.split()
)
"""Spellings, in lower case, that are believed by themselves."""

# Some spellings have two readings, told apart by what stands beside them: 'lf' is the LFE, or the
# left front where 'rf' is; 'surr' is the surround, or the right surround where 'surl' is; 'sl' is
# a surround, or the side where 'ls' is (Steinberg's 7.1).
_SECOND_READINGS = {
    ("lf", "L"): "rf", ("surr", "Rs"): "surl", ("sl", "Lss"): "ls", ("sr", "Rss"): "rs",
}  # fmt: skip

LABELS: dict[str, str] = {
    word: label
    for table in (_IN_COMPANY, _SURE, _BY_ANGLE)
    for label, row in table.items()
    for word in row.split()
    if (word, label) not in _SECOND_READINGS
}
"""Every spelling, in lower case → the label, as Pro Tools spells it."""

#: Rear pairs that are the only surrounds of 5.1 in these vocabularies.
_BACKS = frozenset(
    {"lb", "rb", "bl", "br", "lr", "rr", "rl", "backleft", "leftback", "backright", "rightback"}
    | {"rearleft", "leftrear", "rearright", "rightrear"}
)

PARTNERS: dict[str, tuple[str, ...]] = {
    "L": ("R",), "R": ("L",), "C": ("L", "R"), "S": ("L", "C", "R"), "Cs": ("L", "C", "R"),
    "LFE": ("L", "R"), "LFE2": ("LFE",), "Tc": ("L", "R"),
    "Ls": ("Rs",), "Rs": ("Ls",), "Lss": ("Rss",), "Rss": ("Lss",),
    "Lsr": ("Rsr",), "Rsr": ("Lsr",), "Lc": ("Rc",), "Rc": ("Lc",), "Lw": ("Rw",), "Rw": ("Lw",),
    "Ltf": ("Rtf",), "Rtf": ("Ltf",), "Ltm": ("Rtm",), "Rtm": ("Ltm",),
    "Ltr": ("Rtr",), "Rtr": ("Ltr",), "Mid": ("Side",), "Side": ("Mid",),
    "W": ("X", "Y", "Z"), "X": ("W", "Y", "Z"), "Y": ("W", "X", "Z"), "Z": ("W", "X", "Y"),
}  # fmt: skip
"""Which labels a label needs beside it where its spelling is not sure."""

_MIRRORED: dict[str, set[str]] = {
    "v": {"h"}, "h": {"v"}, "g": {"d"}, "d": {"g"}, "p": {"l"}, "л": {"п"}, "п": {"л"},
}  # fmt: skip
for _label, _row in _IN_COMPANY.items():
    if _label[0] == "L" and not _label.startswith("LFE"):
        for _pair in zip(_row.split(), _IN_COMPANY["R" + _label[1:]].split(), strict=True):
            for _one, _other in (_pair, _pair[::-1]):
                _MIRRORED.setdefault(_one, set()).add(_other)

_WITHOUT_FRONTS = frozenset({"L", "R", "Mid", "Side", "W", "X", "Y", "Z"})
_BEYOND_SURROUND = frozenset({"Lw", "Rw", "Ltf", "Rtf", "Ltm", "Rtm", "Ltr", "Rtr", "Tc", "LFE2"})


def company_needed(label: str) -> tuple[str, ...]:
    """Return the labels that must stand beside one whose spelling is not sure."""
    fronts = () if label in _WITHOUT_FRONTS else ("L", "R")
    return tuple(dict.fromkeys((*PARTNERS.get(label, ()), *fronts)))


def are_mirrored(word: str, other: str) -> bool:
    """Return whether two spellings that are not sure are the two sides of one pair.

    'FL' and 'FR' are; 'FL' and 'STR' are a flute and the strings.
    """
    return word not in _MIRRORED or other in _MIRRORED[word]


def needs_surrounds(label: str) -> bool:
    """Return whether an unsure spelling of a label makes sense only where surrounds are.

    'Pno LH' and 'Pno RH' beside 'Pno L' and 'Pno R' are still hands.
    """
    return label in _BEYOND_SURROUND


def read_together(words: dict[str, str]) -> dict[str, str]:
    """Return what the spellings of one group mean, each seen beside the others.

    Parameters
    ----------
    words : dict of str to str
        Spelling, in lower case → label by itself.

    Returns
    -------
    dict of str to str
        The same spellings. A pair of backs with no sides or surrounds beside it is Ls and Rs.

    Examples
    --------
    >>> read_together({"fl": "L", "fr": "R", "bl": "Lsr", "br": "Rsr"})
    {'fl': 'L', 'fr': 'R', 'bl': 'Ls', 'br': 'Rs'}
    """
    read = dict(words)
    for (word, label), beside in _SECOND_READINGS.items():
        if word in read and beside in read:
            read[word] = label
    if set(words) == {"m", "s"}:
        read["s"] = "Side"
    if not {"Ls", "Rs", "Lss", "Rss"} & set(read.values()):
        plain = {"Lsr": "Ls", "Rsr": "Rs"}
        read = {w: plain.get(label, label) if w in _BACKS else label for w, label in read.items()}
    return read
