"""What groups the files of real-looking folders make: names, layouts and what is reported.

Each case is a folder's files, split by ``|``, all mono and of one length unless ``*n`` (channels)
or ``=n`` (thousands of samples) follows, and the groups expected as ``name:layout:labels``.
"""

import pytest

from cue_pipeline.audio.channel_names import holds_word, parse_channel_name
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.layouts import FILM_ORDER_BY_COUNT, LAYOUTS, film_position, layout_of
from cue_pipeline_tests.audio.wave_files import arranged

FOLDERS: list[tuple[str, str, str]] = [
    # Pro Tools, split mono
    ("stereo", "VLN.L.wav|VLN.R.wav", "VLN:stereo:L R"),
    ("mono", "Bass.wav", "Bass:mono:M"),
    ("lower case", "vln.l.wav|vln.r.wav", "vln:stereo:L R"),
    ("mixed case", "VLN.L.WAV|vln.r.wav", "VLN:stereo:L R"),
    ("take before token", "1m02 VLN I_01.L.wav|1m02 VLN I_01.R.wav", "1m02 VLN I_01:stereo:L R"),
    ("token before take", "VLN.L_01.wav|VLN.R_01.wav", "VLN_01:stereo:L R"),
    ("lcr", "Brs.L.wav|Brs.C.wav|Brs.R.wav", "Brs:lcr:L C R"),
    ("lcrs", "Mus.L.wav|Mus.C.wav|Mus.R.wav|Mus.S.wav", "Mus:lcrs:L C R S"),
    ("quad", "Amb.L.wav|Amb.R.wav|Amb.Ls.wav|Amb.Rs.wav", "Amb:quad:L R Ls Rs"),
    ("5.0", "Str.L.wav|Str.C.wav|Str.R.wav|Str.Ls.wav|Str.Rs.wav", "Str:5.0:L C R Ls Rs"),
    ("5.1", "Str.L.wav|Str.C.wav|Str.R.wav|Str.Ls.wav|Str.Rs.wav|Str.LFE.wav",
     "Str:5.1:L C R Ls Rs LFE"),
    ("5.1 lower lfe", "S.L.wav|S.C.wav|S.R.wav|S.Ls.wav|S.Rs.wav|S.lfe.wav",
     "S:5.1:L C R Ls Rs LFE"),
    ("5.1 Lf", "S.L.wav|S.C.wav|S.R.wav|S.Ls.wav|S.Rs.wav|S.Lf.wav", "S:5.1:L C R Ls Rs LFE"),
    ("6.1", "M.L.wav|M.C.wav|M.R.wav|M.Ls.wav|M.Cs.wav|M.Rs.wav|M.LFE.wav",
     "M:6.1:L C R Ls Cs Rs LFE"),
    ("7.0", "M.L.wav|M.C.wav|M.R.wav|M.Lss.wav|M.Rss.wav|M.Lsr.wav|M.Rsr.wav",
     "M:7.0:L C R Lss Rss Lsr Rsr"),
    ("7.1", "M.L.wav|M.C.wav|M.R.wav|M.Lss.wav|M.Rss.wav|M.Lsr.wav|M.Rsr.wav|M.LFE.wav",
     "M:7.1:L C R Lss Rss Lsr Rsr LFE"),
    ("7.1 Lrs", "M.L.wav|M.C.wav|M.R.wav|M.Ls.wav|M.Rs.wav|M.Lrs.wav|M.Rrs.wav|M.LFE.wav",
     "M:7.1:L C R Ls Rs Lsr Rsr LFE"),
    ("7.1 Lb", "M.L.wav|M.C.wav|M.R.wav|M.Ls.wav|M.Rs.wav|M.Lb.wav|M.Rb.wav|M.LFE.wav",
     "M:7.1:L C R Ls Rs Lsr Rsr LFE"),
    ("sdds", "M.L.wav|M.Lc.wav|M.C.wav|M.Rc.wav|M.R.wav|M.Ls.wav|M.Rs.wav|M.LFE.wav",
     "M:7.1 sdds:L Lc C Rc R Ls Rs LFE"),
    ("7.1.2", "M.L.wav|M.C.wav|M.R.wav|M.Lss.wav|M.Rss.wav|M.Lsr.wav|M.Rsr.wav|M.LFE.wav|"
     "M.Lts.wav|M.Rts.wav", "M:7.1.2:L C R Lss Rss Lsr Rsr LFE Ltm Rtm"),
    ("7.1.4", "M.L.wav|M.C.wav|M.R.wav|M.Lss.wav|M.Rss.wav|M.Lsr.wav|M.Rsr.wav|M.LFE.wav|"
     "M.Ltf.wav|M.Rtf.wav|M.Ltr.wav|M.Rtr.wav",
     "M:7.1.4:L C R Lss Rss Lsr Rsr LFE Ltf Rtf Ltr Rtr"),
    ("5.1.4", "M.L.wav|M.C.wav|M.R.wav|M.Ls.wav|M.Rs.wav|M.LFE.wav|M.Ltf.wav|M.Rtf.wav|"
     "M.Ltr.wav|M.Rtr.wav", "M:5.1.4:L C R Ls Rs LFE Ltf Rtf Ltr Rtr"),
    # other separators
    ("underscore", "Horns_L.wav|Horns_R.wav", "Horns:stereo:L R"),
    ("dash", "Horns-L.wav|Horns-R.wav", "Horns:stereo:L R"),
    ("space", "Horns L.wav|Horns R.wav", "Horns:stereo:L R"),
    ("space dash space", "Horns - L.wav|Horns - R.wav", "Horns:stereo:L R"),
    ("brackets", "Horns (L).wav|Horns (R).wav", "Horns:stereo:L R"),
    ("square brackets", "Horns [Ls].wav|Horns [Rs].wav|Horns [L].wav|Horns [R].wav",
     "Horns:quad:L R Ls Rs"),
    ("words", "Piano_Left.wav|Piano_Right.wav", "Piano:stereo:L R"),
    ("words dot", "Piano.left.wav|Piano.right.wav", "Piano:stereo:L R"),
    ("netflix lt rt", "SHOW_101_LT.wav|SHOW_101_RT.wav", "SHOW_101:stereo:L R"),
    ("before version", "MX_6ch_L_v04.wav|MX_6ch_C_v04.wav|MX_6ch_R_v04.wav|MX_6ch_Ls_v04.wav|"
     "MX_6ch_Rs_v04.wav|MX_6ch_LFE_v04.wav", "MX_6ch_v04:5.1:L C R Ls Rs LFE"),
    ("before dotted version", "MX_L_v3.2.wav|MX_R_v3.2.wav", "MX_v3.2:stereo:L R"),
    ("before rate", "MX_L_48k24b.wav|MX_R_48k24b.wav", "MX_48k24b:stereo:L R"),
    ("before date", "MX.L_20240131.wav|MX.R_20240131.wav", "MX_20240131:stereo:L R"),
    ("before dup", "VLN.L.dup1.wav|VLN.R.dup1.wav", "VLN.dup1:stereo:L R"),
    ("underscore 5.1", "A_L.wav|A_C.wav|A_R.wav|A_Ls.wav|A_Rs.wav|A_LFE.wav",
     "A:5.1:L C R Ls Rs LFE"),
    # counted as well as named
    ("number before channel", "S_1_L.wav|S_2_C.wav|S_3_R.wav|S_4_Ls.wav|S_5_Rs.wav|S_6_LFE.wav",
     "S:5.1:L C R Ls Rs LFE"),
    ("number behind channel", "S_L_1.wav|S_R_2.wav|S_C_3.wav|S_LFE_4.wav|S_Ls_5.wav|S_Rs_6.wav",
     "S:5.1:L C R Ls Rs LFE"),
    ("two numbers are takes", "S_L_01.wav|S_R_02.wav", "S_L_01:mono:M|S_R_02:mono:M"),
    ("numbers with a gap are takes", "S_L_01.wav|S_C_02.wav|S_R_04.wav",
     "S_C_02:mono:M|S_L_01:mono:M|S_R_04:mono:M"),
    # the partner rule
    ("lone space L", "Perc L.wav|Vln.wav", "Perc L:mono:M|Vln:mono:M"),
    ("space, unequal length", "Perc L.wav=10|Perc R.wav=12", "Perc L:mono:M|Perc R:mono:M"),
    ("dash, unequal length", "Perc-L.wav=10|Perc-R.wav=12", "Perc-L:mono:M|Perc-R:mono:M"),
    ("lone underscore L", "Perc_L.wav", "Perc_L:mono:M"),
    ("underscore, unequal length", "Perc_L.wav=10|Perc_R.wav=12", "Perc:stereo:L R"),
    ("lone C", "Synth C.wav", "Synth C:mono:M"),
    ("lone dot C", "Pad.C.wav", "Pad.C:mono:M"),
    ("lone dot S", "Pad.S.wav", "Pad.S:mono:M"),
    ("lone dot sub", "Kick.Sub.wav|Kick.In.wav", "Kick.In:mono:M|Kick.Sub:mono:M"),
    ("C with L and R", "Synth C.wav|Synth L.wav|Synth R.wav", "Synth:lcr:L C R"),
    ("L and C only", "Synth L.wav|Synth C.wav", "Synth C:mono:M|Synth L:mono:M"),
    ("note names", "Bell C.wav|Bell D.wav|Bell E.wav", "Bell C:mono:M|Bell D:mono:M|Bell E:mono:M"),
    ("dot L alone is a channel", "VLN.L.wav", "VLN:stereo:L"),
    ("lone lfe", "Boom.LFE.wav", "Boom:mono:LFE"),
    ("rr of round robin", "Taiko RR.wav", "Taiko RR:mono:M"),
    ("sr and sl alone", "Gtr SR.wav", "Gtr SR:mono:M"),
    # other programs' words
    ("ffmpeg 5.1", "1m02 6mx.FL.wav|1m02 6mx.FR.wav|1m02 6mx.FC.wav|1m02 6mx.LFE.wav|"
     "1m02 6mx.BL.wav|1m02 6mx.BR.wav", "mix 1m02 6mx:5.1:L C R Ls Rs LFE"),
    ("ffmpeg 5.1 (side)", "M-FL.wav|M-FR.wav|M-FC.wav|M-LFE.wav|M-SL.wav|M-SR.wav",
     "M:5.1:L C R Ls Rs LFE"),
    ("ffmpeg stereo", "STR_FL.wav|STR_FR.wav", "STR:stereo:L R"),
    ("ffmpeg 7.1", "M_FL.wav|M_FR.wav|M_FC.wav|M_LFE.wav|M_BL.wav|M_BR.wav|M_SL.wav|M_SR.wav",
     "M:7.1:L C R Ls Rs Lsr Rsr LFE"),
    ("ffmpeg heights", "M.FL.wav|M.FR.wav|M.FC.wav|M.LFE.wav|M.SL.wav|M.SR.wav|M.TFL.wav|"
     "M.TFR.wav|M.TBL.wav|M.TBR.wav", "M:5.1.4:L C R Ls Rs LFE Ltf Rtf Ltr Rtr"),
    ("apple rears", "M_L.wav|M_R.wav|M_C.wav|M_LFE.wav|M_Ls.wav|M_Rs.wav|M_Rls.wav|M_Rrs.wav",
     "M:7.1:L C R Ls Rs Lsr Rsr LFE"),
    ("steinberg 7.1.4", "M_L.wav|M_R.wav|M_C.wav|M_Lfe.wav|M_Ls.wav|M_Rs.wav|M_Sl.wav|M_Sr.wav|"
     "M_Tfl.wav|M_Tfr.wav|M_Trl.wav|M_Trr.wav",
     "M:7.1.4:L C R Ls Rs Lss Rss LFE Ltf Rtf Ltr Rtr"),
    ("logic 7.1", "M-L.wav|M-Lm.wav|M-C.wav|M-Rm.wav|M-R.wav|M-Ls.wav|M-Rs.wav|M-LFE.wav",
     "M:7.1:L C R Ls Rs Lss Rss LFE"),
    ("surround spelt out", "M.L.wav|M.C.wav|M.R.wav|M.LSurr.wav|M.RSurr.wav|M.LFE.wav",
     "M:5.1:L C R Ls Rs LFE"),
    ("spelt out", "M_Front Left.wav|M_Front Right.wav|M_Center.wav|M_LFE.wav|M_Left Surround.wav|"
     "M_Right Surround.wav", "M:5.1:L C R Ls Rs LFE"),
    ("spelt out 7.1", "M-Left.wav|M-Right.wav|M-Center.wav|M-LFE.wav|M-Left Side Surround.wav|"
     "M-Right Side Surround.wav|M-Left Rear Surround.wav|M-Right Rear Surround.wav",
     "M:7.1:L C R Lss Rss Lsr Rsr LFE"),
    ("a place spelt out", "Str Back Left.wav|Str Back Right.wav", "Str Back:stereo:L R"),
    ("fronts and rears", "Amb.Lf.wav|Amb.Rf.wav|Amb.Lr.wav|Amb.Rr.wav", "Amb:quad:L R Ls Rs"),
    ("StL StR", "VLN_StL.wav|VLN_StR.wav", "VLN:stereo:L R"),
    ("second LFE", "M.L.wav|M.C.wav|M.R.wav|M.Ls.wav|M.Rs.wav|M.LFE.wav|M.LFE2.wav",
     "M:5.2:L C R Ls Rs LFE LFE2"),
    ("two heights in front", "M.L.wav|M.C.wav|M.R.wav|M.Ls.wav|M.Rs.wav|M.LFE.wav|M.Ltf.wav|"
     "M.Rtf.wav", "M:5.1.2:L C R Ls Rs LFE Ltf Rtf"),
    ("matrixed beside", "M.L.wav|M.C.wav|M.R.wav|M.Lt.wav|M.Rt.wav",
     "M:lcr:L C R|M LtRt:stereo:L R"),
    ("folded down beside", "M.L.wav|M.R.wav|M.Lo.wav|M.Ro.wav", "M:stereo:L R|M LoRo:stereo:L R"),
    ("contrabass beside a pair", "STR.L.wav|STR.R.wav|STR.CS.wav",
     "STR:stereo:L R|STR.CS:mono:M"),
    ("ambisonic", "Amb.W.wav|Amb.X.wav|Amb.Y.wav|Amb.Z.wav", "Amb:ambisonic:W X Y Z"),
    ("three of four components", "Amb.W.wav|Amb.X.wav|Amb.Y.wav",
     "Amb.W:mono:M|Amb.X:mono:M|Amb.Y:mono:M"),
    ("mid and side", "OH Mid.wav|OH Side.wav", "OH:mid-side:Mid Side"),
    ("high, mid, low", "Tom Hi.wav|Tom Mid.wav|Tom Low.wav",
     "Tom Hi:mono:M|Tom Low:mono:M|Tom Mid:mono:M"),
    ("large, medium, small", "Tom L.wav|Tom M.wav|Tom S.wav",
     "Tom L:mono:M|Tom M:mono:M|Tom S:mono:M"),
    # tails and copies
    ("version with a letter", "MX_L_v3a.wav|MX_R_v3a.wav", "MX_v3a:stereo:L R"),
    ("stem behind the token", "MX.L_STEM.wav|MX.R_STEM.wav", "MX_STEM:stereo:L R"),
    ("rate, bits, frames", "MX_L_48k_24b_23976.wav|MX_R_48k_24b_23976.wav",
     "MX_48k_24b_23976:stereo:L R"),
    ("frames with a dot", "MX_L_23.976fps.wav|MX_R_23.976fps.wav", "MX_23.976fps:stereo:L R"),
    ("a browser's copies", "VLN.L (1).wav|VLN.R (1).wav", "VLN (1):stereo:L R"),
    ("a Mac's copies", "HRN.L copy.wav|HRN.R copy.wav|HRN.L.wav|HRN.R.wav",
     "HRN:stereo:L R|HRN copy:stereo:L R"),
    ("a Mac's second copies", "CEL.L 2.wav|CEL.R 2.wav", "CEL 2:stereo:L R"),
    ("Windows' copies", "VLN_L - Copy (2).wav|VLN_R - Copy (2).wav",
     "VLN - Copy (2):stereo:L R"),
    ("copies by other hands", "VLN.L_copy.wav|VLN.R_copy.wav|HN.L (copy).wav|HN.R (copy).wav",
     "HN (copy):stereo:L R|VLN_copy:stereo:L R"),
    ("one of two is a copy", "VLN.L (1).wav|VLN.R.wav", "VLN:stereo:L R"),
    ("doubled suffix", "TPT_01.L.aif.wav|TPT_01.R.aif.wav", "TPT_01:stereo:L R"),
    ("spaces that do not break", "VLN\u00a0L.wav|VLN\u00a0R.wav|HRN\u2013L.wav|HRN\u2013R.wav",
     "HRN:stereo:L R|VLN:stereo:L R"),
    # tokens in odd places
    ("inside", "VLN_L_Close.wav|VLN_R_Close.wav|VLN_L_Room.wav|VLN_R_Room.wav",
     "VLN_Close:stereo:L R|VLN_Room:stereo:L R"),
    ("inside, unequal length", "VLN_L_Close.wav=10|VLN_R_Close.wav=12",
     "VLN_L_Close:mono:M|VLN_R_Close:mono:M"),
    ("in front", "L Piano.wav|R Piano.wav|Left_Gtr.wav|Right_Gtr.wav",
     "Gtr:stereo:L R|Piano:stereo:L R"),
    ("joined", "PianoL.wav|PianoR.wav|1m02 OHL.wav|1m02 OHR.wav",
     "1m02 OH:stereo:L R|Piano:stereo:L R"),
    ("joined, alone", "PianoL.wav|VIOL.wav", "PianoL:mono:M|VIOL:mono:M"),
    ("numbered sides", "Gtr L1.wav|Gtr R1.wav|Gtr L2.wav|Gtr R2.wav",
     "Gtr 1:stereo:L R|Gtr 2:stereo:L R"),
    # words that also mean something else
    ("hands", "Pno LH_01.wav|Pno RH_01.wav|Hp_LH.wav|Hp_RH.wav|Cel.LH.wav|Cel.RH.wav",
     "Cel.LH:mono:M|Cel.RH:mono:M|Hp_LH:mono:M|Hp_RH:mono:M|Pno LH_01:mono:M|Pno RH_01:mono:M"),
    ("hands beside a pair", "Pno.LH.wav|Pno.RH.wav|Pno.L.wav|Pno.R.wav",
     "Pno:stereo:L R|Pno.LH:mono:M|Pno.RH:mono:M"),
    ("hands spelt out", "Piano Left Hand.wav|Piano Right Hand.wav|Pno L.H..wav|Pno R.H..wav",
     "Piano Left Hand:mono:M|Piano Right Hand:mono:M|Pno L.H.:mono:M|Pno R.H.:mono:M"),
    ("winds", "Lo_LW.wav|Lo_RW.wav", "Lo_LW:mono:M|Lo_RW:mono:M"),
    ("SL SR without L R", "Gtr_SL.wav|Gtr_SR.wav", "Gtr_SL:mono:M|Gtr_SR:mono:M"),
    ("SL SR with L R", "Gtr_SL.wav|Gtr_SR.wav|Gtr_L.wav|Gtr_R.wav", "Gtr:quad:L R Ls Rs"),
    ("BL BR without L R", "Gtr.BL.wav|Gtr.BR.wav", "Gtr.BL:mono:M|Gtr.BR:mono:M"),
    ("sub and boom", "Kick Sub.wav|Perc Boom.wav", "Kick Sub:mono:M|Perc Boom:mono:M"),
    ("flute and strings", "1m02 FL.wav|1m02 STR.wav|1m02 CS.wav",
     "1m02 CS:mono:M|1m02 FL:mono:M|1m02 STR:mono:M"),
    ("sides of two spellings", "M_FL.wav|M_STR.wav|M_RF.wav|M_FR.wav=9",
     "M_FL:mono:M|M_FR:mono:M|M_RF:mono:M|M_STR:mono:M"),
    ("low and high", "Str Lo.wav|Str Hi.wav", "Str Hi:mono:M|Str Lo:mono:M"),
    ("surrounds alone", "Choir.Ls.wav|Choir.Rs.wav", "Choir:2 discrete:Ls Rs"),
    ("one surround alone", "Choir.Ls.wav", "Choir.Ls:mono:M"),
    # numbers for channels
    ("array", "1m02 6mx.A1.wav|1m02 6mx.A2.wav|1m02 6mx.A3.wav|1m02 6mx.A4.wav|1m02 6mx.A5.wav|"
     "1m02 6mx.A6.wav", "mix 1m02 6mx:6 discrete:1 2 3 4 5 6"),
    ("numbered mix", "1m02 6mx-1.wav|1m02 6mx-2.wav|1m02 6mx-3.wav|1m02 6mx-4.wav|1m02 6mx-5.wav|"
     "1m02 6mx-6.wav", "mix 1m02 6mx:6 discrete:1 2 3 4 5 6"),
    ("mix with padded numbers", "6mx_01.wav|6mx_02.wav|6mx_03.wav|6mx_04.wav|6mx_05.wav|6mx_06.wav",
     "mix 6mx:6 discrete:1 2 3 4 5 6"),
    ("takes of a mono mix", "6mx_01.wav|6mx_02.wav", "mix 6mx_01:mono:M|mix 6mx_02:mono:M"),
    ("mix of whose channels some lack", "6mx.A1.wav|6mx.A2.wav|6mx.A4.wav|6mx.A5.wav|6mx.A6.wav",
     "mix 6mx:5 discrete:1 2 4 5 6"),
    ("tracks of a mix", "6mx_Tr1.wav|6mx_Tr2.wav|6mx_Tr3.wav|6mx_Tr4.wav|6mx_Tr5.wav|6mx_Tr6.wav",
     "mix 6mx:6 discrete:1 2 3 4 5 6"),
    ("versions of a mono mix", "6mx_v1.wav|6mx_v2.wav|6mx_v3.wav",
     "mix 6mx_v1:mono:M|mix 6mx_v2:mono:M|mix 6mx_v3:mono:M"),
    ("horns of a session that calls all 6mx", "6mx Horn_1.wav|6mx Horn_2.wav|6mx Horn_3.wav",
     "mix 6mx Horn_1:mono:M|mix 6mx Horn_2:mono:M|mix 6mx Horn_3:mono:M"),
    ("ch", "STR_ch1.wav|STR_ch2.wav|STR_ch3.wav", "STR:3 discrete:1 2 3"),
    ("horns", "Horn_1.wav|Horn_2.wav|Horn_3.wav|Horn_4.wav|Horn_5.wav|Horn_6.wav",
     "Horn_1:mono:M|Horn_2:mono:M|Horn_3:mono:M|Horn_4:mono:M|Horn_5:mono:M|Horn_6:mono:M"),
    ("patches", "Synth A1.wav|Synth A2.wav|Gtr_A1.wav|Gtr_A2.wav",
     "Gtr_A1:mono:M|Gtr_A2:mono:M|Synth A1:mono:M|Synth A2:mono:M"),
    ("array with a gap", "M.A1.wav|M.A3.wav", "M.A1:mono:M|M.A3:mono:M"),
    # takes, playlists
    ("takes apart", "VLN_01.L.wav|VLN_01.R.wav|VLN_02.L.wav|VLN_02.R.wav",
     "VLN_01:stereo:L R|VLN_02:stereo:L R"),
    ("takes after token", "VLN.L_01.wav|VLN.R_01.wav|VLN.L_02.wav|VLN.R_02.wav",
     "VLN_01:stereo:L R|VLN_02:stereo:L R"),
    ("playlist", "Kick.wav|Kick.01.wav|Kick.02.wav", "Kick:mono:M|Kick.01:mono:M|Kick.02:mono:M"),
    ("playlist with channels", "Kick.01.L.wav|Kick.01.R.wav|Kick.02.L.wav|Kick.02.R.wav",
     "Kick.01:stereo:L R|Kick.02:stereo:L R"),
    ("edit of a take", "Gtr_01-01.L.wav|Gtr_01-01.R.wav|Gtr_01.L.wav|Gtr_01.R.wav",
     "Gtr_01:stereo:L R|Gtr_01-01:stereo:L R"),
    ("older session", "Gtr-01-00.wav|Gtr-02-00.wav", "Gtr-01-00:mono:M|Gtr-02-00:mono:M"),
    ("versions apart", "MX_L_v1.wav|MX_R_v1.wav|MX_L_v2.wav|MX_R_v2.wav",
     "MX_v1:stereo:L R|MX_v2:stereo:L R"),
    ("natural order", "V 10.wav|V 9.wav|V 1.wav", "V 1:mono:M|V 9:mono:M|V 10:mono:M"),
    # names that clash
    ("two folders", "A/VLN.L.wav|A/VLN.R.wav|B/VLN.L.wav|B/VLN.R.wav",
     "A/VLN:stereo:L R|B/VLN:stereo:L R"),
    ("same name, interleaved too", "VLN.L.wav|VLN.R.wav|VLN.wav*2",
     "VLN:stereo:L R|VLN (interleaved):stereo:L R"),
    ("wav and aif", "VLN.L.wav|VLN.R.wav|VLN.L.aif|VLN.R.aif",
     "VLN:stereo:L R|VLN (aif):stereo:L R"),
    ("mono and stereo of one name", "Pno.wav|Pno.L.wav|Pno.R.wav",
     "Pno:stereo:L R|Pno (mono):mono:M"),
    ("dot and underscore", "V.L.wav|V.R.wav|V_L.wav|V_R.wav", "V:stereo:L R|V (split):stereo:L R"),
    ("in a subfolder", "PT/Audio Files/VLN.L.wav|PT/Audio Files/VLN.R.wav", "VLN:stereo:L R"),
    ("tokens of one folder only", "A/VLN.L.wav|B/VLN.R.wav", "A/VLN:stereo:L|B/VLN:stereo:R"),
    # other languages, and other orders of words
    ("German", "VLN links.wav|VLN rechts.wav", "VLN:stereo:L R"),
    ("French", "HRN_gauche_01.wav|HRN_droite_01.wav", "HRN_01:stereo:L R"),
    ("Spanish", "CLL_izq.wav|CLL_der.wav", "CLL:stereo:L R"),
    ("Chinese", "铜管左.wav|铜管右.wav|鼓右.wav", "铜管:stereo:L R|鼓右:mono:M"),
    ("Hebrew", "כינור שמאל.wav|כינור ימין.wav", "כינור:stereo:L R"),
    ("Polish and Czech", "VLN lewy.wav|VLN prawy.wav|HRN_levý.wav|HRN_pravý.wav",
     "HRN:stereo:L R|VLN:stereo:L R"),
    ("Serbian", "Ог лево.wav|Ог десно.wav", "Ог:stereo:L R"),
    ("a number sign", "OB.L#1.wav|OB.R#1.wav|FL#01.L.wav|FL#01.R.wav",
     "FL#01:stereo:L R|OB#1:stereo:L R"),
    ("Russian", "Арфа лево.wav|Арфа право.wav", "Арфа:stereo:L R"),
    ("the night", "Lied der Nacht.wav|Lied.wav|Blick nach links.wav",
     "Blick nach links:mono:M|Lied:mono:M|Lied der Nacht:mono:M"),
    ("sides of two languages", "VLN links.wav|VLN der.wav", "VLN der:mono:M|VLN links:mono:M"),
    ("angles", "STR_M+030.wav|STR_M-030.wav|STR_M+000.wav|STR_LFE1.wav|STR_M+110.wav|"
     "STR_M-110.wav|STR_U+045.wav|STR_U-045.wav|STR_U+135.wav|STR_U-135.wav",
     "STR:5.1.4:L C R Ls Rs LFE Ltf Rtf Ltr Rtr"),
    ("ACN", "ROOM_ACN0.wav|ROOM_ACN1.wav|ROOM_ACN2.wav|ROOM_ACN3.wav", "ROOM:ambisonic:W X Y Z"),
    ("CE", "STR_FL.wav|STR_FR.wav|STR_CE.wav|STR_LF.wav|STR_SL.wav|STR_SR.wav",
     "STR:5.1:L C R Ls Rs LFE"),
    ("Cf", "STR.Lf.wav|STR.Cf.wav|STR.Rf.wav|STR.Ls.wav|STR.Rs.wav|STR.LFE.wav",
     "STR:5.1:L C R Ls Rs LFE"),
    ("low frequency", "STR.Front Left.wav|STR.Front Right.wav|STR.Front Center.wav|"
     "STR.Low Frequency.wav|STR.Back Left.wav|STR.Back Right.wav", "STR:5.1:L C R Ls Rs LFE"),
    ("Italian letters", "VLN.sx.wav|VLN.dx.wav|HRN_Sx_01.wav|HRN_Dx_01.wav",
     "HRN_01:stereo:L R|VLN:stereo:L R"),
    ("Italian, short", "VLN.sin.wav|VLN.des.wav|HRN sinistra.wav|HRN destra.wav",
     "HRN:stereo:L R|VLN:stereo:L R"),
    ("Italian, inside and in front", "VLN_sx_Close.wav|VLN_dx_Close.wav|Sx Piano.wav|Dx Piano.wav",
     "Piano:stereo:L R|VLN_Close:stereo:L R"),
    ("Italian beside effects", "VLN.sx.wav|VLN.dx.wav|FX_Riser.wav|1m02 MX.wav",
     "1m02 MX:mono:M|FX_Riser:mono:M|VLN:stereo:L R"),
    ("dialogue, music and effects", "SHOW_DX.wav|SHOW_MX.wav|SHOW_SX.wav|SHOW_FX.wav",
     "SHOW_DX:mono:M|SHOW_FX:mono:M|SHOW_MX:mono:M|SHOW_SX:mono:M"),
    ("dialogue and effects, stereo music", "S_DX.wav|S_SX.wav|S_MX.L.wav|S_MX.R.wav",
     "S_DX:mono:M|S_MX:stereo:L R|S_SX:mono:M"),
    ("Italian, unequal length", "VLN.sx.wav=10|VLN.dx.wav=12", "VLN.dx:mono:M|VLN.sx:mono:M"),
    ("Turkish", "Keman sol.wav|Keman sağ.wav|Korno_SOL.wav|Korno_SAG.wav",
     "Keman:stereo:L R|Korno:stereo:L R"),
    ("Portuguese", "VLN_esq.wav|VLN_dir.wav|HRN esquerdo.wav|HRN direito.wav",
     "HRN:stereo:L R|VLN:stereo:L R"),
    ("Danish and Icelandic", "VLN_venstre.wav|VLN_højre.wav|HRN_vinstri.wav|HRN_hægri.wav",
     "HRN:stereo:L R|VLN:stereo:L R"),
    ("Slovak, and Czech without signs", "VLN_ľavý.wav|VLN_pravý.wav|HRN_levy.wav|HRN_pravy.wav",
     "HRN:stereo:L R|VLN:stereo:L R"),
    ("Indonesian and Vietnamese", "VLN_kiri.wav|VLN_kanan.wav|HRN_trái.wav|HRN_phải.wav",
     "HRN:stereo:L R|VLN:stereo:L R"),
    ("Korean and Japanese", "현좌.wav|현우.wav|金管 ひだり.wav|金管 みぎ.wav",
     "金管:stereo:L R|현:stereo:L R"),
    ("Persian and Bulgarian", "VLN چپ.wav|VLN راست.wav|HRN ляв.wav|HRN десен.wav",
     "HRN:stereo:L R|VLN:stereo:L R"),
    ("Swedish letters", "VLN_v.wav|VLN_h.wav|HRN_V_01.wav|HRN_H_01.wav",
     "HRN_01:stereo:L R|VLN:stereo:L R"),
    ("French letters", "VLN.G.wav|VLN.D.wav|HRN.G.wav|HRN.D.wav", "HRN:stereo:L R|VLN:stereo:L R"),
    ("Polish letters", "VLN_L.wav|VLN_P.wav|HRN_L.wav|HRN_P.wav", "HRN:stereo:L R|VLN:stereo:L R"),
    ("letters of one name only", "VLN_v.wav|VLN_h.wav|Bell_G.wav|Bell_D.wav",
     "Bell_D:mono:M|Bell_G:mono:M|VLN_h:mono:M|VLN_v:mono:M"),
    ("strings of a violin", "V_G.wav|V_D.wav|V_A.wav|V_E.wav|W_G.wav|W_D.wav|W_A.wav|W_E.wav",
     "V_A:mono:M|V_D:mono:M|V_E:mono:M|V_G:mono:M|W_A:mono:M|W_D:mono:M|W_E:mono:M|W_G:mono:M"),
    ("notes, counted", "Bell_1_G.wav|Bell_2_D.wav|Bell_3_C.wav",
     "Bell_1_G:mono:M|Bell_2_D:mono:M|Bell_3_C:mono:M"),
    ("pizzicato beside a pair", "VLN_P.wav|VLN_L.wav|VLN_R.wav", "VLN:stereo:L R|VLN_P:mono:M"),
    # mid and side by letters
    ("letters of mid and side", "OH.M.wav|OH.S.wav|AMB_M_02.wav|AMB_S_02.wav",
     "AMB_02:mid-side:Mid Side|OH:mid-side:Mid Side"),
    ("mid and side beside other stems", "1m02 OH.M.wav|1m02 OH.S.wav|1m02 VLN.L.wav|1m02 VLN.R.wav",
     "1m02 OH:mid-side:Mid Side|1m02 VLN:stereo:L R"),
    ("mid and side, unequal length", "OH.M.wav=10|OH.S.wav=12", "OH.M:mono:M|OH.S:mono:M"),
    ("soprano, mezzo, alto", "Choir.S.wav|Choir.M.wav|Choir.A.wav",
     "Choir.A:mono:M|Choir.M:mono:M|Choir.S:mono:M"),
    ("marimba and strings", "1m02_M.wav|1m02_S.wav|1m02_HRN.wav",
     "1m02_HRN:mono:M|1m02_M:mono:M|1m02_S:mono:M"),
    ("sizes of drums", "Tom.M.wav|Tom.S.wav|Taiko_M.wav|Taiko_S.wav|Perc M.wav|Perc S.wav",
     "Perc M:mono:M|Perc S:mono:M|Taiko_M:mono:M|Taiko_S:mono:M|Tom.M:mono:M|Tom.S:mono:M"),
    ("LCRS beside a mono", "Mus.L.wav|Mus.C.wav|Mus.R.wav|Mus.S.wav|Mus.M.wav",
     "Mus:lcrs:L C R S|Mus.M:mono:M"),
    # hashes in names
    ("hashes behind the channel", "V_01.L-8f3a2b1c.wav|V_01.R-1d2e3f40.wav", "V_01:stereo:L R"),
    ("short hashes", "HRN.L-5F3A.wav|HRN.R-5F3B.wav", "HRN:stereo:L R"),
    ("hashes before the channel", "V_8f3a2b1c.L.wav|V_1d2e3f40.R.wav|9f3a2b1c-H_L.wav|"
     "ad2e3f40-H_R.wav", "H:stereo:L R|V:stereo:L R"),
    ("UUIDs", "V_L_550e8400-e29b-41d4-a716-446655440000.wav|"
     "V_R_650e8400-e29b-41d4-a716-446655440001.wav|H.L {550e8400-e29b-41d4-a716-446655440002}.wav|"
     "H.R {650e8400-e29b-41d4-a716-446655440003}.wav", "H:stereo:L R|V:stereo:L R"),
    ("hashes of 5.1", "A.L_8f3a2b1c.wav|A.C_1f3a2b1d.wav|A.R_2f3a2b1c.wav|A.Ls_3f3a2b1c.wav|"
     "A.Rs_4f3a2b1c.wav|A.LFE_5f3a2b1c.wav", "A:5.1:L C R Ls Rs LFE"),
    ("one hash of two channels", "V_8f3a2b1c_L.wav|V_8f3a2b1c_R.wav|H.L.wav|H.R.wav",
     "H:stereo:L R|V_8f3a2b1c:stereo:L R"),
    ("hashes of letters behind the channel", "h DECADE.L-BEEF.wav|h DECADE.R-CAFE.wav|"
     "VN [L] face.wav|VN [R] dead.wav", "h DECADE:stereo:L R|VN:stereo:L R"),
    ("hashes of digits behind the channel", "VLA.L-0001.wav|VLA.R-0002.wav|V.L_73510462.wav|"
     "V.R_10462735.wav", "V:stereo:L R|VLA:stereo:L R"),
    ("hashes of surrounds alone", "h VC.Ls-12AB.wav|h VC.Rs-34CD.wav", "h VC:2 discrete:Ls Rs"),
    ("hashes of letters before the channel are words", "V_face_L.wav|V_dead_R.wav",
     "V_dead_R:mono:M|V_face_L:mono:M"),
    ("a number sign before the channel", "VLN#L_01.wav|VLN#R_01.wav|HRN#L.wav|HRN#R.wav",
     "HRN:stereo:L R|VLN_01:stereo:L R"),
    ("numbers of players", "PNO#1.wav|PNO#2.wav|HP_01.#01.wav|HP_01.#02.wav|VC.01.wav|VC.02.wav",
     "HP_01.#01:mono:M|HP_01.#02:mono:M|PNO#1:mono:M|PNO#2:mono:M|VC.01:mono:M|VC.02:mono:M"),
    ("keys with a sharp", "Pad F#L.wav|Pad F#R.wav|Gtr C#.wav",
     "Gtr C#:mono:M|Pad F#L:mono:M|Pad F#R:mono:M"),
    ("years and levels are no hashes", "MX_2023_L.wav|MX_2024_R.wav|V_10db_L.wav|V_12db_R.wav",
     "MX_2023_L:mono:M|MX_2024_R:mono:M|V_10db_L:mono:M|V_12db_R:mono:M"),
    # missing channels
    ("5.1 without Rs", "M.L.wav|M.C.wav|M.R.wav|M.Ls.wav|M.LFE.wav", "M:5.1:L C R Ls LFE"),
    ("7.1 without C", "M.L.wav|M.R.wav|M.Lss.wav|M.Rss.wav|M.Lsr.wav|M.Rsr.wav|M.LFE.wav",
     "M:7.1:L R Lss Rss Lsr Rsr LFE"),
    ("2.1", "M.L.wav|M.R.wav|M.LFE.wav", "M:2.1:L R LFE"),
    # interleaved
    ("interleaved stereo", "VLN.wav*2", "VLN:stereo:L R"),
    ("interleaved 5.1", "MX.wav*6", "MX:5.1:L C R Ls Rs LFE"),
    ("interleaved 7.1.4", "MX.wav*12", "MX:7.1.4:L C R Lss Rss Lsr Rsr LFE Ltf Rtf Ltr Rtr"),
    ("interleaved oddity", "MX.wav*9", "MX:9 discrete:1 2 3 4 5 6 7 8 9"),
    ("interleaved named as a channel", "VLN.L.wav*2", "VLN.L:stereo:L R"),
    # mixes and click tracks, in a cue's own company
    ("6mx", "1m02 Weber 6mx.L.wav|1m02 Weber 6mx.R.wav|VLN.wav",
     "VLN:mono:M|mix 1m02 Weber 6mx:stereo:L R"),
    ("6MX interleaved", "1m02_6MX_v2.wav*6", "mix 1m02_6MX_v2:5.1:L C R Ls Rs LFE"),
    ("several mixes", "1m02 6mx v1.wav*6|1m02 6mx v2.wav*6",
     "mix 1m02 6mx v1:5.1:L C R Ls Rs LFE|mix 1m02 6mx v2:5.1:L C R Ls Rs LFE"),
    ("stereo mix", "1m02_6mx_L.wav|1m02_6mx_R.wav", "mix 1m02_6mx:stereo:L R"),
    ("click", "CLK.wav|VLN.wav", "VLN:mono:M|ignored CLK:mono:M"),
    ("click track", "1m02 Click Track.L.wav|1m02 Click Track.R.wav",
     "ignored 1m02 Click Track:stereo:L R"),
    ("ClickTrack", "ClickTrack_01.wav", "ignored ClickTrack_01:mono:M"),
    ("clicks with a number", "1m02click2.wav", "ignored 1m02click2:mono:M"),
    ("clicker is an instrument", "Clicker Perc.wav", "Clicker Perc:mono:M"),
    # a session as it comes
    ("session", "1m02 VLN I_01.L.wav|1m02 VLN I_01.R.wav|1m02 VLN II_01.L.wav|"
     "1m02 VLN II_01.R.wav|1m02 Hp_01.wav|1m02 CLK_01.wav|1m02 6mx_01.L.wav|1m02 6mx_01.R.wav",
     "1m02 Hp_01:mono:M|1m02 VLN I_01:stereo:L R|1m02 VLN II_01:stereo:L R|"
     "mix 1m02 6mx_01:stereo:L R|ignored 1m02 CLK_01:mono:M"),
    ("umlauts", "Flöten.L.wav|Flo\u0308ten.R.wav", "Flöten:stereo:L R"),
    ("japanese", "弦 L.wav|弦 R.wav", "弦:stereo:L R"),
    ("dots in a name", "1m02.v3.Str.L.wav|1m02.v3.Str.R.wav", "1m02.v3.Str:stereo:L R"),
    ("a token is no name", "L.wav|R.wav", "L:mono:M|R:mono:M"),
    ("long and short strings", "Str Long.L.wav|Str Long.R.wav|Str Short.L.wav|Str Short.R.wav",
     "Str Long:stereo:L R|Str Short:stereo:L R"),
    ("desk letters", "Cl Bb.wav|Tpt in C.wav", "Cl Bb:mono:M|Tpt in C:mono:M"),
    ("decca tree", "Room Tree L.wav|Room Tree C.wav|Room Tree R.wav", "Room Tree:lcr:L C R"),
    ("room mics", "Str Close.L.wav|Str Close.R.wav|Str Room.L.wav|Str Room.R.wav",
     "Str Close:stereo:L R|Str Room:stereo:L R"),
]  # fmt: skip


