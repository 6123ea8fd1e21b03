"""Strings, woodwinds, brass, harp, keyboards of the orchestra.

Conventions
-----------
A row is (instrument, category, confidence, words). Words are separated by commas; one of several
tokens is a phrase and wins over its parts. Plurals in -s are understood, accents optional.
Languages: English, German, French, Italian, Spanish, and session and score abbreviations.

References
----------
Instrument names and score abbreviations in four languages: Adler, S. The Study of Orchestration,
4th ed., appendix A; Read, G. Music Notation, 2nd ed., ch. 22. The idea of a lexicon from names and
abbreviations to instruments is also music21's (``instrumentLookup``, BSD).
"""

from typing import Final

ORCHESTRA: Final[tuple[tuple[str, str, float, str], ...]] = (
    # -- Strings ----------------------------------------------------------------------------
    (
        "strings",
        "Strings",
        0.96,
        """
        strings, string, str, strgs, strngs, strs, stgs, stg, strng, strings section,
        string section, string orchestra, string ensemble, string ens, chamber strings,
        studio strings, streicher, streichorchester, streichensemble, cordes, ensemble a
        cordes, strijkers, strijkorkest, cordas, strygere, stråk, stråkar, smyczki, archi,
        cuerdas, cuerda frotada, string quartet, string quintet, string trio, string
        octet, quartetto d archi, quatuor a cordes, streichquartett, cuarteto de cuerda,
        fiddles ensemble, disco strings
        """,
    ),
    # As the twelfth track of a list; the guitar is a '12 string'.
    ("strings", "Strings", 0.80, "12 strings, 6 strings, 7 strings, 8 strings, 10 strings"),
    (
        "high strings",
        "Strings",
        0.96,
        """
        hi strings, high strings, hi str, high str, hohe streicher, upper strings
        """,
    ),
    (
        "low strings",
        "Strings",
        0.96,
        """
        lo strings, low strings, lo str, low str, tiefe streicher, lower strings
        """,
    ),
    (
        "violin",
        "Strings",
        0.97,
        """
        violin, vln, vlin, vlns, viol, violn, vn, vl, vno, geige, geigen, violine,
        violinen, violon, viool, violen, fiol, fioler, violino, violini, skrzypce, violín,
        violines, fiddle, fidel, baroque violin, concertmaster, five string violin, 5
        string violin, electric violin, violinist
        """,
    ),
    (
        "viola",
        "Strings",
        0.97,
        """
        viola, vla, vlas, vas, altviool, altviolen, bratsch, altówka, altowka, bratsche,
        bratschen, alti strings, violas, viole, vle, brt
        """,
    ),
    (
        "cello",
        "Strings",
        0.97,
        """
        cello, celli, vc, vcs, vcl, vcls, vlc, violoncello, violoncelli, violoncelle,
        violoncelles, celo, clo, violonchelo, violoncelo, violonchelos, violoncellos, chelo,
        electric cello, wiolonczela, violoncel
        """,
    ),
    # Or a double.
    ("double bass", "Double Bass", 0.85, "db, dbs"),
    # Or a piano.
    ("double bass", "Double Bass", 0.6, "upright, bass upright"),
    (
        "double bass",
        "Double Bass",
        0.95,
        """
        contrabass, contrabasses, double bass, double basses, dbl bass, string bass, string
        basses, bass strings, upright bass, acoustic bass, standup bass, stand up bass, cb,
        cbs, kb, kontrabass, kontrabasse, kontrabaesse, kontrabässe, contrebasse,
        contrebasses, contrabbasso, contrabbassi, contrabajo, contrabajos, jazz bass upright,
        basses, baesse, orchestral bass, bass viol, bs arco, bass arco, bass pizz, basses
        pizz, contra bass, cbass, d bass, u bass, bass section, orch bass, orch basses, str
        bass, contrabas, contrabassen, kontrabas, contrabaixo, upright jazz bass, jazz upright
        bass
        """,
    ),
    (
        "viola da gamba",
        "Strings",
        0.92,
        """
        viola da gamba, gamba, viol consort, viols, gambe, viole de gambe, viola d amore
        """,
    ),
    (
        "folk bowed",
        "Strings",
        0.92,
        """
        erhu, gaohu, zhonghu, kemence, kamancheh, sarangi, hardanger, hardanger fiddle,
        nyckelharpa, hurdy gurdy, drehleier, vielle a roue, morin khuur, rebab, kemenche,
        rabab, esraj, dilruba, haegeum, rebec, rabel, zanfona, zanfoña, gadulka, gusle,
        lijerica, jouhikko, talharpa
        """,
    ),
    # -- Woodwinds --------------------------------------------------------------------------
    (
        "woodwinds",
        "Woodwinds",
        0.95,
        """
        woodwind, woodwinds, winds, wind section, ww, wws, wwinds, wdwnd, wdwd, wdwinds, ww
        section, holz, holzbläser, bois, legni, vientos madera, maderas, viento madera, woodw,
        woodwnds, wdw, w winds, reeds, reed section, low ww, high ww, madeiras, houtblazers,
        traeblaesere
        """,
    ),
    # Or what a percussionist strikes.
    ("woodwinds", "Woodwinds", 0.80, "woods"),
    (
        "flute",
        "Woodwinds",
        0.96,
        """
        flute, fl, flt, flut, flte, flöte, flöten, querflöte, flûte, flauto, flauti, flauta,
        flautas, alto flute, bass flute, afl, alt fl, alto fl, bass fl, a flute, b flute,
        altflöte, bassflöte, flute en sol, flauto contralto, c flute, contrabass flute, wood
        flute, wooden flute, bamboo flute, native flute, native american flute, traverso,
        flutes section, fluit, fluiten, dwarsfluit, altfluit, flet, fløjte, flöjt, flauta
        travesera, flute traversiere, traversflöte
        """,
    ),
    (
        "piccolo",
        "Woodwinds",
        0.96,
        """
        piccolo, picc, pic, piccolos, piccolo flute, pikkolo, piccoloflöte, petite flute,
        ottavino, flautin, fl picc, picollo, pikolo, flautim
        """,
    ),
    (
        "oboe",
        "Woodwinds",
        0.96,
        """
        oboe, ob, obo, obs, oboen, hautbois, oboi, oboes, oboe d amore, baroque oboe, htb,
        oboé, hobo, hobos, obój
        """,
    ),
    (
        "english horn",
        "Woodwinds",
        0.96,
        """
        english horn, eng horn, eng hn, engl horn, engl hn, e horn, eh, cor anglais, cor angl,
        cor ang, ca anglais, englischhorn, engl h, corno inglese, corno ing, corno inglés,
        ehn, e hn, ehrn, enghorn, enghn, englhorn, althobo, corne ingles
        """,
    ),
    (
        "clarinet",
        "Woodwinds",
        0.96,
        """
        clarinet, cl, clar, clr, clrnt, clarinets, clt, clnt, klar, klarinette, klarinetten,
        clarinette, clarinettes, clarinetto, clarinetti, clarinete, clarinetes, eb clarinet, e
        flat clarinet, bb clarinet, a clarinet, es klarinette, basset horn, bassetthorn, cl in
        bb, cl in a, alto clarinet, eb cl, chalumeau, bb cl, klarinet, klarinett, klarnet
        """,
    ),
    (
        "bass clarinet",
        "Woodwinds",
        0.96,
        """
        bass clarinet, bass cl, bs cl, b cl, bcl, bass clar, bsclar, bs clar, bass clt,
        bassklarinette, bassklar, clarinette basse, clarinetto basso, clarinete bajo,
        contrabass clarinet, contra clarinet, cb clarinet, cbcl, contra alto clarinet,
        contralto clarinet, kontrabassklarinette, b clar, bclar, cb cl, cb clar, contrabass
        cl, bs clarinet, contra cl, bassclarinette, basklarinet, clarinete baixo, clarone
        """,
    ),
    (
        "bassoon",
        "Woodwinds",
        0.96,
        """
        bassoon, bsn, bsns, bssn, bassn, bn, fag, fagott, fagotte, basson, bassons, fagotto,
        fagotti, fagot, fagotes, fg, fgt, bsoon, fagoten, fagote
        """,
    ),
    (
        "contrabassoon",
        "Woodwinds",
        0.96,
        """
        contrabassoon, contra bassoon, cbsn, cbn, cbssn, c bsn, cb bsn, contra bsn, cntrbsn,
        contra bn, kontrafagott, kfag, contrebasson, controfagotto, contrafagot,
        contrafagotto, contrafag, cfag, cbassoon, double bassoon, k fag, contrafagott,
        contrafagote, contra fagot, c fag, cfg
        """,
    ),
    (
        "saxophone",
        "Woodwinds",
        0.95,
        """
        sax, saxes, saxophone, saxofon, saxophon, saxofone, saxophones, sassofono, saxofón,
        alto sax, tenor sax, bari sax, baritone sax, soprano sax, sop sax, bass sax, asax,
        tsax, bsax, ssax, barisax, altsax, tenorsax, altosax, sopransax, a sax, t sax, b sax,
        s sax, bari, altsaxophon, tenorsaxophon, sax section, saxs, saxo, saxos, asx, tsx,
        alto saxophone, tenor saxophone, baritone saxophone, soprano saxophone, ten sax
        """,
    ),
    (
        "recorder",
        "Woodwinds",
        0.92,
        """
        recorder, recorders, blockflöte, flute a bec, flauto dolce, flauta dulce, flauta de
        pico, bass recorder, tenor recorder, rec flute, altblockflöte, sopranblockflöte,
        tenorblockflöte, bassblockflöte, blokfluit, flauta doce
        """,
    ),
    (
        "ethnic winds",
        "Woodwinds",
        0.93,
        """
        bag pipe, bag pipes, ethnic winds, ethnic flute, ethnic woodwinds, duduk, shakuhachi,
        bansuri, ney, nay flute, quena, kena, zurna, shawm, schalmei, shehnai, shanai, shenai,
        dizi, xiao, fue, shinobue, hulusi, suona, pan flute, panpipes, pan pipes, panflute,
        pan pipe, panflöte, siku, zampona, ocarina, okarina, tin whistle, whistle, low
        whistle, penny whistle, irish whistle, pennywhistle, fife, bagpipe, bagpipes, uilleann
        pipes, pipes uilleann, uillean pipes, uilleann, dudelsack, cornemuse, gaita, zampogna,
        small pipes, northumbrian pipes, didgeridoo, didge, didjeridu, crumhorn, krummhorn,
        fujara, moseno, kaval, mizmar, launeddas, great highland pipes, flageolet, gemshorn,
        chirimia, chirimía, dulzaina, gralla, tarka, quenacho, pifano, nadaswaram, venu
        """,
    ),
    (
        "harmonica",
        "Woodwinds",
        0.55,
        """
        harmonica, harp blues, blues harp, mouth organ, mundharmonika, armonica, armónica,
        harmonika, melodica, melodika, mouth harp, mondharmonica, bottle blow, blown bottle
        """,
    ),
    # -- Brass ------------------------------------------------------------------------------
    (
        "brass",
        "Brass",
        0.95,
        """
        brass, brs, brss, brass section, brass ens, brass ensemble, brassi, blech,
        blechbläser, cuivres, ottoni, metales, viento metal, vientos metal, horn section,
        horns section, low brass, lo brass, high brass, hi brass, brass band, brs section,
        brass quintet, brass choir, brs ens, bläser, metais, koper, koperblazers
        """,
    ),
    (
        "horn",
        "Brass",
        0.96,
        """
        horn, horns, hn, hns, hrn, hrns, fhn, fhns, f hn, f hns, fr hn, fr hns, fr horn, fr
        horns, french horn, french horns, frhn, frhns, frn horn, frn hn, fhrn, fhrns,
        frenchhorn, fh, waldhorn, hörner, waldhörner, cor, cors, cor en fa, corno, corni,
        corno francese, cor d harmonie, trompa, trompas, corno frances, horn in f, hns in f,
        cor de chasse, natural horn, f horn, f horns, fhorn, fhorns, french hn, french hns,
        hoorn, hoorns, valthorn, waltornia
        """,
    ),
    ("wagner tuba", "Brass", 0.96, "wagner tuba, wagnertuba, wagner tubas, wag tuba, wagner tub"),
    (
        "trumpet",
        "Brass",
        0.96,
        """
        trumpet, tpt, tpts, trpt, trpts, trp, trps, trumpets, tp, tps, tmpt, trmpt, trmp,
        trump, trompete, trompeten, trompette, trompettes, tromba, trombe, clarino, clarini,
        trompeta, trompetas, picc trumpet, piccolo trumpet, piccolo tpt, picc tpt, bass
        trumpet, bass tpt, cornet, kornett, cornetto, cornets, corneta, flugelhorn, flugel,
        fluegelhorn, flügelhorn, flugel horn, flghn, flg, flhn, bugle, fliscorno, flugels,
        flgl, natural trumpet, jazz trumpet, muted trumpet, trptr, trompet, trompetten, trąbka
        """,
    ),
    (
        "trombone",
        "Brass",
        0.96,
        """
        trombone, tbn, tbns, trb, trbs, trbn, trbns, trom, tbone, tbones, t bone, t bones,
        trombones, tromb, trmb, trmbn, tmb, bone, bones, posaune, posaunen, pos, trombón,
        tromboni, trombone ténor, trombón tenor, tenor trombone, ten tbn, ten trb, alto
        trombone, tenorposaune, tenor tbn, bass trombone, bass tbn, bs tbn, b tbn, btbn, btrb,
        bass trb, bass bone, bs trb, bassposaune, trombone basse, trombone basso, trombón
        bajo, contrabass trombone, cb tbn, cbtbn, cimbasso, cimb, cimbassi, contra trombone,
        contrabass tbn, btb, bass tromb, sackbut, tbne, basun, basuner, puzon, bass posaune,
        bastrombone
        """,
    ),
    (
        "tuba",
        "Brass",
        0.96,
        """
        tuba, tba, tbas, tuben, tubas, tube basse, contrabass tuba, kontrabasstuba, basstuba,
        bass tuba, sousaphone, cb tuba, tub
        """,
    ),
    (
        "euphonium",
        "Brass",
        0.94,
        """
        euphonium, euph, eup, tenorhorn, tenor horn, baritone horn, bari horn, alto horn,
        alphorn, alpine horn, ophicleide, serpent, shofar, conch, carnyx, mellophone, eufonio,
        war horn, war horns, bombardino, tenor tuba
        """,
    ),
    # -- Harp, celesta, keyboards of the orchestra ----------------------------------------------
    (
        "harp",
        "Harp",
        0.96,
        """
        harp, harps, hp, hrp, hps, harfe, harfen, harpe, harpes, arpa, arpas, celtic harp,
        lever harp, concert harp, pedal harp, keltische harfe, hf, arpe, harpa, harpas
        """,
    ),
    (
        "celesta",
        "Bells",
        0.80,
        """
        celesta, celeste, cel, celest, celeste piano, cls celesta, clst, celestá, cst celesta,
        celstina, toy celesta
        """,
    ),
    (
        "harpsichord",
        "Piano",
        0.70,
        """
        harpsichord, hpsd, hpschd, harpsi, hpschrd, cembalo, clavecin, clavicembalo, clave
        cembalo, clavecín, spinet, spinett, virginal, clavichord
        """,
    ),
    (
        "orchestra",
        "",
        0.0,
        """
        orchestra, orch, orchester, orchestre, orquesta, full orchestra, full orch, orc,
        orchestral, orchestra tutti
        """,
    ),
)
