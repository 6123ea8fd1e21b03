"""Words of the studio and the score that say nothing about the instrument.

They are taken off a name before names are compared, and told apart where they say something else:
articulations hint at a family, microphones and processing at nothing.
"""

from typing import Final


def listed(text: str) -> frozenset[str]:
    """Return the words of a list that is written as a text."""
    return frozenset(text.split())


ARTICULATIONS: Final = listed(
    """
    spicc spiccato spic stac stacc staccato stacs staccatissimo marc marcato mrc pizz
    pizzicato pizzi bartok legno col collegno trem tremolo trems trm leg legato lgt sus
    sustain sustains sust sustained susvib long longs lng short shorts shrt shrts sordino sord
    sordini consord cs mute mutes muted mtd harm harmonic harmonics flaut flautando pont
    sulpont ponticello tasto sultasto sul tr trill trills gliss glissando glissandi rip rips
    fall falls doit ten tenuto detache detaché detach dtch port portamento arco vib vibrato
    nonvib senza nv xf cresc crescendo dim diminuendo sfz sfp sf ff fff mf mp pp ppp fp swell
    swells runs run scale scales flutter flz flzg flt frull double triple tongue repeat
    repetition rep reps ost osti ostinato ostinatos mel melody line rhythm rhythmic rhy tutti
    div divisi unis unison solo a2 a3 a4 stab stabs slur slurred expressive espr dolce cuivre
    stopped open bell bells up hard soft med loud quiet swelling tap chord chords theme
    countermelody counter octave octaves oct 8va 8vb perf performance art artic articulation
    articulations
    """
)

# An articulation that only a bowed instrument has.
BOWED_ARTICULATIONS: Final = listed(
    """
    spicc spiccato spic pizz pizzicato pizzi legno collegno sulpont ponticello sultasto
    flautando arco bartok detache
    """
)

STUDIO_WORDS: Final = listed(
    """
    close tree decca ab amb ambient surround sur surr srnd spot spots outrigger outriggers
    outr hall far near wide wides wet dry rvb verb reverb rev vrb plate print prt prints stem
    stems mix mixed premix submix sub comp comped bounce bounced bnc edit ed edited final fin
    alt alternate new old orig original master mstr mst bus buss aux auxiliary midi audio inst
    instr instrument instruments track trk tracks channel chan ch mic mics mc di amp cab line
    dirt u87 u67 u47 km84 km184 sm57 sm58 sm7 c414 414 c12 m49 m50 m150 mkh royer r121 121
    coles 4038 4050 md421 421 d112 re20 beta52 beta 57 58 ribbon tube cond ldc sdc xy ms ortf
    blumlein mono stereo st lr left right l r c ls rs lfe lf ctr center centre top bottom btm
    bot front rear back side inside outside take tk dup copy cpy dupe duplicate version ver
    vers v rec recording record live session sess ses cue reel demo mockup mock samp sample
    samples sampled smp sampler vst vsti kontakt kont ni play engine vep vepro spitfire bbcso
    bbc albion tundra ewql eastwest vsl orchestral tools berlin cinesamples cinematic studio
    hollywood symphonic symphonica symphobia kick24 out input output in patch multi preset
    prog program program0 part parts voice bank layer layers lyr lay stack dbl double dbls
    doubled doubling doubles dt main full all main1 misc other others extra xtra add added
    additional overdub od overdubs ovd pickup pickups insert ins the a an of and with und mit
    et avec e con y de la le les il der die das for to on no at by from in section sect sec
    ens ensemble ensembles group grp groups players player desk desks chair choirs solo soli
    solos soloist first second third fourth 1st 2nd 3rd 4th intro verse chorus bridge outro
    hook prechorus refrain coda interlude end ending start middle break build big small tiny
    huge high hi hig lo low mid med middle upper lower top warm bright dark clean dirty dist
    distorted distortion heavy light soft hard bpm khz hz 24b 24bit 48k 96k 44k wav aif aiff
    mid flac mp3 raw fixed fix tuned tune vocalign va quantized quant eq eqd cmp compressed
    limited lim pan panned center2 spread mid2 glue parallel crush crushed para gated filt
    filtered hpf lpf delay dly echo slap chorus flanger phaser ref temp guide scratch keeper
    keep good bad best unused use used old2 test untitled unnamed
    neve ssl api akg neumann telefunken beyer beyerdynamic sennheiser shure audix lewitt presonus
    chandler distressor avalon manley lachappel tfunk tf47 tf51 tf29 cu29 ar51 ar70 ak47 ela elam
    tlm mtp lct dtp u48 c24 re m80 m81 m82 m60 m88 e609 e906 d6 d12 r84 kemper helix axefx sansamp
    reamp reamped sim capsule condenser dynamic passive active proto spl iso bleed leakage
    pair outrig outrigs outrigger main2 mains foh undry unmodulated modulated
    """
)

# Words for which a name is not unknown but says that it is no instrument.
NO_INSTRUMENT: Final = listed(
    """
    click clk clicktrack metronome metro metronom tempo marker markers conductor smpte ltc
    timecode dialog dialogue dx dia video picture 2pop pop slate talkback tb cue
    """
)

ROMAN: Final = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
}
#: English words that are spelt much like an instrument, and are none: they stand in titles.
NOT_MISSPELT: Final = listed(
    """
    accepts accident accidents accordance accorded according analogue analogues backwards
    baseline bases bearing bisection breadth builders bypasses charges checker clamping clamps
    clashes classical clipping clustered clutter codes columbus concert concerted contract
    contractual cores corners deeper effected either electricity elects electrical electron
    electrons exposition gamble granularity highest house hybrid interception kicking lighter
    machine machines marshal marshalled marshalling matrix perception percent precisions pulling
    pushing raises recode recorded records reorder reorders rumored sauron settings shanghai
    sharon shuts signature signatures sites slash smaller sneaker springer springs stable
    starting starving steering sticky stirling stops storing stormy streams striding stringency
    striping strong subsequently synthetic taste tasting tells tensor tensors theorem theorie
    ticket tickets tradition trailers transaction transactions transitional transitioned
    transitioning translation translations transposition travers traverse trial triangular
    triangulate tricking trickiest tricks tricky trumped tunable violates violet virgin whisker
    whiskers
    """
)
ORDINALS: Final = {
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "erste": 1,
    "zweite": 2,
    "premier": 1,
    "premiers": 1,
    "seconds": 2,
    "primi": 1,
    "secondi": 2,
    "primo": 1,
    "secondo": 2,
}