def header(text: str) -> AudioHeader:
    """Return a sound header of 'name.wav*channels=thousands of samples'."""
    text, _, frames = text.partition("=")
    name, _, channels = text.partition("*")
    count = int(channels or 1)
    n = int(frames or 48) * 1_000
    return AudioHeader(
        file=name,
        container="WAV",
        subtype="PCM_24",
        sample_rate=48_000,
        channels=count,
        frames=n,
        promised_frames=n,
        labels=FILM_ORDER_BY_COUNT.get(count) or tuple(str(i + 1) for i in range(count)),
    )


def described(files: str) -> list[str]:
    inventory = arranged([header(f) for f in files.split("|")])
    kinds = [
        ("", inventory.groups),
        ("mix ", inventory.final_mixes),
        ("ignored ", inventory.ignored),
    ]
    return [
        f"{kind}{g.canonical_name}:{g.layout}:{' '.join(c.label for c in g.channels)}"
        for kind, groups in kinds
        for g in groups
    ]


@pytest.mark.parametrize(("files", "groups"), [f[1:] for f in FOLDERS], ids=[f[0] for f in FOLDERS])
def test_a_folder_makes_these_groups(files, groups):
    assert described(files) == groups.split("|")


def test_what_may_be_the_centre_of_a_group_without_one_is_doubted():
    channels = [header(f"ORCH_{c}.wav") for c in ("L", "R", "Ls", "Rs", "LFE", "Zentrum")]
    inventory = arranged([*channels, header("ORCH_Zentrum hell.wav"), header("VLN_Zentrum.wav")])
    doubted = [text for text in inventory.all_warnings if "lacks C" in text]
    assert sum("is named like a channel of 'ORCH'" in text for text in doubted) == 1
    quad = [header(f"ORCH_{c}.wav") for c in ("L", "R", "Ls", "Rs", "Toms")]
    assert arranged(quad).all_warnings == ()


