"""Synthesisers, sub hits, tickers, effects, and the names of products that give a sound away.

Conventions as in :mod:`cue_pipeline.mapping.names.lexicon.orchestra`.
"""

from typing import Final

ELECTRONIC: Final[tuple[tuple[str, str, float, str], ...]] = (
    # -- Synth ----------------------------------------------------------------------------------
    (
        "synth",
        "Synth Pad",
        0.50,
        """
        synth, syn, synths, syns, snth, snths, synthe, synthé, synthés, synthesizer,
        synthesiser, synthesizers, synthesisers, sintetizador, sintetizzatore, sinte, sintes,
        sy, synt, synthi, poly synth, polysynth, analog synth, analogue synth, modular,
        modular synth, eurorack, buchla, serge, moog, minimoog, mini moog, prophet, prophet5,
        prophet 5, prophet 6, juno, juno 60, juno 106, juno60, juno106, jupiter, jupiter 8,
        jp8, jup8, jx3p, ob6, ob 6, obx, ob xa, oberheim, cs80, cs 80, matrix 12, polymoog,
        arp odyssey, odyssey, arp2600, arp 2600, ms20, ms 20, korg, sh101, sh 101, nord, nord
        lead, virus, access virus, zebra, zebra2, hz zebra, zebra hz, diva, massive, serum,
        sylenth, absynth, repro, repro5, omnisphere, omni, omnisph, omnis, pigments, vital,
        phaseplant, phase plant, wavetable, ppg, waldorf, blofeld, kyma, synclavier,
        fairlight, supersaw, super saw, saw synth, hybrid synth, dark synth, electronics,
        electronic, elektronik, electro, electronica, op1, op 1, synth brass, syn brass, synth
        brs, brass synth, deepmind, peak synth, hydrasynth, moog one, matriarch, subsequent,
        grandmother
        """,
    ),
    (
        "synth pad",
        "Synth Pad",
        0.94,
        """
        synth pad, syn pad, synth pads, syn pads, synpad, synpads, synthpad, synthpads, sy
        pad, pad synth, pads synth, pad, pads, warm pad, dark pad, low pad, lo pad, hi
        pad, high pad, air pad, glass pad, analog pad, analogue pad, ambient pad, amb pad,
        evolving pad, swell pad, sweep pad, bowed pad, halo pad, metallic pad, new age
        pad, fantasia, pad bed, bed pad, bowed glass, pad low, pad high, pad hi, pad lo,
        flächen, fläche, klangfläche, nappe, nappes, tappeto, tappeti, colchón,
        almohadilla
        """,
    ),
    (
        "synth strings",
        "Synth Pad",
        0.75,
        """
        string pad, strings pad, str pad, string synth, synth strings, synth string, syn
        str, syn strings, syn strgs, synthstrings, solina, string machine, strings synth,
        string ensemble synth, choir pad, vox pad, voice pad, vocal pad, piano pad, space
        voice, synth choir, syn choir, synth vox, syn vox
        """,
    ),
    (
        "atmosphere",
        "Synth Pad",
        0.72,
        """
        atmos, atmo, atmosphere, atmospheres, atmospheric, atm, ambience, ambient, ambi pad,
        ambiance, soundscape, soundscapes, sound scape, scape, scapes, texture, textures,
        textural, txt, txtr, txture, textur, texturen, drone, drones, drn, dron, bourdon, low
        drone, lo drone, dark drone, sub drone, synth drone, syn drone, drone low, synth
        texture, syn texture, synth atmos, syn atmos, synth atmo, synth textures, synth bed,
        beds, bed, wash, washes, synth wash, evolving, evolve, shimmer, shimmers, haze,
        aether, ether, swells synth, synth swell, synth swells, syn swell, syn swells, hybrid
        texture, granular, tonal bed, tension bed, eno, airy, glow, murmurs
        """,
    ),
    (
        "synth lead",
        "Synth Pulse",
        0.40,
        """
        stylophone, synth lead, syn lead, synthlead, lead synth, lead syn, ld synth, synth ld,
        leadsynth, synth melody, synth mel, synth solo, saw wave, square wave, calliope,
        calliope lead, charang, chiffer lead, chiff lead, fifths lead, saw lead, square lead,
        theremin, ondes, ondes martenot, trautonium, synth hook, synth riff, synth line,
        chiptune, chip tune, chip lead
        """,
    ),
    (
        "synth pulse",
        "Synth Pulse",
        0.94,
        """
        synth pulse, syn pulse, synth pulses, syn pulses, synpulse, synthpulse, pulse, pulses,
        pulsing, puls, pulso, pulsos, impulse, arp, arps, arpeggio, arpeggios, arpeggiator,
        arpegg, arpeggiated, arpeggiato, arpegio, arpeggi, arpegiador, arpeg, synth arp, syn
        arp, synth arps, syn arps, arp synth, syntharp, synarp, seq, seqs, sequ, sequence,
        sequences, sequencer, sequenced, sequenza, séquence, sequenz, sequenzer, synth seq,
        syn seq, synth sequence, synthseq, seq synth, rhythmic synth, rhythm synth, synth
        rhythm, syn rhythm, synth rhythmic, synth ostinato, syn ostinato, synth ost, syn ost,
        pulsing synth, low pulse, lo pulse, hi pulse, high pulse, mid pulse, pulse lo, pulse
        hi, pulse low, pulse high, gated synth, gate synth, trance gate, gated pad, pluck
        synth, synth pluck, syn pluck, synth plucks, pulse synth, bpm synth, motor, engine
        pulse, chug synth, synth chug, ostinato synth, 16ths synth, 8ths synth, motion synth,
        movement synth, pulse engine, signal, rhythmic pad, seq arp, pulses lo, pulses hi,
        stutter synth, pulse bed
        """,
    ),
    (
        "synth bass",
        "Synth Bass",
        0.94,
        """
        synth bass, synthbass, syn bass, synbass, syn bs, synth bs, bass synth, bass syn,
        basssynth, bass synths, synthbs, sy bass, s bass, sbass, sub bass, subbass, bass sub,
        sub bs, subby bass, subsynth, moog bass, bass moog, moogbass, minimoog bass, taurus,
        moog taurus, bass pedals, taurus pedals, 808 bass, bass 808, 808 sub, sub 808, 808s
        bass, reese, reese bass, wobble, wobble bass, dubstep bass, acid, acid bass, 303,
        tb303, tb 303, saw bass, square bass, fm bass, analog bass, analogue bass, seq bass,
        sequenced bass, bass seq, bass sequence, arp bass, bass arp, pulse bass, bass pulse,
        keys bass, key bass, bass keys, keybass, bass station, digital bass, basse synthe,
        basso synth, bajo synth, bajo sintetizado, synthbassline, growl bass, donk, juno bass,
        dx bass, electro bass, lately bass, synth sub
        """,
    ),
    # Or a dark pad.
    (
        "synth bass",
        "Synth Bass",
        0.75,
        "low synth, synth low, syn low, lo synth, low syn, syn lo, synth lo",
    ),
    # -- Hits -----------------------------------------------------------------------------------
    (
        "sub hits",
        "Sub Hits",
        0.95,
        """
        sub hit, sub hits, subhit, subhits, sub boom, sub booms, subboom, sub booms lo, sub
        drop, sub drops, subdrop, subdrops, sub impact, sub impacts, sub hits fx, sub thump,
        sub thud, boom, booms, boomer, boomers, low boom, lo boom, big boom, deep boom, boom
        hit, boom sub, sub low boom, low hit, low hits, lo hit, lo hits, deep hit, deep hits,
        low impact, low impacts, deep impact, lo impact, trailer hit, trailer hits, cinematic
        hit, cinematic hits, big hit, big hits, epic hit, epic hits, hit low, hit lo, hits
        low, hits lo, hit sub, hits sub, impact sub, impact low, thud, thuds, bass drop,
        bassdrop, bass drops, low end hit, lfe hit, lfe hits, lfe boom, lfe booms, kaboom,
        doom, boom fx, sub kick boom
        """,
    ),
    (
        "sub",
        "Sub Hits",
        0.60,
        """
        sub, subs, subwoofer, lfe sub, sub freq, subsonic, sub lfe, sub low
        """,
    ),
    (
        "impacts",
        "Sub Hits",
        0.70,
        """
        impact, impacts, imp, impct, impactos, impatti, einschlag, einschläge, slam, slams,
        slammer, smash, smack, trailer impact, hybrid hit, hybrid hits, hybrid impact, metal
        hit, metal hits, metal impact, metal impacts, hit impact, hits impacts, hit impacts,
        impact hit, impact hits
        """,
    ),
    (
        "hits",
        "Sub Hits",
        0.58,
        """
        hit, hits, accent, accents, stinger, stingers, sting, stings, punch, punches, coups,
        golpes, colpi, schlag, schläge
        """,
    ),
    (
        "braams",
        "FX",
        0.60,
        """
        braam, braams, braaam, bram, brams, bwah, bwaa, braaams, brahm, brahms hit, braam low,
        inception horn, inception
        """,
    ),
    # -- Ticker -----------------------------------------------------------------------------------
    (
        "ticker",
        "Ticker",
        0.94,
        """
        ticker, tickers, tick, ticks, ticking, tickety, tick tock, ticktock, tick tack, tic
        tac, tictac, tictoc, tic toc, tic, clock, clocks, clock tick, clock ticks, ticking
        clock, ticker clock, tickclock, clockwork, uhr, uhrticken, tickt, ticken, horloge,
        orologio, reloj, stopwatch, watch tick, tix, tikker, tik tok, tiktok, tik tak, tik,
        tiks, ticker synth, synth tick, syn tick, syn ticks, synth ticks, ticker perc, ticky,
        tickies
        """,
    ),
    # -- Effects ----------------------------------------------------------------------------------
    (
        "effects",
        "FX",
        0.92,
        """
        fx, sfx, efx, effect,
        effects, effekt, effekte, effets, effet, effetti, effetto, efecto, efectos, sound fx,
        sound effect, sound effects, sound design, sounddesign, snd design, snd dsgn, sd
        design, snd fx, synth fx, syn fx, synfx, synthfx, fx synth, riser, risers, rise,
        rises, rizer, rsr, rsrs, risr, uplifter, uplifters, up lifter, downlifter, downer,
        downers, down lifter, down sweep, drop fx, whoosh, whooshes, whsh, woosh, wooshes,
        wsh, swoosh, swooshes, swish, swishes, whsh fx, sweep, sweeps, sweeper, swp, noise
        sweep, white noise, noise fx, rumble, rumbles, rmbl, glitch, glitches, glitchy, gltch,
        stutter, stutters, zap, zaps, zips, laser, lasers, alarm, siren, sirens, sirene,
        static, vinyl, vinyl noise, crackle, crackles, hiss, wind fx, wind sound, waves fx,
        foley, gunshot, explosion, explosions, expl, crash fx, impact fx,
        transition, transitions, trans fx, trans, rev fx, rev cym, reverse cymbal, reverse
        cym, rev cymbal, revcym, reverse cymbals, rev crash, reverse crash, rvs cym, rev
        piano, reverse piano, buildup, build up, builds, build fx, suck, suckback, suck back,
        suckbacks, suck up, metal scrape, metal scrapes, metallic, waterphone, drop, drops,
        hybrid fx, perc fx, drum fx, sci fi, scifi, spaceship, bleeps, bleep, blips, blip,
        beep, beeps, data fx, ear candy, earcandy, risers fx, riser fx, whoosh fx, whooshes
        fx, fx riser, fx whoosh, foley fx, field recording, field rec, geräusch, geräusche,
        bruit, bruits, bruitage, rumore, rumori, ruido, ruidos, klangeffekte, sweetener,
        sweeteners, pass by, passby, passbys, bender, pitch drop, tape stop, vocoder fx,
        samples fx, tension riser, doppler, morse, sonar, telemetry, atmosfx, horror fx,
        heartbeat, heart beat, scratch, scratches, turntable, dj scratch, signature fx,
        downshifter, flyby, fly by
        """,
    ),
    # What is heard in them, or what a song is about.
    (
        "sounds of the world",
        "FX",
        0.80,
        """
        helicopter, seashore, telephone, phone, phone ring, laughter, laugh, giggle,
        giggles, rain, thunder, storm, ocean, sea, water, birds, bird, forest, crowd,
        applause, door, gun, radio, footsteps, steps, traffic, street, walla, knocking,
        knock, barking, dog, dogs, crickets, engine sound, car, cars, train, bulldozer,
        fire, snow, sobbing, cheering, audience
        """,
    ),
    (
        "gestures",
        "FX",
        0.72,
        """
        noise, noises, nse, reverse, reverses, reversed, rvs, rvrs, scrape, scrapes, scrp,
        screech, screeches, squeal, squeals, breath, breaths, breathing
        """,
    ),
    (
        "orchestral effects",
        "Orch FX",
        0.93,
        """
        orch fx, orchfx, orch efx, orch sfx, orchestral fx, orchestral effects, orchestra fx,
        orch effects, orch effect, orchestral effect, orch riser, orch risers, orchestral
        riser, orchestral risers, orch rise, orch rises, orchestral rise, orch cluster, orch
        clusters, orchestral cluster, orchestral clusters, cluster, clusters, orch swell, orch
        swells, orch gliss, aleatoric, aleatorics, aleatory, aleatoric strings, aleatoric
        brass, aleatorik, aleatoric fx, orch hit, orch hits, orchestra hit, orchestra hits,
        orchestral hit, orchestral hits, orchhit, orchhits, orch stab, orch stabs, orchestra
        stab, orch textures, orch texture, orchestral texture, orchestral textures, orch
        atmos, orch noise, string fx, strings fx, str fx, strgs fx, stringfx, string effects,
        strings effects, string efx, str efx, brass fx, brs fx, brassfx, brass effects, brass
        efx, ww fx, wind fx orch, woodwind fx, woodwinds fx, ww effects, winds fx, woodwind
        effects, string riser, strings riser, str riser, strings rise, string rise, string
        risers, strings risers, brass riser, brass rise, brass risers, ww riser, string
        cluster, string clusters, strings cluster, strings clusters, str cluster, str
        clusters, brass cluster, brass clusters, brs cluster, ww cluster, woodwind cluster,
        string scrape, string scrapes, string screech, string screeches, string aleatoric,
        strings aleatoric, brass aleatoric, ww aleatoric, string evos, evo grid, evo strings,
        vln fx, vc fx, cello fx, viola fx, violin fx, violins fx, celli fx, horn fx, horns fx,
        hn fx, tbn fx, tpt fx, trumpet fx, flute fx, harp fx, timp fx, bass fx orch, choir
        cluster, choir clusters, symphobia fx, effets d orchestre, effetti orchestrali,
        efectos de orquesta, orchestereffekte, penderecki, string slide fx, orch slides, orch
        bend, orch bends, orch rips, brass rips fx, thrill, thrill strings, pulse orch fx
        """,
    ),
    # -- Products and library names that name a sound ------------------------------------------
    (
        "strings",
        "Strings",
        0.88,
        """
        lass, css, csss, cinematic studio strings, la scoring strings, hollywood strings,
        berlin strings, spitfire strings, spitfire chamber strings, scs strings, sable,
        adagio, agitato, sonokinetic strings, ns strings, afflatus, albion strings, bbc
        strings, soaring strings, symphonic strings, tundra strings, con moto, lcs, cs strings
        """,
    ),
    (
        "woodwinds",
        "Woodwinds",
        0.85,
        """
        berlin woodwinds, csw, hollywood winds, hollywood woodwinds, spitfire woodwinds,
        symphonic woodwinds, albion woods
        """,
    ),
    (
        "brass",
        "Brass",
        0.85,
        """
        csb, hollywood brass, berlin brass, spitfire brass, cinebrass, cine brass, symphonic
        brass, forzo, adventure brass, metropolis brass, novo brass, junkie xl brass, jxl
        brass, caspian, con brio brass, albion brass, century brass
        """,
    ),
    (
        "drum library",
        "Drums",
        0.85,
        """
        superior drummer, superior, ezdrummer, ez drummer, addictive drums, bfd, bfd3,
        battery, steven slate drums, ssd5, getgood drums, ggd, sd3, abbey road drummer, studio
        drummer, session drummer, mpc, maschine
        """,
    ),
    (
        "epic percussion",
        "Low Percussion",
        0.70,
        """
        damage, stormdrum, storm drum, hz percussion, hz perc, hans zimmer percussion, true
        strike, action strikes, cinematic drums, cinematic toms, epic perc, epic percussion,
        epic toms, trailer drums, trailer perc, trailer percussion, ensemble drums, drum
        ensemble, drums of war, heavyocity, gravity perc, redux, big taiko, apocalypse,
        strikeforce, tom ensemble, tom ens, toms ensemble, toms ens, cine toms, cineperc low
        """,
    ),
)
