"""Names in the character sets of the machines that wrote them."""

import pytest

from cue_pipeline.midi.text import decode, guess_encoding
from cue_pipeline_tests.midi.smf import meta, name, off, on, read, rows, smf, tables

GERMAN = ["Flöte", "Hörner 1-4", "Bläser", "Große Trommel", "Streicher gedämpft", "Röhrenglocken"]
GERMAN += ["Bässe", "Männerchor", "FLÖTEN", "BLÄSER", "ÖSTERREICH", "Äolsharfe", "Übergang"]
FRENCH = ["Flûtes", "Célesta", "Contrebasses à cordes", "Cor anglais élevé", "Étude", "Trémolo"]
FRENCH += ["Tambour étouffé", "Piano préparé", "Éclats", "Maïs", "Hautbois à l'octave"]
SPANISH = ["Señorita", "Guitarra española", "Corazón", "Percusión", "Violín", "Niño"]
ITALIAN = ["Però", "Così", "Città", "Più mosso"]
NORDIC = ["Stråkar", "Fløjte", "Træblæsere", "Blåsere", "Hjärta"]
PORTUGUESE = ["Violões", "Percussão", "Coração", "Violão"]
TYPOGRAPHY = ["Szene 3 – Verfolgung", "“Main Title”", "Director’s cut", "© 2004 Müller"]
WESTERN = GERMAN + FRENCH + SPANISH + ITALIAN + NORDIC + PORTUGUESE + TYPOGRAPHY
JAPANESE = [
    "ピアノ",
    "バイオリン",
    "第1バイオリン",
    "第２ヴァイオリン",
    "ビオラ",
    "チェロ",
    "コントラバス",
]
JAPANESE += [
    "フルート",
    "オーボエ",
    "クラリネット",
    "ファゴット",
    "ホルン",
    "トランペット",
    "チューバ",
]
JAPANESE += [
    "ティンパニ",
    "打楽器",
    "弦楽器",
    "金管",
    "木管",
    "女声合唱",
    "ハープ",
    "エレキギター L",
]
JAPANESE += [
    "ストリングス Hi",
    "効果音",
    "尺八",
    "三味線",
    "太鼓",
    "ﾋﾟｱﾉ",
    "ｽﾄﾘﾝｸﾞｽ 1",
    "ﾍﾞｰｽ",
    "メロディー",
]
JAPANESE += ["伴奏", "主旋律", "曲名:春の海", "右手", "木琴", "シンバル", "琴", "歌", "鈴"]


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (WESTERN, "utf-8"),
        (JAPANESE, "utf-8"),
        (WESTERN, "latin-1"),
        (WESTERN, "cp1252"),
        (WESTERN, "mac_roman"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "cp932"),
    ],
)
def test_a_single_name_tells_its_encoding(names, encoding):
    wrong = []
    for text in names:
        try:
            raw = text.encode(encoding)
        except UnicodeEncodeError:
            continue  # typographic quotes are not in Latin-1
        got = decode(raw, guess_encoding([raw]))
        wrong += [(text, got)] if got != text else []
    assert wrong == []


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        # Alone, each of these reads as well in another encoding.
        (["Órgano", "Trémolo"], "mac_roman"),
        (["CHŒUR", "Célesta"], "mac_roman"),
        (["笙", "太鼓"], "shift_jis"),
    ],
)
def test_the_texts_of_a_file_decide_together(names, encoding):
    raw = [text.encode(encoding) for text in names]
    assert [decode(r, guess_encoding(raw)) for r in raw] == names


def test_a_marker_helps_to_read_a_track_name():
    tracks = [meta(6, "Début du trémolo".encode("mac_roman")), name("Órgano".encode("mac_roman"))]
    file = read(smf(tracks[0], tracks[1] + on(60) + off(60, 1)))
    assert file.tracks[1].name == "Órgano"
    assert file.tracks[1].raw_name == b"\xeergano"
    assert file.sequences[0].markers == [[0.0, 0, "Début du trémolo"]]


def test_utf_8_among_latin_1_is_still_read_as_utf_8():
    raw = [b"Fl\xf6te", "Hörner".encode()]
    assert [decode(r, guess_encoding(raw)) for r in raw] == ["Flöte", "Hörner"]


def test_half_width_katakana_that_look_like_utf_8_are_read_as_their_neighbours():
    raw = ["ﾃｱ".encode("cp932"), "ピアノ".encode("cp932")]
    assert raw[0].decode() == "ñ"
    assert [decode(r, guess_encoding(raw)) for r in raw] == ["ﾃｱ", "ピアノ"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Violin\0\0", "Violin"),
        (b"", ""),
        (b"\xef\xbb\xbfViola", "Viola"),
        ("Harfe".encode("utf-16"), "Harfe"),
        (b"\xfe\xff\0H\0i", "Hi"),
        (bytes(range(0x80, 0x100)), None),
        (b"\x81 \x8d \x8f \x90 \x9d\xff", None),
    ],
)
def test_whatever_the_bytes_some_text_comes_out(raw, text):
    got = decode(raw, guess_encoding([raw]))
    assert got == text or (text is None and len(got) > 9)


def test_the_bytes_of_a_name_are_stored_beside_the_text():
    found = tables(smf(name(b" Fl\xf6te ") + on(60) + off(60, 1)))["midi_tracks"]
    assert rows(found, "track_index", "track_name", "raw_name") == [(0, "Flöte", b" Fl\xf6te ")]