def test_a_click_track_says_why_it_is_left_out_and_is_no_warning_of_the_cue():
    inventory = arranged([header("1m02 CLK_01.wav"), header("VLN.wav")])
    (click,) = inventory.ignored
    assert click.warnings == ("Left out as a click track: its name holds 'clk'.",)
    assert inventory.all_warnings == ()


def test_there_are_at_least_eighty_folders():
    assert len(FOLDERS) >= 80


@pytest.mark.parametrize("files", [f[1] for f in FOLDERS], ids=[f[0] for f in FOLDERS])
def test_every_file_is_in_exactly_one_group_whatever_the_order(files):
    names = files.split("|")
    seen = []
    for order in (names, names[::-1]):
        inventory = arranged([header(f) for f in order])
        groups = (*inventory.groups, *inventory.final_mixes, *inventory.ignored)
        inside = [c.file for g in groups for c in {c.file: c for c in g.channels}.values()]
        assert sorted(inside) == sorted(header(f).file for f in names)
        assert len({g.canonical_name for g in groups}) == len(groups)
        seen.append(
            {(g.canonical_name, g.layout, frozenset(c.file for c in g.channels)) for g in groups}
        )
    assert seen[0] == seen[1]


@pytest.mark.parametrize(("name", "labels"), LAYOUTS.items(), ids=list(LAYOUTS))
def test_every_layout_is_known_again_by_its_labels(name, labels):
    assert layout_of(labels) == (name, ())
    assert sorted(labels, key=film_position) == sorted(set(labels), key=film_position)


