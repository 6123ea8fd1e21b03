"""Guitars, basses, keyboards, organs, plucked strings and voices.

Conventions as in :mod:`cue_pipeline.mapping.names.lexicon.orchestra`.
"""

from typing import Final

BAND: Final[tuple[tuple[str, str, float, str], ...]] = (
    # -- Guitars ------------------------------------------------------------------------------
    (
        "guitar",
        "Electric Guitar",
        0.55,
        """
        guitar, gtr, gtrs, guit, gt, gts, gitarre, gitarren, guitare, guitares, chitarra,
        chitarre, guitarra, guitarras, gita, git, guitar solo, gtr solo, gtar, gits,
        gtarra, solo guitar, solo gtr, gutiar, guits, gui, guis, slide, string gtr, string
        guitar, steel, gitaar, gitaren, gitarr, gitara
        """,
    ),
    (
        "electric guitar",
        "Electric Guitar",
        0.95,
        """
        electric guitar, elec guitar, elec gtr, elec gtrs, electric gtr, electric gtrs, el
        gtr, el gtrs, e gtr, e gtrs, egtr, egtrs, egt, e guitar, e guitars, eguitar, el
        guitar, elgtr, elgtrs, elecgtr, elecguitar, ele gtr, ele guitar, electric gt, elec
        gt, e git, egit, e gitarre, egitarre, elektrische gitarre, elgitarr, elguitar,
        elektrische gitaar, guitare elec, eg, egs, e gt, guitare electrique, gtr elec, gtr
        e, gtr el, gtr electric, guitar electric, guitar elec, guitar el, chitarra
        elettrica, guitarra electrica, ch elettrica, gt elec, git elec, lead gtr, lead
        guitar, ld gtr, leadgtr, leadguitar, gtr lead, guitar lead, gtr ld, rhythm gtr,
        rhythm guitar, rhy gtr, rhyth gtr, rhtm gtr, rtm gtr, rthm gtr, rhythmgtr, gtr
        rhythm, gtr rhy, gtr rhyth, guitar rhythm, rhythm gtrs, rhythm guitars, ryth gtr,
        gtr ryth, dist gtr, dist guitar, distorted guitar, distortion guitar, dirty gtr,
        dirty guitar, gtr dist, gtr distorted, gtr dirty, guitar dist, od gtr, gtr od,
        overdriven guitar, overdrive guitar, crunch gtr, crunch guitar, gtr crunch, guitar
        crunch, heavy gtr, heavy guitar, heavy gtrs, gtr heavy, gtr power, power chords,
        powerchords, metal gtr, clean gtr, clean guitar, gtr clean, gtr cln, cln gtr,
        guitar clean, gtrclean, muted guitar, palm mute gtr, palm mute, palm mutes, gtr
        palm mute, chug, chugs, chugga, gtr chug, strat, stratocaster, telecaster, tele,
        les paul, lespaul, gretsch, rickenbacker, rick 12, jazzmaster, sg gtr, es335, 335,
        jazz guitar, jazz gtr, surf guitar, surf gtr, twang, twang guitar, twangy gtr,
        tremolo guitar, trem gtr, wah gtr, wah guitar, gtr wah, baritone guitar, bari gtr,
        bari guitar, baritone gtr, baritone gt, funk guitar, funk gtr, slide guitar, slide
        gtr, gtr slide, gtr solo elec, gtr amp, guitar amp, gtr di, guitar di, amp gtr,
        gtr cab, 7 string, 7 string gtr, 8 string gtr, elec 12 string, shreddage, electric
        sunburst, guitar rig, hot rod gtr, gtr riff, guitar riff, gtr skank, skank gtr,
        skank, gtr bubble, gtr octave, eng gtr, gtr tele, gtr strat, gtr lp, fuzz gtr,
        fuzz guitar, gtr fuzz, gtr drive, gtr chunk, marshall, vox ac30, ac30, mesa, twin
        reverb
        """,
    ),
    (
        "steel guitar",
        "Electric Guitar",
        0.75,
        """
        pedal steel, pedal steel gtr, pedal steel guitar, pedalsteel, lap steel, lapsteel,
        steel gtr lap, psteel, p steel, slide pedal steel, pdl steel, hawaiian guitar, peddle
        steel
        """,
    ),
    (
        "acoustic guitar",
        "Acoustic Guitar",
        0.95,
        """
        acoustic guitar, acoustic guitars, acou gtr, acous gtr, acoust gtr, acst gtr, acus
        gtr, acoustic gtr, acoustic gtrs, ac gtr, ac gtrs, ac guitar, ac guit, acgtr,
        acgtrs, agtr, agtrs, agt, a gtr, a gtrs, a guitar, aguitar, ag gtr, gtr ac, gtr
        acou, gtr acoustic, gtr aco, gtr acous, guitar acoustic, guitar ac, gtr ag,
        acousticgtr, acousticguitar, acguitar, ac gt, acoustic gt, aco gtr, aco guitar,
        akustikgitarre, akustik gitarre, a gitarre, a git, ak git, acc guitar, acc gtr,
        nylon str, steel str, nylon str gt, steel str gt, nylon string gt, steel string
        gt, violao, violão, viola caipira, akustische gitarre, westerngitarre,
        konzertgitarre, guitare acoustique, guitare seche, guitare classique, chitarra
        acustica, chitarra classica, guitarra acustica, guitarra clasica, guitarra
        española, guitarra espanola, gtr acust, ag, ags, nylon guitar, nylon gtr, nylon
        gt, nyl gtr, nylon, nylon string, nylon string guitar, gtr nylon, gtr nyl, guitar
        nylon, classical guitar, classical gtr, class gtr, spanish guitar, spanish gtr,
        span gtr, flamenco guitar, flamenco, flamenco gtr, steel string guitar, steel
        string gtr, steel string, gtr steel, steel gtr, steel guitar acoustic, 12 string,
        12 str, 12 string gtr, 12 string guitar, 12str, 12stg, 12 str gtr, twelve string,
        twelve string guitar, parlor guitar, parlour guitar, fingerpicked gtr, fingerpick
        gtr, fingerpicking, finger gtr, strum gtr, strummed gtr, gtr strum, strumming gtr,
        strumming guitar, strum, strummed guitar, dobro, resonator, resonator guitar, reso
        gtr, resophonic, high string guitar, high strung, hi strung, hi strung gtr, high
        strung gtr, nashville gtr, nashville strung, ac 12, acoustic 12 string, gypsy
        guitar, gypsy gtr, requinto, tres, cuatro, bajo sexto, vihuela, martin gtr, taylor
        gtr, acoustic strum, acoustic rhythm, ac rhythm, acoustic lead, acoustic di,
        acoustic mic, ac strum, gtr gut, gut string, gut gtr, gtr nashville
        """,
    ),
    (
        "acoustic",
        "Acoustic Guitar",
        0.72,
        "acoustic, acou, acoust, acous, acus, aco, acst, accoustic, acustic, acoustics",
    ),
    (
        "electric",
        "Electric Guitar",
        0.50,
        """
        electric, elec, ele, elek, elektrisch, electrique, elettrica, eletric, electric s
        """,
    ),
    (
        "guitar effects",
        "Guitar FX",
        0.94,
        """
        guitar fx, gtr fx, gtrfx, guitarfx, gtr efx, gtr sfx, guitar efx, guitar effects, gtr
        effects, gtr noise, gtr noises, guitar noise, guitar noises, gtr feedback, guitar
        feedback, gtr fdbk, feedback gtr, feedback guitar, gtr fb, feedback, fret noise,
        guitar fret noise, gtr scrape, gtr scrapes, guitar scrape, pick scrape, pick scrapes,
        gtr swell, gtr swells, guitar swell, guitar swells, ebow, e bow, ebow gtr, gtr ebow,
        guitar ebow, gtr amb, gtr ambient, ambient gtr, ambient guitar, ambient gtrs, ambient
        guitars, amb gtr, amb guitar, guitar ambient, guitar amb, gtr ambience, guitarscape,
        guitarscapes, gtrscape, guitar scape, gtr scape, guitar soundscape, gtr soundscape,
        guitar texture, guitar textures, gtr texture, gtr textures, gtr atmos, guitar atmos,
        guitar atmosphere, gtr pad, gtr pads, guitar pad, guitar pads, guitar drone, gtr
        drone, gtr drones, guitar drones, bowed guitar, bowed gtr, gtr bowed, guitar bowed,
        reverse guitar, reverse gtr, rev gtr, rev guitar, gtr rev, gtr reverse, backwards gtr,
        backward guitar, gtr loops fx, guitar whammy, gtr whammy, whammy gtr, guitar wash, gtr
        wash, gtr shimmer, guitar shimmer, prepared guitar, gtr bends fx, gtr hits fx, guitar
        sfx
        """,
    ),
    # -- Basses -------------------------------------------------------------------------------
    (
        "bass",
        "Bass",
        0.85,
        """
        bass, bs, bss, bas, basse, basso, bajo, baixo, bass line, bassline, live bass, bass solo,
        bass 8va, bss gtr, bass main, bass low, lead bass
        """,
    ),
    (
        "bass guitar",
        "Bass",
        0.96,
        """
        bass guitar, bass gtr, bass gt, bs gtr, bgtr, basgtr, bassgtr, bassguitar, bs
        guitar, b gtr, e bass, ebass, el bass, elec bass, electric bass, elecbass, elbass,
        bass elec, bass electric, e basse, bassgitarre, e bs, basse electrique, basso
        elettrico, bajo electrico, basgitaar, elbas, basgitarr, baixo eletrico, bass di,
        bass d i, bassdi, di bass, bass amp, bassamp, bass mic, bass cab, bass svt, svt,
        ampeg, bass b15, b15, bass dry, bass sansamp, bass sans amp, bass fuzz, fuzz bass,
        dist bass, bass dist, bass distortion, bass od, bass grit, distorted bass, bass
        drive, bass clean, fender bass, p bass, pbass, j bass, jbass, precision bass, jazz
        bass, rick bass, rickenbacker bass, hofner, höfner, musicman bass, picked bass,
        pick bass, bass pick, bass picked, finger bass, fingered bass, bass finger, bass
        fingered, slap bass, bass slap, slapbass, fretless bass, fretless, bass fretless,
        frtls bass, frtless bass, muted bass, bass muted, bass palm, 6 string bass, bass
        vi, five string bass, 5 string bass, rock bass, funk bass, bass live, trilian,
        bass comp, bass mix, bass amped, bass u47, bass re20, bass 57, bass top, bass moog
        di, guitarron, guitarrón, bass lead gtr
        """,
    ),
    # -- Keyboards ------------------------------------------------------------------------------
    (
        "piano",
        "Piano",
        0.95,
        """
        piano, pianos, pno, pnos, pn, pia, pf, pft, klavier, klav, klv, fluegel, vleugel,
        fortepian, flygel, pianoforte, p forte, grand piano, grand, gr piano, grd piano,
        upright piano, upr piano, upr pno, upright pno, up piano, piano up, honky tonk,
        honkytonk, honky tonk piano, tack piano, tackpiano, felt piano, felt pno, felt,
        soft piano, prepared piano, prep piano, prep pno, toy piano, toypiano, steinway,
        yamaha c7, bosendorfer, bösendorfer, bechstein, ivory, pianoteq, noire, pno low,
        low piano, piano low, piano high, pno hi, piano lo, piano hi, piano bass notes,
        player piano, pianola, muted piano, pianet, una corda, pno low mic, piano di,
        bright piano, piano l o, ac piano, acoustic piano, hammers piano, piano hammer,
        piano mid, piano tail
        """,
    ),
    (
        "keys",
        "Piano",
        0.62,
        """
        keys, key, kys, keyboard, keyboards, keyb, kbd, kbds, kybd, kybds, tasten, claviers
        keys, tastiera, tastiere, teclado, teclados, toetsen, clavier, keybd, keybs, kb keys, keyz
        """,
    ),
    (
        "electric piano",
        "Piano",
        0.90,
        """
        electric piano, elec piano, elec pno, el piano, el pno, elpiano, elpno, epiano, e
        piano, epno, e pno, ep, eps, e pian, elecpiano, electric pno, rhodes, rhds, fender
        rhodes, rhode, rhod, rds, rhodez, wurli, wurlitzer, wurly, wurlie, wurl, wur,
        suitcase, suitcase piano, suitcase rhodes, dx7 ep, dx piano, fm ep, fm piano, dx ep,
        digital piano, cp70, cp80, cp 70, cp 80, elektrisches klavier, piano electrique, piano
        elettrico, piano electrico, hohner pianet, clav, clavinet, clavi, clv, hohner clav,
        d6, keyscape, stage piano, clavs, clavinette, dx7, fm rhodes, mk1 rhodes, rhodes amp,
        rhodes di, wurli amp, wurli di
        """,
    ),
    (
        "organ",
        "Organ",
        0.95,
        """
        organ, organs, org, orgn, orgao, órgão, organy, kerkorgel, dulcitone, orgel,
        orgue, orgues, organo, órgano, organ swell, hammond, hamm, hammond organ, hammond
        b3, b3, b 3, b3 organ, organ b3, c3 organ, hammond c3, vb3, leslie, lesley, leslie
        hi, leslie lo, leslie low, leslie high, organ leslie, organ lo, organ hi, organ
        low, organ high, leslie top, leslie bottom, b3 hi, b3 lo, b3 low, b3 high, b3 top,
        b3 bottom, organ top, organ btm, organ bottom, organ rotary, farfisa, vox
        continental, continental organ, pipe organ, church organ, kirchenorgel, pipeorgan,
        churchorgan, positive organ, organ pedals, organ pedal, organ bass pedals, theatre
        organ, theater organ, reed organ, pump organ, harmonium, harm reed, harmonium
        indian, combo organ, rock organ, jazz organ, percussive organ, perc organ,
        drawbar, drawbars, drawbar organ, tonewheel, lowrey, portative, kammerorgel, vox
        organ, organ synth, gospel organ, hammond leslie, hamnd, truhenorgel,
        organ pad, organ bass
        """,
    ),
    ("organ", "Organ", 0.75, "ham"),
    (
        "accordion",
        "Organ",
        0.60,
        """
        accordion, accordian, accord, acc accordion, accordeon, accordéon, accord reed,
        acord, akkordeon, akkord, fisarmonica, acordeon, acordeón, concertina, konzertina,
        bandoneon, bandoneón, bandonion, squeezebox, button box, acordeao, acordeão,
        sanfona, dragspel, trekzak, musette, acdn, accdn, accor, acrdn, bajan, bayan,
        garmon
        """,
    ),
    (
        "mellotron",
        "Synth Pad",
        0.40,
        """
        mellotron, mello, mtron, m tron, chamberlin, optigan, novatron, mellotrons
        """,
    ),
    # -- Plucked ------------------------------------------------------------------------------
    (
        "plucked",
        "Plucked",
        0.92,
        """
        plucked, plucks acoustic, plucked strings, plucked ens, plucked ensemble, zupf,
        zupfinstrumente, banjo, bjo, banjos, banj, bnj, banjitar, banjolele, ganjo,
        mandolin, mando, mndln, mand, mandolins, mandos, mdn, mandoline, mandolino,
        mandolina, mandolinen, mandola, octave mandolin, oct mando, mandocello, mando
        cello, bouzouki, bouz, bouzoukis, irish bouzouki, buzuki, cittern, ukulele, uke,
        ukes, ukelele, uku, ukuleles, ukelele strum, lute, luth, laute, lutes, theorbo,
        theorbe, archlute, chitarrone, laud, laúd, liuto, oud, ud, ouds, baglama, bağlama,
        saz, cumbus, tanbur, setar, tambura plucked, balalaika, balal, balalaikas, domra,
        dulcimer, dulc, dulcimers, hammered dulcimer, hammer dulcimer, ham dulcimer, hmr
        dulcimer, hackbrett, santur, santoor, yangqin, cimbalom, cimb alom, cymbalom,
        cymbalum, zymbal, tsymbaly, mountain dulcimer, appalachian dulcimer, app dulcimer,
        zither, zithers, zyther, citara, cithare, autoharp, auto harp, kantele, psaltery,
        psalterium, bowed psaltery, qanun, kanun, kanoun, guzheng, zheng, gu zheng, guqin,
        qin, koto, kotos, pipa, liuqin, ruan, zhongruan, yueqin, shamisen, sanshin, biwa,
        gayageum, geomungo, dan tranh, dan bau, sitar, sitars, sit, tanpura, tambura,
        tamboura, sarod, veena, vina, bass koto, electric sitar, elec sitar, coral sitar,
        kora, ngoni, mbira, kalimba, kalimbas, thumb piano, thumbpiano, sansa, likembe,
        charango, ronroco, charangos, crwth, lyre, lyra, leier, krar, jew s harp, jews
        harp, jaw harp, jawharp, maultrommel, tromboncino, marxophone, harp guitar,
        ukelin, berimbau, tar persian, rubab, dotara, ektara, guimbri, gimbri, sintir,
        dutar, komuz, bandura, gusli, bandurria, banduria, dombra, cavaquinho, cavaco,
        bandolim, bandola, tiple, tamburitza, tamburica, dan nguyet, xalam, valiha,
        marimbula, omnichord, pluck, plucks, ethnic plucked, world plucked, plk,
        banjo uke, bazouki, bousouki
        """,
    ),
    # -- Voices -------------------------------------------------------------------------------
    (
        "choir",
        "Choir",
        0.95,
        """
        choir, choirs, chr, chrs, koor, koret, kör, chór, coral, mannenkoor, choeur, chœur,
        choeurs, coro, cori, coros, chor, chöre, chorus voices, chorus vox, chorale, choral,
        satb, ssaa, ttbb, ssatb, sab, boys choir, boychoir, boy choir, boys, girls choir,
        women choir, womens choir, women s choir, mens choir, men s choir, men choir, male
        choir, female choir, fem choir, kinderchor, frauenchor, männerchor, knabenchor,
        children s choir, childrens choir, children choir, kids choir, kid choir, child choir,
        kids vox, children, chamber choir, kammerchor, gospel choir, choir ens, choir aahs,
        choir oohs, aahs choir, voice aahs, choir ahs, voice oohs, chants, gregorian,
        gregorian chant, gregorian choir, monks, opera chorus, mixed choir, voces blancas,
        sopranos, altos choir, tenors, soprani, sopranos choir, tenori, contralti, basses
        choir, choir basses, choir bass, choir tenors, choir altos, choir sopranos, choir sop,
        choir alto, choir tenor, choir men, choir women, choir ten, chr sop, chr alt, chr ten,
        chr bass, choir soprano, oceania, symphobia choir, storm choir, choir mm, choir ah,
        choir oh, choir oo, sop choir, bass choir, tenor choir, alto choir, voices of prague,
        requiem pro, arva, large chorus, mixed chorus, full chorus, male chorus, female chorus
        """,
    ),
    # Altos are violas in France, a chant is any song there.
    ("choir", "Choir", 0.75, "altos, chant, choir fx"),
    ("group vocals", "Choir", 0.6, "voices, voci, voces, stimmen, singstimmen, men, women, girls"),
    (
        "group vocals",
        "Choir",
        0.65,
        """
        gang vox, gang vocal, gang vocals, gang, gangs, gang bv, gangvox, crowd vox, group
        vox, group vocal, group vocals, crowd vocals, bv, bvs, bvox, b vox, bvx, bvoc, bgv,
        bgvs, bkg vox, bg vox, bgvox, bg vocal, bg vocals, bg vocs, bg voc, backing vox,
        backingvox, backing vocal, backing vocals, backing voc, backing vocs, back vox,
        backvox, back voc, backup vox, backup vocals, back vocals, bkv, bkvs, bvocals, bvocal,
        bk vox, bkvox, bkgd vox, bkgnd vox, background vox, background vocal, background
        vocals, backgrounds vox, harmony vox, harmony vocals, harmony vocal, harm vox, harm
        voc, harm vocals, harmonyvox, vox harm, vox harmony, vocal harmony, vocal harmonies,
        vox harmonies, harmony voc, hvox, harmony vocs, vox bv, vox bgv, vox bg,
        vox backing, vox back, vocal backing, vocals backing, vox group, vox gang, coros vox,
        ooh, oohs, ahs, aahs, ooo, oohs aahs, ahhs, ooos, aah, ahh, mmms, mmm, ohs vox, vox
        oohs, vox ooh, vox aah, vox ahs, vox aahs, chorus bv, unison vox, coros back, choeurs
        voix, cori voce, shouts, whoas, whoah, woahs, whoa, mob vox, crowd vocal, harm vocal,
        la las, lalas, na nas
        """,
    ),
    # Alone, voices; 'Harmony Gtr' is a guitar.
    ("harmonies", "Choir", 0.55, "harmony, harmonies, bg, bgs"),
    (
        "solo voice",
        "Solo Vocals",
        0.86,
        """
        female speaker, male speaker, speaker, narrator, narration, vox, voxs, vocal,
        vocals, voc, vocs, vcl vox, voice, voca, vocl, zang, sång, vocais, voice, voix,
        voz, voce, stimme, singstimme, gesang, canto, chant voix, sung, singer, vocalist,
        voxes, vx, vokal, vocaux, vcls vox, female vox, fem vox, male vox, fem vocal,
        female vocal, male vocal, female vocals, male vocals, fvox, mvox, female voice,
        male voice, male voc, female voc, f vox, m vox, girl vox, boy vox, boy soprano,
        boy treble, treble voice, treble, child voice, child vox, kid vox, ethnic vox,
        ethnic vocal, ethnic voice, ethnic vocals, vox ethnic, vocalise, toasting,
        beatboxer, vocoder, robot voice, robot vox, rap, rapper, raps, rap vox, rap lead,
        rap vocal, hype vox, spoken, spoken word, speech, whisper, whispers, vox whisper,
        scream, screams, yodel, falsetto, overtone singing, throat singing, throat singer,
        humming, hum vox, whistling, whistler, beat boxing, vox hook, vox fx, hook vox,
        vox chops, vocal chops, vox chop, vocal chop, vox adlib, ad lib, ad libs, adlib,
        adlibs, ad lib vox, vox ad lib, adlib vox, vox adlibs, vox ad libs, vox verse, vox
        chorus, vox bridge, vox rap, vocal adlibs
        """,
    ),
    (
        "lead voice",
        "Solo Vocals",
        0.96,
        """
        lead vox, leadvox, lead vocal, lead vocals, leadvocal, lead voc, lead vocs, ld vox, ld
        voc, ldvox, ldvoc, ld vocal, ld vocals, lv, lvs, lvox, l vox, lead voice, main vox,
        main vocal, main vocals, mainvox, main voc, vox lead, vocal lead, vocals lead, vox
        main, voc lead, vox ld, vox ldr, voxlead, vocal main, vox lead dbl, lead vox dbl, lead
        vox double, lead vox dt, vox dbl, vox double, vox dub, vocal double, vocal dbl, vox
        dbls, vocal dt, vox dt, solo vox, solo vocal, solo vocals, solo voice, vox solo, vocal
        solo, voice solo, solo soprano, soprano solo, sop solo, solo sop, solo alto voice,
        solo tenor, tenor solo, baritone solo, solo baritone voice, mezzo, mezzo soprano,
        countertenor, contralto solo, coloratura, dramatic soprano, opera singer, diva voice,
        gesang solo, solostimme, sologesang, voce solista, voix solo, voz solista, voz
        principal, voix lead, voz lider, haunting voice, female solo, male solo, lead singer,
        leadsinger, boy sop, alto solo voice
        """,
    ),
    ("soprano", "Choir", 0.60, "soprano, sop, sopran, soprano voice, sopr"),
    ("alto", "Choir", 0.45, "alto, contralto, altstimme"),
    ("tenor", "Choir", 0.55, "tenor, ténor, tenore, tenorstimme"),
    ("baritone", "Choir", 0.30, "baritone, bariton, barítono"),
)
