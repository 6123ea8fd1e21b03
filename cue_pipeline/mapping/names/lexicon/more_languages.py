"""Instruments in Slavic languages, Greek, Chinese, Japanese and Korean.

Czech, Polish, Croatian and Serbian, Russian, Ukrainian; orchestral and band instruments.

Conventions
-----------
A row is (instrument, words): category and confidence are those of the instrument's first row in the
other modules. Accents optional, capitals too; plurals and other cases of a word are written out.
Chinese and Japanese names have no spaces: of each run of their characters the longest words are
read first, so that ``第一小提琴`` is the first violins. Words of which a part means something else
(``低音大提琴`` is no cello) have to be here whole.
"""

from typing import Final

MORE_LANGUAGES: Final[tuple[tuple[str, str], ...]] = (
    (
        "strings",
        """
        smyčce, smyčcové nástroje, instrumenty smyczkowe, kwintet smyczkowy, gudači,
        gudači orkestar, gudaćki orkestar, струнные, струнная группа, струнна група,
        струнні, гудачи, έγχορδα, 弦乐, 弦樂, 弦乐组, 弦樂組, ストリングス, 弦楽器, 弦楽,
        현악, 현악기, 스트링
        """,
    ),
    (
        "violin",
        """
        housle, houslí, houslista, skrzypiec, violina, violine, violinama, скрипка, скрипки,
        скрипок, скрипку, виолина, виолине, βιολί, βιολιά, 小提琴, ヴァイオリン, バイオリン,
        바이올린
        """,
    ),
    ("viola", "виола, виоле, βιόλα, βιόλες, 中提琴, ヴィオラ, ビオラ, 비올라"),
    (
        "cello",
        """
        violoncella, violoncello, čela, wiolonczele, violončelo, violončela, čelo,
        виолончель, виолончели, віолончель, віолончелі, виолончело, чело, τσέλο,
        βιολοντσέλο, 大提琴, チェロ, 첼로
        """,
    ),
    (
        "double bass",
        """
        kontrabasy, kontrabasi, контрабас, контрабасы, контрабаси, κοντραμπάσο, κοντραμπάσα,
        低音提琴, 低音大提琴, 倍大提琴, コントラバス, コントラベース, ウッドベース,
        콘트라베이스, 더블베이스
        """,
    ),
    (
        "woodwinds",
        """
        dřevěné dechové nástroje, instrumenty dęte drewniane, dęte drewniane, drveni puhači,
        деревянные духовые, деревянные, дерев яні духові, ξύλινα πνευστά, 木管, 木管乐,
        木管樂, 木管楽器, 목관, 목관악기
        """,
    ),
    (
        "flute",
        """
        flétna, flétny, flety, flauta, flaute, флейта, флейты, флейти, флаута, флауте,
        φλάουτο, φλάουτα, 长笛, 長笛, フルート, 플루트
        """,
    ),
    (
        "piccolo",
        """
        pikola, pikolo, пикколо, піколо, пиколо, πίκολο, 短笛, ピッコロ, 피콜로
        """,
    ),
    (
        "oboe",
        """
        hoboj, hoboje, oboje, oboa, oboe, гобой, гобои, гобої, обоа, όμποε, 双簧管, 雙簧管,
        オーボエ, 오보에
        """,
    ),
    (
        "english horn",
        """
        anglický roh, rożek angielski, engleski rog, английский рожок, англійський ріжок,
        αγγλικό κόρνο, 英国管, 英國管, イングリッシュホルン, コーラングレ, 잉글리시호른
        """,
    ),
    (
        "clarinet",
        """
        klarinety, klarneta, klarnet, klarnety, klarineti, кларнет, кларнеты, кларнети,
        κλαρινέτο, κλαρινέτα, 单簧管, 單簧管, 黑管, クラリネット, 클라리넷, бассетгорн,
        бассет валторна, бассет кларнет, basetový roh, rożek basetowy, bazetni rog
        """,
    ),
    (
        "bass clarinet",
        """
        basklarinet, klarnet basowy, bas klarinet, бас кларнет, басовый кларнет,
        μπάσο κλαρινέτο, 低音单簧管, 低音單簧管, バスクラリネット, 베이스클라리넷
        """,
    ),
    (
        "bassoon",
        """
        fagoty, fagoti, фагот, фаготы, фаготи, φαγκότο, φαγκότα, 巴松, 大管, ファゴット,
        바순
        """,
    ),
    (
        "contrabassoon",
        """
        kontrafagot, контрафагот, κόντρα φαγκότο, 低音巴松, 低音大管, コントラファゴット,
        콘트라바순
        """,
    ),
    (
        "saxophone",
        """
        saksofon, saksofony, saksofoni, саксофон, саксофоны, σαξόφωνο, 萨克斯, 薩克斯,
        サックス, サクソフォン, 색소폰
        """,
    ),
    (
        "brass",
        """
        žestě, žesťové nástroje, instrumenty dęte blaszane, dęte blaszane, limeni puhači,
        медные, медные духовые, медь, мідні духові, χάλκινα, χάλκινα πνευστά, 铜管, 銅管,
        铜管乐, 銅管樂, 金管, 金管楽器, ブラス, 금관, 금관악기, 브라스
        """,
    ),
    (
        "horn",
        """
        lesní roh, lesní rohy, rohy, róg, rogi, waltornie, rog, rogovi, валторна, валторны,
        валторни, κόρνο, κόρνα, 圆号, 圓號, 法国号, 法國號, ホルン, 호른
        """,
    ),
    (
        "trumpet",
        """
        trubka, trubky, trąbka, trąbki, truba, trube, труба, трубы, труби, τρομπέτα,
        τρομπέτες, 小号, 小號, トランペット, 트럼펫
        """,
    ),
    (
        "trombone",
        """
        pozoun, pozouny, trombon, trombony, puzony, tromboni, тромбон, тромбоны, тромбони,
        τρομπόνι, τρομπόνια, 长号, 長號, トロンボーン, 트롬본
        """,
    ),
    (
        "tuba",
        """
        tuby, туба, тубы, τούμπα, 大号, 大號, 低音号, チューバ, テューバ, 튜바
        """,
    ),
    (
        "harp",
        """
        harfa, harfy, harfe, арфа, арфы, арфи, харфа, άρπα, άρπες, 竖琴, 豎琴, ハープ, 하프
        """,
    ),
    (
        "celesta",
        """
        čelesta, celesta, челеста, τσελέστα, 钢片琴, 鋼片琴, チェレスタ, 첼레스타
        """,
    ),
    (
        "harpsichord",
        """
        cembalo, klawesyn, čembalo, клавесин, чембало, τσέμπαλο, 羽管键琴, 大鍵琴,
        チェンバロ, ハープシコード, 古钢琴, 하프시코드
        """,
    ),
    (
        "orchestra",
        """
        orchestr, orkiestra, orkestar, оркестр, оркестар, ορχήστρα, 管弦乐, 管弦樂,
        大管弦乐, オーケストラ, 오케스트라
        """,
    ),
    (
        "timpani",
        """
        tympány, литавры, литаври, тимпани, τύμπανι, τιμπάνι, 定音鼓, ティンパニ, 팀파니
        """,
    ),
    ("low drums", "тайко, 太鼓, 和太鼓"),
    (
        "cymbals",
        """
        talerze, činely, činele, тарелки, тарілки, κύμβαλα, シンバル, 심벌즈
        """,
    ),
    (
        "percussion",
        """
        perkuse, bicí nástroje, perkusje, instrumenty perkusyjne, udaraljke, перкуссия,
        перкусія, ударные, ударні, ударные инструменты, удараљке, κρουστά, 打击乐, 打擊樂,
        パーカッション, 打楽器, 퍼커션, 타악기
        """,
    ),
    (
        "drums",
        """
        bicí souprava, bubnjevi, ударная установка, бубњеви, ντραμς, 架子鼓, 爵士鼓, ドラム,
        ドラムス, 드럼
        """,
    ),
    (
        "snare",
        """
        malý buben, werbel, малый барабан, ταμπούρο, 小军鼓, 小軍鼓, スネア, 스네어
        """,
    ),
    (
        "xylophone",
        """
        xylofon, ksylofon, ksilofon, ксилофон, ξυλόφωνο, 木琴, シロフォン, 실로폰
        """,
    ),
    ("marimba", "маримба, марімба, μαρίμπα, 马林巴, 馬林巴, マリンバ, 마림바"),
    (
        "vibraphone",
        """
        vibrafon, wibrafon, вибрафон, вібрафон, βιμπράφωνο, 颤音琴, 顫音琴, ビブラフォン,
        비브라폰
        """,
    ),
    (
        "glockenspiel",
        """
        zvonkohra, dzwonki, колокольчики, μεταλλόφωνο, 钟琴, 鐘琴, グロッケン,
        グロッケンシュピール, 글로켄슈필
        """,
    ),
    (
        "bells",
        """
        zvony, dzwony, dzwony rurowe, zvona, колокола, дзвони, звона, καμπάνες, 管钟, 管鐘,
        チューブラーベル, チューブラーベルズ
        """,
    ),
    (
        "guitar",
        """
        kytara, kytary, gitary, gitara, gitare, гитара, гитары, гітара, κιθάρα, κιθάρες,
        吉他, ギター, 기타
        """,
    ),
    (
        "acoustic guitar",
        """
        akustická kytara, španělka, gitara akustyczna, gitara klasyczna, akustična gitara,
        акустическая гитара, акустична гітара, ακουστική κιθάρα, 木吉他,
        アコースティックギター, アコギ, 통기타, 어쿠스틱기타
        """,
    ),
    (
        "electric guitar",
        """
        elektrická kytara, gitara elektryczna, električna gitara, электрогитара,
        электрическая гитара, електрогітара, ηλεκτρική κιθάρα, 电吉他, 電吉他, エレキギター,
        エレクトリックギター, 일렉기타
        """,
    ),
    (
        "bass guitar",
        """
        basová kytara, baskytara, gitara basowa, bas gitara, басгитара, бас гитара,
        бас гітара, μπάσο κιθάρα, 电贝斯, 電貝斯, 低音吉他, エレキベース, 베이스기타
        """,
    ),
    (
        "bass",
        """
        basy, бас, басы, баси, μπάσο, μπάσα, 贝斯, 貝斯, ベース, 베이스
        """,
    ),
    (
        "piano",
        """
        klavír, křídlo, fortepiano, pianino, klavir, glasovir, фортепиано, фортепіано,
        пианино, піаніно, рояль, клавир, πιάνο, 钢琴, 鋼琴, ピアノ, 피아노
        """,
    ),
    (
        "keys",
        """
        klávesy, klawisze, klavijature, клавишные, клавішні, πλήκτρα, 键盘, 鍵盤,
        キーボード, 키보드
        """,
    ),
    (
        "organ",
        """
        varhany, organy, orgulje, орган, оргуље, εκκλησιαστικό όργανο, 管风琴, 管風琴, 风琴,
        風琴, オルガン, 오르간
        """,
    ),
    (
        "accordion",
        """
        akordeon, аккордеон, баян, акордеон, хармоника, ακορντεόν, 手风琴,
        手風琴, アコーディオン, 아코디언
        """,
    ),
    (
        "plucked",
        """
        cimbál, cymbały, tambura, tamburica, mandolína, mandolina, балалайка, домра,
        бандура, гусли, тамбура, мандолина, μπουζούκι, λαούτο, 古筝, 古箏, 琵琶, 扬琴, 揚琴,
        古琴, 筝, 箏, 三味線, マンドリン, 가야금, 거문고
        """,
    ),
    (
        "folk bowed",
        """
        二胡, 高胡, 中胡, 板胡, 马头琴, 馬頭琴, 해금, κρητική λύρα, gusle, гусле
        """,
    ),
    (
        "small percussion",
        """
        kastaněty, kastaniety, kastanjete, кастаньеты, кастаньєти, rolničky, бубенцы, trójkąt,
        треугольник, трикутник, tamburína, tamburyn, бубен, カスタネット, タンバリン,
        トライアングル, 三角铁, 三角鐵, 铃鼓, 鈴鼓, 响板, 響板, 트라이앵글, 탬버린
        """,
    ),
    ("hand drums", "konga, bonga, bongosy, конги, бонго, コンガ, ボンゴ, 콩가, 봉고"),
    (
        "euphonium",
        """
        eufonium, эуфониум, еуфоніум, офиклеид, oficleide, bugle contrabbasso, bugle basso,
        mellofono, baryton dęty, 上低音号, 上低音號, ユーフォニアム, 유포니움
        """,
    ),
    (
        "trumpet",
        """
        flicorno, flicorno soprano, flicorno contralto, flicorno tenore, křídlovka,
        skrzydłówka, krilnica, флюгельгорн, фліґельгорн, フリューゲルホルン
        """,
    ),
    (
        "ethnic winds",
        """
        шалмей, волынка, вистл, кена, тарогато, дульциан, крумгорн, кроморна, dudy, gajdy,
        sheng, sheng soprano, sheng alto, sheng tenore, sheng basso, шэн,
        笛子, 箫, 簫, 笙, 唢呐, 嗩吶, 尺八, 篠笛, 대금, дудук, жалейка, φλογέρα, fujara
        """,
    ),
    (
        "choir",
        """
        sbor, sbory, zbor, zborovi, chóry, хор, хоры, хори, χορωδία, 合唱, 合唱团, 合唱團,
        合唱団, 합창
        """,
    ),
    (
        "solo voice",
        """
        zpěv, śpiew, wokal, pjevač, vokal, вокал, голос, φωνή, φωνητικά, 人声, 人聲,
        ボーカル, ヴォーカル, 보컬
        """,
    ),
    ("soprano", "soprán, sopran, сопрано, υψίφωνος, 女高音, ソプラノ, 소프라노"),
    (
        "synth",
        """
        syntezátor, syntezator, sintisajzer, синтезатор, синт, συνθεσάιζερ, 合成器, シンセ,
        신스
        """,
    ),
    (
        "synth bass",
        """
        合成贝斯, 合成貝斯, シンセベース, 신스베이스, синт бас, синтбас
        """,
    ),
    ("synth strings", "シンセストリングス, 合成弦乐"),
    ("synth pad", "シンセパッド, 合成铺底"),
    (
        "electric piano",
        """
        电钢琴, 電鋼琴, エレピ, エレクトリックピアノ, 일렉피아노, электропиано
        """,
    ),
    (
        "harmonica",
        """
        口琴, ハーモニカ, 하모니카, губная гармошка, foukací harmonika, usna harmonika
        """,
    ),
    ("steel drums", "スチールドラム, 钢鼓, 鋼鼓"),
    (
        "effects",
        """
        efekty, efekti, эффекты, ефекти, εφέ, 音效, 效果音, 効果音, 효과음
        """,
    ),
)