@pytest.mark.parametrize(("name", "labels"), LAYOUTS.items(), ids=list(LAYOUTS))
def test_every_layout_is_found_among_files_with_dots(name, labels):
    if name == "mono":
        return
    files = "|".join(f"1m02 Str.{label}.wav" for label in labels)
    (group,) = described(files)
    assert group.split(":")[:2] == ["1m02 Str", name]


@pytest.mark.parametrize(
    ("name", "held"),
    [("CLK_01", True), ("1m02click", True), ("ClickTrack", True), ("Clicks", True),
     ("My Click", True), ("Clicker", False),
     ("Clickety Clack", False), ("Duck", False), ("UnClicked", False)],
)  # fmt: skip
def test_a_click_track_is_known_by_a_word_of_its_name(name, held):
    assert bool(holds_word(name, ("clk", "click"))) is held


@pytest.mark.parametrize("stem", ["", ".", "L", ".L", "_L", "Kick.01", "Lead", "Ls", "a.b.c"])
def test_names_without_a_base_or_a_token_claim_nothing(stem):
    said = parse_channel_name(stem)
    assert said is None or said.base


def warnings_of(files: str, **order: str) -> dict[str, tuple[str, ...]]:
    inventory = arranged([header(f) for f in files.split("|")], **order)
    return {g.canonical_name: g.warnings for g in (*inventory.groups, *inventory.final_mixes)}


