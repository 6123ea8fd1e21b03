"""Percussion: the orchestra's, the kit, the world's, mallets, bells.

Conventions as in :mod:`cue_pipeline.mapping.names.lexicon.orchestra`. Which of the percussion
categories a word belongs to follows the practice of film stems: *Orch Percussion* is what the
section's players stand at (timpani, cymbals, gran cassa, snare ensemble, tam-tam), *Low*, *Mid*
and *High Percussion* are the ethnic and hybrid layers by register, *Drums* is a kit or drum
machine, *Mallets* are bars struck, *Bells* ring.
"""

from typing import Final

PERCUSSION: Final[tuple[tuple[str, str, float, str], ...]] = (
    # -- Orchestral ---------------------------------------------------------------------------
    (
        "timpani",
        "Orch Percussion",
        0.95,
        """
        timpani, timp, timps, timpany, tympani, tymp, tmp timpani, pauken, pauke, pke, pk,
        timbale orchestre, timbales d orchestre, timbal sinfonico, timbales sinfonicos, kettle
        drum, kettledrum, kettle drums, kesselpauke, timpano, pukor, kotły
        """,
    ),
    (
        "orchestral bass drum",
        "Orch Percussion",
        0.92,
        """
        gran cassa, grancassa, cassa, gc, g c, gr cassa, gran casa, grosse caisse, große trommel,
        grosse trommel, gr tr, gr trommel, bombo sinfonico, concert bass drum, orch bass drum,
        orchestral bass drum, concert bd, orch bd, conc bd, grand casa
        """,
    ),
    (
        "bass drum",
        "Orch Percussion",
        0.60,
        """
        bass drum, bs drum, bass drums, bassdrum, bd, bs dr, bass dr
        """,
    ),
    (
        "orchestral snare",
        "Orch Percussion",
        0.90,
        """
        orch snare, orchestral snare, concert snare, snare ensemble, snare ens, snares
        ensemble, snares ens, field drum, field drums, military drum, military snare, marching
        snare, tenor drum, tenor drums, side drum, kleine trommel, kl trommel, kl tr, caisse
        claire, tamburo, tamburo militare, rührtrommel, wirbeltrommel, tambour, piccolo snare
        ens, parade drum, marching drums, drumline, drum corps, tarole, conc snare, sn ens,
        caja orquesta, marching band, redoblante, caixa, marching tenor, marching bass,
        marching drum, marching cymbals
        """,
    ),
    ("snare drum", "Orch Percussion", 0.50, "snare drum, sd, s d, sn dr, snare roll, sd roll"),
    (
        "orchestral cymbals",
        "Orch Percussion",
        0.90,
        """
        piatti, piatto, piatti a 2, becken, suspended cymbal, susp cymbal, susp cym, sus cym,
        sus cymbal, suspcym, suscym, cymbal roll, cymbal rolls, cym roll, cymbal swell, cymbal
        swells, cym swell, cym swells, clash cymbals, clash cym, crash cymbals a2, orch
        cymbal, orch cymbals, orch cym, concert cymbals, hand cymbals, platillos, cymbales,
        platos, s cym, piatti sospesi, piatto sospeso, cymbale suspendue, clash cymbal, crash
        cyms, bekkens, pratos
        """,
    ),
    ("cymbals", "Orch Percussion", 0.60, "cymbal, cymbals, cym, cyms, cymb, cymbs, cmbl"),
    (
        "tam-tam",
        "Orch Percussion",
        0.90,
        """
        tam tam, tamtam, tam, gong, gongs, tams, chau gong, water gong, tuned gongs, thai
        gongs, gng, opera gong, wind gong
        """,
    ),
    (
        "orchestral toys",
        "Orch Percussion",
        0.85,
        """
        anvil, anvils, amboss, enclume, incudine, whip, slapstick, ratchet, raganella, thunder
        sheet, thundersheet, mark tree orch, vibraslap, flexatone, lions roar, lion s roar,
        wind machine, bell plate, bell plates, hammer mahler, brake drum, thunder machine,
        rute
        """,
    ),
    (
        "orchestral percussion",
        "Orch Percussion",
        0.95,
        """
        orch perc, orchestral percussion, orchestral perc, orch percussion, schlagwerk,
        orchesterschlagwerk, symphonic perc, perc orch, percussion orch, percussion section,
        perc section, orchestra percussion, conc perc, concert percussion, percussions d
        orchestre, untuned perc orch, sym perc, symphonic percussion, slagwerk, slagverk
        """,
    ),
    # -- By register ----------------------------------------------------------------------------
    (
        "low percussion",
        "Low Percussion",
        0.95,
        """
        low percussion, low perc, lo perc, perc lo, perc low, percussion low, percussion lo,
        perc l o, lowperc, loperc, low drums, lo drums, deep drums, drums low, drums lo, big
        drums, big drum, epic drums, war drum, war drums, thunder drums, deep perc, low toms
        ensemble, low ethnic perc, bass percussion
        """,
    ),
    (
        "mid percussion",
        "Mid Percussion",
        0.95,
        """
        mid percussion, mid perc, med perc, perc mid, perc med, percussion mid, midperc,
        medium perc, mid drums, hand drum, hand drums, handdrums, medium percussion, middle
        percussion, perc middle, hand perc, hand percussion, small drums
        """,
    ),
    (
        "high percussion",
        "High Percussion",
        0.95,
        """
        high percussion, high perc, hi perc, perc hi, perc high, percussion hi, percussion
        high, hiperc, highperc, small perc, small percussion, perc small, metal perc small,
        perc toys, light perc, toys perc, perc hi metals, hi drums, high drums, perc tops, aux
        perc, perc aux, auxiliary percussion
        """,
    ),
    (
        "percussion",
        "Mid Percussion",
        0.50,
        """
        percussion, perc, percs, percu, prc, perk, percussions, perkussion, percussioni,
        percusión, percusiones, percussione, prcussion, ethnic perc, ethnic percussion,
        world perc, world percussion, tribal, tribal perc, tribal drums, prcsn, percs
        ethnic, ethnic drums, perc ens, cinematic perc, cinematic percussion, live perc,
        percussion ensemble, percussão, perkusion, perkusja
        """,
    ),
    (
        "low drums",
        "Low Percussion",
        0.92,
        """
        taiko, taikos, daiko, o daiko, odaiko, nagado, taiko ens, taiko ensemble, surdo,
        surdos, dhol, dhols, davul, dunun, djun, djun djun, djundjun, dundun, dunduns, gran
        tom, tapan, ashiko low, bombo, bombo leguero, lambeg, okedo, shime low, tupan, nagara,
        hulusi drum, chu daiko, taikos ensemble, tanggu, chinese drum, chinese drums, chenda,
        tambora
        """,
    ),
    # What the percussionist sorts by: skins, woods, metals.
    ("hand drums", "Mid Percussion", 0.6, "skins, skin drums"),
    ("small percussion", "High Percussion", 0.75, "metals, metal perc, metal percs, perc metal"),
    # In France timbales are timpani; a quinto is a fifth voice in old music.
    ("hand drums", "Mid Percussion", 0.7, "timbales, timbale, timbal, quinto"),
    (
        "hand drums",
        "Mid Percussion",
        0.92,
        """
        cununo, cunono, llamador, alegre, tambor alegre, tambor, bata okonkolo, conga,
        congas, tumba, tumbadora, bongo, bongos, djembe, djembé, jembe, darabuka, darbuka,
        darbouka, doumbek, dumbek, doumbec, tabla, tablas, bata drums, cajon, cajón, udu,
        udus, frame drum, frame drums, framedrum, bodhran, daf, tar drum, riq, riqq,
        bendir, ashiko, pandeiro, talking drum, mridangam, kanjira, dholak, tombak, zarb,
        log drum, log drums, slit drum, krakebs, batá, roto toms, rototoms, rototom, tom
        ens mid, hang drum perc, ghatam, naqqara, bata, pakhawaj, shime, shime daiko, toms
        ethnic, rahmentrommel, ethnic toms, mid taiko, repique, repinique
        """,
    ),
    (
        "small percussion",
        "High Percussion",
        0.93,
        """
        guasa, guache, guacho, guacharaca, paliteo, shaker, shakers, shkr, shk, shkrs,
        shake, tambourine, tamb, tambo, tambs, tambourin, tamburin, pandereta, tmb
        tambourine, tambourines, tmbrn, triangle, triangles, triangel, triang, trgl,
        triangolo, triángulo, trg, schellenkranz, schellentrommel, maraca, maracas,
        claves, clave, guiro, güiro, cabasa, afuche, cowbell, cow bell, cowbells, cbell,
        agogo, agogos, agogô, castanet, castanets, kastagnetten, castañuelas, woodblock,
        wood block, woodblocks, wood blocks, wdblk, wblock, temple block, temple blocks,
        templeblocks, tempelblock, sleigh bells, sleighbells, sleigh bell, sleighs, jingle
        bells, jingles, finger cymbal, finger cymbals, finger cyms, zills, zill, caxixi,
        ganza, reco reco, egg shaker, rattle, rattles, rain stick, rainstick, chekere,
        shekere, caxixis, ankle bells, jam block, jamblock, bar chimes, mark tree,
        marktree, bell tree, belltree, windchimes, wind chimes, wind chime, chimes wind,
        mark chimes, finger snaps, snap, snaps, fingersnap, finger snap, handclap, hand
        claps, hand clap, handclaps, spoons, washboard, sticks perc, stix, clacks, body
        percussion, body perc, cricket, rebolo, tamborim, wood clicks, shells, seed
        rattle, seed pods, quijada, cuica, hi hat perc, tamburijn, pandero, cencerro,
        guira, manjira, kartal, chocalho, guaracha
        """,
    ),
    # -- The kit and the machine ------------------------------------------------------------------
    (
        "drums",
        "Drums",
        0.95,
        """
        drums, drum, drm, drms, dr, drs, drum kit, drumkit, drumset, drum set, kit, trap
        kit, trap set, schlagzeug, batterie, batteria, batt, batería, drumz, drummer, kit
        mix, drm kit, rock kit, jazz kit, brush kit, brushes kit, brushes, drum bus, drum
        mix, drum stem, drum submix, drum machine, drummachine, drum loop, drum loops,
        drumloop, drumloops, drum fill, drum fills, e drums, edrums, electronic drums,
        elec drums, electro drums, edrum, digi drums, tr808, tr 808, 808, 909, tr909, tr
        909, 707, linn, linndrum, lm1, cr78, drum sample, drum samples, drum oh, drum
        room, drum ohs, drum rooms, drums oh, beat, beats, beatbox, breakbeat, break beat,
        electro beat, drum trigger, drum trig, drum loop perc, amen, synth drums, elec
        kit, hybrid kit, drum synth, syn drum, syndrum, simmons, synth drum, drum stems,
        drum comp, drums comp, drums mono, groove, drumstel, trummor, trommer
        """,
    ),
    (
        "kick",
        "Drums",
        0.95,
        """
        kick, kik, kck, kicks, kick drum, kickdrum, kik drum, kick in, kick out, kickin,
        kickout, kick sub, subkick, sub kick, sub kik, kd, kick inside, kick outside, kick
        beater, kick sample, kick trig, kick trigger, grosse caisse kit, bombo kit, kick d112,
        kick fet, kick ns10, 4 on the floor, kickz, kick 808, 808 kick, beater, kik in, kik
        out
        """,
    ),
    (
        "snare",
        "Drums",
        0.90,
        """
        snare, snr, sn, snares, snare top, snare btm, snare bottom, snare bot, snaretop,
        snarebtm, sn top, sn btm, sn bot, snr top, snr bot, snr btm, snare up, snare down,
        snareup, snaredown, rimshot, rim shot, side stick, sidestick, cross stick, crossstick,
        rim, snare sample, snare trig, snare trigger, snare over, snare under, clap snare, sd
        top, sd btm, sd bot, caja, snare side, brush snare, rullante, sn t, sn b, snt, snb,
        snares kit, snare 57
        """,
    ),
    (
        "toms",
        "Drums",
        0.82,
        """
        tom, toms, tom tom, tomtom, tom toms, floor tom, floortom, flr tom, floor toms, rack
        tom, racktom, rack toms, ftom, hi tom, high tom, lo tom, low tom, mid tom, tom hi, tom
        lo, tom low, tom mid, tom high, tom floor, tom rack, fl tom, tom fl, ft, rack, flr, toms
        mix, tom 1 rack, r tom, f tom, goliat, timbalon
        """,
    ),
    ("toms", "Drums", 0.60, "floor"),
    (
        "hi-hat",
        "Drums",
        0.94,
        """
        hat, hats, hihat, hi hat, hihats, hi hats, high hat, highhat, high hats, hh, hhs, hht,
        charleston, charley, charlie, charles, closed hat, open hat, ohh, chh, hhat, hi hh,
        ohat, ohats
        """,
    ),
    (
        "kit cymbals",
        "Drums",
        0.85,
        """
        ride, ride cym, ride cymbal, crash, crash cymbal, crash cym, china, china cym, splash,
        splash cym, crashes, ride bell, ride bow
        """,
    ),
    (
        "overheads",
        "Drums",
        0.88,
        """
        oh, ohs, overhead, overheads, ovh, ovhd, ovhds, ovhead, over heads, o h, ovrhd, over
        head, overs drum, ohead, oheads, overhds, ohl, ohr, ohm, ohd, ohds
        """,
    ),
    (
        "drum room",
        "Drums",
        0.60,
        """
        room, rooms, room mic, room mics, rm mic, rm mics, kit room, rm, rms, mono room,
        stereo room, room mono, room stereo, room far, room near, room crush, crush mic, knee
        mic, crotch mic, trash mic, drum ambience, drum amb, mono crush, drum crush, ambient
        mic, ambient mics, amb mic, amb mics, ambience mic, ambience mics
        """,
    ),
    (
        "claps",
        "Drums",
        0.70,
        """
        stick, sticks, stick clicks, clap, claps, clps, stomp, stomps, stomp clap, stomps claps,
        clapping
        """,
    ),
    ("loop", "Drums", 0.45, "loop, loops, rhythm loop, rhythm loops, lp, tops, top loop"),
    # -- Mallets ----------------------------------------------------------------------------------
    (
        "mallets",
        "Mallets",
        0.94,
        """
        mallet, mallets, malletes, mlt, mallet perc, tuned perc, tuned percussion, tuned
        percs, mallet percussion, pitched perc, pitched percussion, keyboard percussion,
        stabspiele, claviers, láminas
        """,
    ),
    (
        "xylophone",
        "Mallets",
        0.95,
        """
        xylophone, xylo, xyl, xylos, xylophon, xilofono, xilófono, xlyo, xilo, xylophones,
        xyloph
        """,
    ),
    (
        "marimba",
        "Mallets",
        0.95,
        """
        marimba, marim, mrb, mba, marimbas, marimb, marb, bass marimba, marimbaphon,
        marimbe
        """,
    ),
    # 'Mars' is a title.
    ("marimba", "Mallets", 0.88, "mar"),
    (
        "vibraphone",
        "Mallets",
        0.95,
        """
        vibraphone, vibe, vibes, vib, vibs, vbs, vibraphon, vibrafono, vibráfono, vibrph,
        vibra, vibraph, vph, bowed vibes, bowed vibraphone
        """,
    ),
    (
        "glockenspiel",
        "Mallets",
        0.78,
        """
        glockenspiel, glock, glk, glck, gsp, gl spiel, campanelli, jeu de timbres, glocks,
        glsp, orchestra bells, glocken, glspl, carillon glock, gck
        """,
    ),
    (
        "steel drums",
        "Mallets",
        0.75,
        """
        steel drum, steel drums, steel pan, steelpan, steel pans, steelpans, hang, handpan,
        hang drum, hand pan, gamelan, bonang, gambang, balafon, bala, balaphone, gyil, tongue
        drum, tank drum, steel tongue, waterphone pitched, lithophone, glass marimba, array
        mbira, saron, gender gamelan, boomwhackers, txalaparta, amadinda, metallophone,
        metallophon, idiophone, metalofono, metalófono, steel tongue drum
        """,
    ),
    # -- Bells ------------------------------------------------------------------------------------
    (
        "bells",
        "Bells",
        0.93,
        """
        wine glasses, wineglass, wine glass, glass harp, bell, bells, bls, tubular bells,
        tubular bell, tub bells, tube bells, tubularbells, tbells, tubells, tubulars, tub
        bell, tb bells, chimes, chime, orch chimes, röhrenglocken, röhrengl, campane, campana,
        campanas, campane tubolari, campanas tubulares, cloches, cloche, cloches tubulaires,
        cloches tubes, glocken kirche, glocke, glocken groß, glockenton, kirchenglocken,
        church bell, church bells, churchbells, hand bell, hand bells, handbell, handbells,
        zimbeln, carillon, bell pad, toy bells, glass bells, glass bell,
        ice bells, temple bell, temple bells, temple bowl, singing bowl, singing bowls, sing
        bowl, tibetan bowl, tibetan bowls, klangschale, klangschalen, bowls, tibetan bells, fm
        bell, fm bells, synth bell, synth bells, bell synth, bells synth, tingsha, rin,
        almglocken, almglock, chms, bell tower, big ben, bellz, tinker bell,
        glass armonica, glass harmonica, armonica glass, glasharmonika
        """,
    ),
    # Played by the mallet player, heard as bells.
    (
        "crotales",
        "Bells",
        0.80,
        """
        crotale, crotales, crot, crots, crotali, antique cymbals, antique cymbal, bowed crotales,
        cymbales antiques, crótalos
        """,
    ),
    (
        "music box",
        "Bells",
        0.82,
        """
        music box, musicbox, spieluhr, spieldose, boite a musique, toy bell, toy box, caja de
        musica, carillon box, toy glock
        """,
    ),
)
