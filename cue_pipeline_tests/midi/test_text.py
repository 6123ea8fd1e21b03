"""Names in the character sets of the machines that wrote them."""

import pytest

from cue_pipeline.midi.reader import read_midi
from cue_pipeline.midi.text import charset_of, decode
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
        got = decode(raw, charset_of([raw]).encoding)
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
    assert [decode(r, charset_of(raw).encoding) for r in raw] == names


# As session musicians of these countries name their tracks; none is in the list of words by which
# a character set is known, but for the instruments.
ELSEWHERE = {
    "cp1251": ["Скрипки", "Погоня в лесу", "Тема героя", "Пролог", "Мужской хор", "ГОБОЙ"],
    "koi8_r": ["Скрипки", "Погоня в лесу", "Тема героя", "Пролог", "Мужской хор"],
    "gb18030": ["小提琴", "大提琴", "圆号", "长笛", "打击乐", "追逐", "爱情主题", "结尾"],
    "big5": ["小提琴", "長笛", "法國號", "打擊樂", "追逐", "愛情主題"],
    "cp949": ["바이올린", "첼로", "호른", "플루트", "합창", "추격", "사랑의 테마"],
    "cp1253": ["Βιολί", "Τύμπανα", "Καταδίωξη", "Θέμα του ήρωα", "ΕΓΧΟΡΔΑ"],
    "cp1250": ["Příčná flétna", "Žestě", "Sbor ženský", "Druhé housle", "Vítězství", "Něžně"],
    "cp1254": ["Bağlama", "Vurmalı", "Yaylı", "Kılıç"],
    "euc_jp": ["第1バイオリン", "チェロ", "ドラム", "合唱とピアノ"],
    "cp866": ["Скрипки", "Погоня в лесу", "Тема героя", "Пролог", "Мужской хор"],
    "cp850": ["Flöte", "Hörner", "Bässe", "Große Trommel"],
    "iso8859_2": ["Pościg", "Zakończenie", "Główny temat", "Śmierć", "Dęte drewniane"],
}


@pytest.mark.parametrize("encoding", ELSEWHERE)
def test_three_names_of_a_file_tell_the_character_sets_of_other_countries(encoding):
    names = ELSEWHERE[encoding]
    for first in range(len(names) - 2):
        raw = [text.encode(encoding) for text in names[first : first + 3]]
        charset = charset_of(raw)
        assert [decode(r, charset.encoding) for r in raw] == names[first : first + 3]


@pytest.mark.parametrize(
    "single",
    [
        "Žičani",
        "Gudači",
        "Muški",
        "Ženski",
        "Šuma",
        "Ćelo",
        "Čelo",
        "Vođa",
        "Svađa",
        "Đavo",
        "Truće",
        "Pjevač",
        "Završetak",
        "Potočić",
        "Žestě",
        "Smyčce",
        "Příčná",
        "Činely",
        "Křídlo",
        "Zvonečky",
        "Žoga",
        "Moški",
        "Zvočnik",
        "Chór_męski",
        "Dęte",
        "Zwycięstwo",
        "Pościg",
        "Śmierć",
        "Kürtök",
        "Női",
        "Hegedű",
        "Violă",
        "Goană",
        "Percuţie",
        "Ţambal",
        "Alămuri",
    ],
)
def test_a_single_name_of_central_europe_reads_right_or_is_doubted(single):
    text = single.replace("_", " ")
    file = read(smf(name(text.encode("cp1250")) + on(60) + off(60, 1)))
    assert file.tracks[0].name == text or file.charset.confidence < 0.75


@pytest.mark.parametrize(
    "single",
    [
        "Träume",
        "Königin",
        "Größe",
        "Tür",
        "Böse",
        "Kälte",
        "Forêt",
        "Poursuite_à_pied",
        "Générique",
        "Thème",
        "Tête",
        "Rêve",
        "Français",
        "Canción",
        "Niños",
        "Mañana",
        "Percussão",
        "Tensão",
        "Manhã",
        "Coração",
        "Città",
        "Perché",
        "Più",
        "Fløyte",
        "Stråk",
        "Kør",
        "Sjö",
        "Hår",
        "Død",
        "Älskling",
        "Käyrätorvi",
        "Fenêtre",
        "Étude",
        "Élégie",
        "Trädgård",
        "Bækken",
    ],
)
@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_a_single_name_of_western_europe_is_sure(single, encoding):
    text = single.replace("_", " ")
    file = read(smf(name(text.encode(encoding)) + on(60) + off(60, 1)))
    assert (file.tracks[0].name, file.warnings) == (text, ())