DOUBTED = {
    "5.1 without Rs", "7.1 without C", "dot L alone is a channel", "tokens of one folder only",
    "ambisonic", "ACN", "mid and side", "one of two is a copy", "surrounds alone",
    "one surround alone",
    "letters of mid and side", "mid and side beside other stems",
    "Swedish letters", "French letters", "Polish letters",
    "hashes behind the channel", "short hashes", "hashes before the channel", "UUIDs",
    "hashes of 5.1", "hashes of letters behind the channel", "hashes of digits behind the channel",
    "hashes of surrounds alone",
    "array", "mix of whose channels some lack", "tracks of a mix", "numbered mix",
    "mix with padded numbers", "ch",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "files"), [f[:2] for f in FOLDERS if "*" not in f[1] and "=" not in f[1]],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_only_what_is_doubtful_is_warned_of(name, files):
    doubted = [w for warnings in warnings_of(files).values() for w in warnings]
    assert bool(doubted) is (name in DOUBTED), doubted


def test_a_lone_side_among_pairs_named_like_it_is_doubted():
    files = "VLN_L.wav|VLN_R.wav|HRN_R.wav|CEL-R.wav"
    warnings = warnings_of(files)
    assert "named as a right channel" in warnings["HRN_R"][0]
    assert warnings["VLN"] == warnings["CEL-R"] == ()