#: Words that mean another thing as often: a voice, a refrain, a section of the orchestra.
DOUBTFUL_IN_MORE_LANGUAGES: Final[tuple[tuple[str, str, float, str], ...]] = (
    ("viola", "Strings", 0.75, "альт, альты, альти"),
    ("group vocals", "Choir", 0.6, "コーラス, 코러스"),
    ("drums", "Drums", 0.7, "bicí, барабаны, барабани, барабан, бубњеви"),
    ("bass drum", "Orch Percussion", 0.6, "velký buben, большой барабан, 大鼓, 大太鼓, バスドラム"),
    ("snare drum", "Orch Percussion", 0.5, "小鼓, 小太鼓"),
)

_WHICH: Final = {
    1: """
        první prvni pierwsze pierwszy pierwsza prva prve prvi первые первая первый перші
        перша прве 第一 一 제1
        """,
    2: """
        druhé druhe druga drugi drugie druge вторые вторая второй другі друга друге 第二 二
        제2
        """,
    3: """
        třetí treti trzecie trzecia treće treci третьи третья третий треті трећи 第三 三
        """,
    4: """
        čtvrté ctvrte czwarte četvrte четвертые четвёртые четверті четврте 第四 四
        """,
}
#: Which of several, in words.
MORE_ORDINALS: Final = {word: n for n, words in _WHICH.items() for word in words.split()}