def test_how_surely_texts_read_is_said_where_it_is_in_doubt():
    """One byte: a grave e to one half of Europe and a c with caron to the other."""
    ambiguous = read(smf(name("Smyčce".encode("cp1250")) + on(60) + off(60, 1)))
    assert ambiguous.charset.confidence < 0.75
    assert any("CUE_MIDI_CHARSET" in warning for warning in ambiguous.warnings)
    sure = read(smf(name("Виолончели".encode("cp1251")) + on(60) + off(60, 1)))
    assert (sure.charset.encoding, sure.warnings) == ("cp1251", ())
    assert sure.charset.confidence > 0.99


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["ไวโอลิน", "กลอง", "เปียโน"], "cp874"),
        (["كمان", "عود", "طبلة"], "cp1256"),
        (["כינור", "ויולה", "תופים"], "cp1255"),
    ],
)
def test_a_character_set_that_is_not_weighed_is_doubted(names, encoding):
    file = read(smf(*(name(text.encode(encoding)) + on(60) + off(60, 1) for text in names)))
    assert file.charset.confidence < 0.75
    assert any("CUE_MIDI_CHARSET" in warning for warning in file.warnings)


def test_signs_alone_read_well_enough():
    signs = ["Celesta °", "Horn No. 2°", "Violin §"]
    file = read(smf(*(name(text.encode("latin-1")) + on(60) + off(60, 1) for text in signs)))
    assert ([track.name for track in file.tracks], file.warnings) == (signs, ())


@pytest.mark.parametrize("text", ["Виолончели соло", "ヴァイオリン 1", "Flöte & Hörner Bläser"])
def test_utf_8_that_is_cut_within_a_character_keeps_what_is_whole(text):
    raw = text.encode()
    cuts = [n for n in range(12, len(raw)) if raw[n] & 0xC0 == 0x80]
    read_so = [decode(raw[:n], charset_of([raw[:n], "Пролог".encode()]).encoding) for n in cuts]
    assert read_so == [raw[:n].decode(errors="ignore") for n in cuts]


@pytest.mark.parametrize("plain", ["Violins 1", "Hörner", "ヴァイオリン", "Скрипки"])
def test_utf_8_is_sure_and_nothing_is_said(plain):
    file = read(smf(name(plain) + on(60) + off(60, 1)))
    assert (file.tracks[0].name, file.charset.confidence, file.warnings) == (plain, 1.0, ())


def test_a_stated_character_set_is_taken_but_for_texts_that_prove_theirs():
    raw = "Housle č. 2".encode("cp1250")
    data = smf(name(raw) + on(60) + off(60, 1), name("Hörner") + on(60) + off(60, 1))
    file = read_midi(data, "song.mid", "cp1250")
    assert [track.name for track in file.tracks] == ["Housle č. 2", "Hörner"]
    assert (file.charset.encoding, file.charset.confidence) == ("cp1250", 1.0)


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["Violins", "Скрипки", "Βιολί"])
def test_utf_16_without_a_mark_is_known_by_its_form(order, text):
    raw = text.encode(order)
    assert decode(raw, charset_of([raw]).encoding) == text


def test_chinese_that_looks_like_utf_8_in_two_bytes_is_read_as_its_neighbours():
    raw = ["模".encode("gb18030"), "小提琴".encode("gb18030"), "大提琴".encode("gb18030")]
    assert len(raw[0].decode("utf-8")) == 1
    assert [decode(r, charset_of(raw).encoding) for r in raw] == ["模", "小提琴", "大提琴"]


def test_a_marker_helps_to_read_a_track_name():
    tracks = [meta(6, "Début du trémolo".encode("mac_roman")), name("Órgano".encode("mac_roman"))]
    file = read(smf(tracks[0], tracks[1] + on(60) + off(60, 1)))
    assert file.tracks[1].name == "Órgano"
    assert file.tracks[1].raw_name == b"\xeergano"
    assert file.sequences[0].markers == [[0.0, 0, "Début du trémolo"]]


def test_utf_8_among_latin_1_is_still_read_as_utf_8():
    raw = [b"Fl\xf6te", "Hörner".encode()]
    assert [decode(r, charset_of(raw).encoding) for r in raw] == ["Flöte", "Hörner"]


def test_half_width_katakana_that_look_like_utf_8_are_read_as_their_neighbours():
    raw = ["ﾃｱ".encode("cp932"), "ピアノ".encode("cp932")]
    assert raw[0].decode() == "ñ"
    assert [decode(r, charset_of(raw).encoding) for r in raw] == ["ﾃｱ", "ピアノ"]


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
    got = decode(raw, charset_of([raw]).encoding)
    assert got == text or (text is None and len(got) > 9)


def test_the_bytes_of_a_name_are_stored_beside_the_text():
    found = tables(smf(name(b" Fl\xf6te ") + on(60) + off(60, 1)))["midi_tracks"]
    assert rows(found, "track_index", "track_name", "raw_name") == [(0, "Flöte", b" Fl\xf6te ")]