@pytest.mark.parametrize(
    "files",
    ["HRN.L-5F3A.wav|HRN.R-5F3B.wav=50", "HRN.L-8f3a2b1c.wav",
     "V.L-8f3a.wav|V.R-1d2e.wav|V.L-7a7a.wav|V.R-8b8b.wav"],
)  # fmt: skip
def test_a_channel_with_a_hash_behind_it_and_no_partner_is_doubted(files):
    warnings = warnings_of(files)
    assert len(warnings) == len(files.split("|"))
    assert all("by a hash" in doubts[0] for doubts in warnings.values())


@pytest.mark.parametrize(
    "files",
    ["VLN.L_01.wav|VLN.R_02.wav", "VLN.L.wav|VLN.R_02.wav", "VLN.L-close.wav|VLN.R-far.wav",
     "VC [Ls] x.wav|VC [Rs] y.wav", "V_L_BEEF.wav|V_R_CAFE.wav"],
)  # fmt: skip
def test_sides_that_differ_in_what_stands_behind_are_told_to_be_perhaps_one(files):
    warnings = warnings_of(files)
    assert len(warnings) == 2
    assert all("may be the sides of one stem" in " ".join(w) for w in warnings.values())


@pytest.mark.parametrize(
    "files",
    ["VLN.L_01.wav|VLN.R_02.wav=50", "VLN_L_soft.wav|VLN_R_loud.wav", "A/V.L_1.wav|B/V.R_2.wav",
     "V.L_01.wav|V.L_02.wav|V.R_03.wav", "V.L_01.wav|V.R_01.wav|V.L_02.wav|V.R_02.wav"],
)  # fmt: skip
def test_sides_of_other_lengths_folders_or_takes_are_not_told_to_be_perhaps_one(files):
    assert "sides of one" not in str(warnings_of(files))


def test_letters_taken_for_channels_say_so():
    warnings = warnings_of("OH.M.wav|OH.S.wav|VLN_v.wav|VLN_h.wav|HRN_v.wav|HRN_h.wav")
    assert any("mid and side by nothing but the letters M and S" in w for w in warnings["OH"])
    assert any("the mean of its channels" in w for w in warnings["OH"])
    assert "left and right by nothing but the letters V and H" in warnings["VLN"][0]


def test_stems_numbered_like_the_channels_of_the_mix_are_doubted():
    numbers = range(1, 7)
    files = [*(f"6mx.A{n}.wav" for n in numbers), *(f"STR_{n}.wav" for n in numbers), "VLN_1.wav"]
    warnings = warnings_of("|".join(files))
    assert all("6 stems, or the 6 channels of one" in warnings[f"STR_{n}"][0] for n in numbers)
    assert warnings["VLN_1"] == ()


def test_stems_numbered_behind_a_dot_as_channels_of_a_layout_are_doubted():
    files = [*(f"VLN.{n}.wav" for n in range(1, 7)), *(f"Horn_{n}.wav" for n in range(1, 7))]
    warnings = warnings_of("|".join(files))
    assert all("6 stems, or the 6 channels of one" in warnings[f"VLN.{n}"][0] for n in range(1, 7))
    assert all(warnings[f"Horn_{n}"] == () for n in range(1, 7))
    assert warnings_of("VLN.1.wav|VLN.2.wav|VLN.3.wav|VLN.4.wav")["VLN.1"] == ()


@pytest.mark.parametrize(
    ("order", "labels"), [("film", "L C R Ls Rs LFE"), ("smpte", "L R C LFE Ls Rs")]
)
def test_an_order_that_is_set_names_interleaved_and_numbered_channels(order, labels):
    files = "MX.wav*6|" + "|".join(f"6mx.A{n}.wav" for n in range(1, 7))
    inventory = arranged([header(f) for f in files.split("|")], interleaved_order=order)
    assert inventory.all_warnings == ()
    for group in (*inventory.groups, *inventory.final_mixes):
        assert (group.layout, group.grouping["layout_from"]) == ("5.1", "setting")
    at = {c.index: c.label for c in inventory.groups[0].channels}
    assert [at[i] for i in range(6)] == labels.split()
    of_number = {c.file: c.label for c in inventory.final_mixes[0].channels}
    assert [of_number[f"6mx.A{n}.wav"] for n in range(1, 7)] == labels.split()


@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8, 9, 10, 12, 16])
def test_interleaved_channels_that_nothing_names_are_doubted(channels):
    (warning,) = warnings_of(f"MX.wav*{channels}")["MX"]
    assert f"holds {channels} interleaved channels and nothing says which is which" in warning


@pytest.mark.parametrize("channels", [1, 2])
def test_one_or_two_channels_need_no_word_of_their_order(channels):
    assert warnings_of(f"VLN.wav*{channels}")["VLN"] == ()


def test_a_name_of_many_numbers_is_read_in_no_time():
    import time

    started = time.process_time()
    assert parse_channel_name("VLN.L" + "-1_24fps" * 25 + "!") is None
    assert time.process_time() - started < 0.5


def test_missing_channels_are_named():
    inventory = arranged([header(f"M.{label}.wav") for label in ("L", "C", "R", "Ls")])
    (group,) = inventory.groups
    assert group.missing == ("Rs",)
    assert any("5.0" in w and "lacks Rs" in w for w in group.warnings)
