BEGIN TRANSACTION;
CREATE TABLE audio_feature_chunks (
	audio_feature_id BIGINT NOT NULL, 
	chunk_index INTEGER NOT NULL, 
	first_frame INTEGER NOT NULL, 
	n_frames INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_audio_feature_chunks PRIMARY KEY (audio_feature_id, chunk_index)
);
INSERT INTO "audio_feature_chunks" VALUES(4833790307887137480,0,0,10,X'3EBAF4B21D3C7141D2458E4B334D5B4BB9430CBB12C472C649C838C9F6C9B0CA68CB08CC58CCB0CCFDCC4CCD9DCDE6CD37CE80CECECE17CF63CFABCFF6CF1FD044D068D08CD0B0D0D3D0F7D01BD13ED161D183D1A7D1CAD1ECD10CD22ED24FD270D290D2AED2CDD2ECD209D326D342D35AD372D387D39AD3B0D3BDD3C9D3CFD3D0C642C601C599C235B4ED4B2D4EFC4B0CC0F1C60BC939CA4CCB1DCC7CCCD9CC35CD89CDD9CD31CE7ECECECE1ECF67CFB8CF01D028D04CD072D096D0BCD0E0D004D129D14CD170D194D1B8D1DCD1FFD122D244D267D28AD2ACD2CDD2EFD20FD330D350D36ED38DD3ADD3C9D3E6D301D40DD419D423D42DD438D43ED443D447D427D38DD2BED1ADD007CE9F4B454ECB4BD7CDB4D0BCD180D221D3A7D30BD438D46BD495D4C2D4EED40FD519D52DD517D520D52BD57CD581D579D57BD5AED59CD541D565D55DD543D5A1D589D568D565D554D576D54FD567D55ED564D565D565D54ED551D569D54DD553D551D568D540D574D567D541D57FD56DD550D546D55BD54AD39FD2C4D1AFD007CE9F4B454ECB4BD7CDB4D0BBD17DD21FD3A3D309D434D46AD490D4BDD4E8D40AD510D52DD510D51ED51FD583D582D573D577D5C3D598D53FD567D55FD54BD58DD586D56AD568D552D571D552D569D55BD559D564D56DD552D54DD565D54AD54DD54DD566D547D576D562D542D582D56DD555D546D55AD5A7D264D2AFD1A9D006CE9F4B454ECB4BD7CDB6D0BFD184D22BD3B2D312D441D474D4A4D4D3D402D529D520D541D51ED524D530D580D588D57CD57DD5AFD59ED542D565D55DD543D5A3D589D568D564D554D577D54FD567D55FD565D565D564D54DD551D569D54DD553D551D568D540D574D567D541D57FD56DD54FD546D55BD570D3B3D2CAD1B0D008CE9F4B454ECB4BD6CDB3D0BAD17CD21BD3A0D306D435D45FD491D4BAD4E2D406D509D52CD50FD51DD520D57ED581D573D576D5BFD598D53FD566D55FD54AD590D586D569D567D553D572D552D569D55CD55BD564D56CD552D54ED566D54AD54ED54ED566D546D576D562D541D582D56DD554D546D55AD5FBD276D2B6D1ABD006CE9F4B454ECB4BD7CDB5D0BDD181D227D3ADD30ED440D468D4A3D4CAD4F8D41DD518D53DD517D523D52AD580D587D579D57BD5B4D59CD541D565D55ED545D59CD588D568D565D553D575D550D567D55ED561D565D567D54FD550D568D54DD551D550D567D541D575D566D541D580D56DD551D546D55BD5CED27CD2B8D1ACD006CE9F4B454ECB4BD7CDB5D0BDD182D224D3ABD30DD43ED46AD49DD4C8D4F4D41AD515D53AD517D522D528D580D586D578D57AD5B8D59BD541D566D55ED546D599D588D569D565D553D574D551D568D55DD55FD565D568D550D54FD568D54CD550D54FD567D542D575D565D541D581D56DD552D546D55BD5F5CAABCA06CA45C9BEC6B84B404EDC4BE2C8D3CA4DCCDDCC68CDE1CD3CCE9ECEF6CE4CCF9BCFF5CF20D048D070D095D0BDD0E2D009D12ED153D177D19DD1C1D1E6D10AD22ED251D275D299D2BDD2E0D203D325D348D36BD38ED3AED3CFD3F0D308D418D427D436D445D453D462D46ED47CD487D48FD49BD4A4D4A9D4ADD4B2D42FBEDEBB3B34CD3F0B45024CBF4DE64B5C42A6BED5C436C7ACC89AC958CA12CBCACB39CC89CCE1CC2ECD7DCDCECD17CE68CEB1CEFFCE48CF94CFDCCF13D038D05CD081D0A4D0C8D0ECD010D133D157D179D19CD1BFD1E2D104D225D246D267D288D2A7D2C6D2E5D204D321D33ED359D372D38AD39ED3B2D3C7D3D5D3E0D3E6D3');
CREATE TABLE audio_features (
	id BIGINT NOT NULL, 
	audio_file_id BIGINT NOT NULL, 
	feature_type TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	profile TEXT NOT NULL, 
	sample_rate INTEGER NOT NULL, 
	hop_length INTEGER NOT NULL, 
	n_mels INTEGER NOT NULL, 
	n_frames INTEGER NOT NULL, 
	dtype TEXT NOT NULL, 
	max_db DOUBLE, 
	params TEXT NOT NULL, 
	warnings TEXT NOT NULL, 
	CONSTRAINT pk_audio_features PRIMARY KEY (id), 
	CONSTRAINT uq_audio_features_audio_file_id_feature_type_channel_profile UNIQUE (audio_file_id, feature_type, channel, profile), 
	CONSTRAINT fk_audio_features_audio_file_id FOREIGN KEY(audio_file_id) REFERENCES audio_files (id)
);
INSERT INTO "audio_features" VALUES(4833790307887137480,7907862745766573052,'mel_spectrogram','mono','default',48000,512,64,10,'float16',2.5075071334838867187e+01,'{"sr": 48000, "n_fft": 2048, "hop_length": 512, "n_mels": 64, "fmin": 0.0, "fmax": 24000.0, "htk": false, "norm": "slaney", "center": true, "pad_mode": "constant", "power": 2.0, "amin": 1e-10, "win_length": 2048, "window": "hann (periodic)", "mel_scale": "slaney", "ref": 1.0, "top_db": null, "db": "10 * log10(max(S, 1e-10))", "precision": "float64", "dtype": "<f2", "layout": "C order, (n_frames, n_mels)", "source_sample_rates": [48000], "resampler": null, "downmix": "mean of 2 channels", "empty_bands": 0, "downmix_labels": ["L", "R"], "n_samples": 4800, "versions": {"numpy": "2.4.6", "scipy": "1.17.1", "soxr": "1.1.0", "soundfile": "0.14.0"}}','[]');
CREATE TABLE audio_files (
	id BIGINT NOT NULL, 
	cue_id BIGINT NOT NULL, 
	file_path TEXT NOT NULL, 
	canonical_name TEXT NOT NULL, 
	layout TEXT NOT NULL, 
	channels TEXT NOT NULL, 
	sample_rate INTEGER NOT NULL, 
	frames BIGINT NOT NULL, 
	duration_seconds DOUBLE NOT NULL, 
	time_reference BIGINT, 
	start_offset_seconds DOUBLE, 
	peak_dbfs DOUBLE, 
	rms_dbfs DOUBLE, 
	levels TEXT, 
	grouping TEXT NOT NULL, 
	warnings TEXT NOT NULL, 
	instrument_category TEXT, 
	CONSTRAINT pk_audio_files PRIMARY KEY (id), 
	CONSTRAINT uq_audio_files_cue_id_canonical_name UNIQUE (cue_id, canonical_name), 
	CONSTRAINT fk_audio_files_cue_id FOREIGN KEY(cue_id) REFERENCES cues (id)
);
INSERT INTO "audio_files" VALUES(7907862745766573052,8953283021852496285,'PT/Audio Files/VLN.L.wav','VLN','stereo','[{"label": "L", "file": "PT/Audio Files/VLN.L.wav", "channel_index": 0, "frames": 4800, "sample_rate": 48000, "subtype": "PCM_16", "time_reference": null}, {"label": "R", "file": "PT/Audio Files/VLN.R.wav", "channel_index": 0, "frames": 4800, "sample_rate": 48000, "subtype": "PCM_16", "time_reference": null}]',48000,4800,0.1,NULL,NULL,-12.041,-15.052,'{"channels": [{"label": "L", "peak_dbfs": -12.041, "rms_dbfs": -15.052, "dc_offset": -1.51e-05, "clipped_samples": 0}, {"label": "R", "peak_dbfs": -12.041, "rms_dbfs": -15.052, "dc_offset": -1.51e-05, "clipped_samples": 0}], "correlation": 1.0, "silence_seconds": [], "silence_below_dbfs": -80.0, "silent": false, "duplicate_of": [], "warnings": ["''VLN'': L and R are the same signal (a mono source on two channels)."]}','{"evidence": ["channel token (dot)", "equal length"], "layout_from": "tokens", "labels": ["L", "R"], "start_from": "none"}','[]','Brass');
CREATE TABLE cue_assets (
	cue_id BIGINT NOT NULL, 
	asset TEXT NOT NULL, 
	state TEXT NOT NULL, 
	fingerprint TEXT, 
	code_version TEXT, 
	data_version TEXT, 
	row_count BIGINT NOT NULL, 
	error TEXT, 
	started_at TEXT NOT NULL, 
	finished_at TEXT, 
	CONSTRAINT pk_cue_assets PRIMARY KEY (cue_id, asset), 
	CONSTRAINT fk_cue_assets_cue_id FOREIGN KEY(cue_id) REFERENCES cues (id)
);
INSERT INTO "cue_assets" VALUES(8953283021852496285,'channel_groups','ready','026e4145965add62f7fba8e56a7762e4b182a07a3e2363213bf3ed3407e029f8','4+4f80756d','40ce925b785d5d7e',1,NULL,'2026-11-28T02:18:17.983478+00:00','2026-11-28T02:18:18.706758+00:00');
INSERT INTO "cue_assets" VALUES(8953283021852496285,'tempo_map','ready','968bf60f5f189a6f9cf42100d4eb4fc180b2a00fefbae173e9209b95f2dea021','3+886baac6','378f1ea36321d0d3',1,NULL,'2026-11-28T02:18:18.774301+00:00','2026-11-28T02:18:18.960620+00:00');
INSERT INTO "cue_assets" VALUES(8953283021852496285,'mel_features','ready','026e4145965add62f7fba8e56a7762e4b182a07a3e2363213bf3ed3407e029f8','1+51c474ff','7fcd3a1bfa5222e5',3,NULL,'2026-11-28T02:18:19.075992+00:00','2026-11-28T02:18:19.774541+00:00');
INSERT INTO "cue_assets" VALUES(8953283021852496285,'midi_events','ready','968bf60f5f189a6f9cf42100d4eb4fc180b2a00fefbae173e9209b95f2dea021','3+886baac6','8ee5937a120522f5',4,NULL,'2026-11-28T02:18:20.015512+00:00','2026-11-28T02:18:20.150193+00:00');
INSERT INTO "cue_assets" VALUES(8953283021852496285,'match_evidence','ready','06f7a4e4cd48e0d7','7','35bf05a1e963a56f',1,NULL,'2026-11-28T02:18:20.823662+00:00','2026-11-28T02:18:21.129253+00:00');
INSERT INTO "cue_assets" VALUES(8953283021852496285,'llm_mappings','ready','06f7a4e4cd48e0d7','2+fb6d2d31a474+names','9f57aa3ede2f1253',3,NULL,'2026-11-28T02:18:36.166927+00:00','2026-11-28T02:18:37.647930+00:00');
INSERT INTO "cue_assets" VALUES(8953283021852496285,'final_mix_features','ready','026e4145965add62f7fba8e56a7762e4b182a07a3e2363213bf3ed3407e029f8','3+51c474ff','74f26057f991e602',0,NULL,'2026-11-28T02:18:23.440735+00:00','2026-11-28T02:18:23.640740+00:00');
CREATE TABLE cue_pipeline_schema (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT cue_pipeline_schema_pkc PRIMARY KEY (version_num)
);
INSERT INTO "cue_pipeline_schema" VALUES('0009');
CREATE TABLE cue_writers (
	cue_id BIGINT NOT NULL, 
	writer TEXT NOT NULL, 
	asset TEXT NOT NULL, 
	heartbeat_at TEXT NOT NULL, 
	CONSTRAINT pk_cue_writers PRIMARY KEY (cue_id), 
	CONSTRAINT fk_cue_writers_cue_id FOREIGN KEY(cue_id) REFERENCES cues (id)
);
CREATE TABLE cues (
	id BIGINT NOT NULL, 
	cue_key TEXT NOT NULL, 
	root TEXT NOT NULL, 
	project TEXT, 
	reel INTEGER, 
	cue_number INTEGER, 
	cue_suffix TEXT, 
	is_source BOOLEAN, 
	title TEXT, 
	version TEXT, 
	state TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	midi_fingerprint TEXT NOT NULL, 
	audio_fingerprint TEXT NOT NULL, 
	first_seen_at TEXT NOT NULL, 
	last_seen_at TEXT NOT NULL, folder TEXT, 
	CONSTRAINT pk_cues PRIMARY KEY (id), 
	CONSTRAINT uq_cues_cue_key UNIQUE (cue_key)
);
INSERT INTO "cues" VALUES(8953283021852496285,'Reel 1/1m01','/library',NULL,1,1,NULL,0,NULL,NULL,'present','d3cc9c9bdb3d876b7bbb0f642d62538ce2f4c3c37f8682f1f8809a74aff04106','968bf60f5f189a6f9cf42100d4eb4fc180b2a00fefbae173e9209b95f2dea021','026e4145965add62f7fba8e56a7762e4b182a07a3e2363213bf3ed3407e029f8','2026-11-28T02:18:11.665321+00:00','2026-11-28T02:18:11.665321+00:00','Reel 1/1m01');
CREATE TABLE final_mix_feature_chunks (
	final_mix_feature_id BIGINT NOT NULL, 
	chunk_index INTEGER NOT NULL, 
	first_frame INTEGER NOT NULL, 
	n_frames INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_final_mix_feature_chunks PRIMARY KEY (final_mix_feature_id, chunk_index)
);
CREATE TABLE final_mix_features (
	id BIGINT NOT NULL, 
	final_mix_id BIGINT NOT NULL, 
	feature_type TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	profile TEXT NOT NULL, 
	sample_rate INTEGER NOT NULL, 
	hop_length INTEGER NOT NULL, 
	n_mels INTEGER NOT NULL, 
	n_frames INTEGER NOT NULL, 
	dtype TEXT NOT NULL, 
	max_db DOUBLE, 
	params TEXT NOT NULL, 
	warnings TEXT NOT NULL, 
	CONSTRAINT pk_final_mix_features PRIMARY KEY (id), 
	CONSTRAINT uq_final_mix_features_final_mix_id_feature_type_channel_profile UNIQUE (final_mix_id, feature_type, channel, profile), 
	CONSTRAINT fk_final_mix_features_final_mix_id FOREIGN KEY(final_mix_id) REFERENCES final_mixes (id)
);
CREATE TABLE final_mixes (
	id BIGINT NOT NULL, 
	cue_id BIGINT NOT NULL, 
	midi_file_id BIGINT, 
	file_path TEXT NOT NULL, 
	canonical_name TEXT NOT NULL, 
	layout TEXT NOT NULL, 
	channels TEXT NOT NULL, 
	sample_rate INTEGER NOT NULL, 
	frames BIGINT NOT NULL, 
	duration_seconds DOUBLE NOT NULL, 
	time_reference BIGINT, 
	start_offset_seconds DOUBLE, 
	peak_dbfs DOUBLE, 
	rms_dbfs DOUBLE, 
	levels TEXT, 
	residual_db DOUBLE, 
	residual TEXT, 
	grouping TEXT NOT NULL, 
	warnings TEXT NOT NULL, role TEXT, known_by TEXT, 
	CONSTRAINT pk_final_mixes PRIMARY KEY (id), 
	CONSTRAINT uq_final_mixes_cue_id_canonical_name UNIQUE (cue_id, canonical_name), 
	CONSTRAINT fk_final_mixes_cue_id FOREIGN KEY(cue_id) REFERENCES cues (id)
);
CREATE TABLE llm_batches (
	submission TEXT NOT NULL, 
	batch_id TEXT, 
	server TEXT NOT NULL, 
	model TEXT NOT NULL, 
	n_questions INTEGER NOT NULL, 
	submitted_at TEXT NOT NULL, 
	ended_at TEXT, 
	CONSTRAINT pk_llm_batches PRIMARY KEY (submission)
);
CREATE TABLE llm_calls (
	prompt_sha256 TEXT NOT NULL, 
	model TEXT NOT NULL, 
	request TEXT NOT NULL, 
	response TEXT, 
	prompt_version TEXT, 
	prompt_tokens INTEGER, 
	completion_tokens INTEGER, 
	created_at TEXT NOT NULL, 
	CONSTRAINT pk_llm_calls PRIMARY KEY (prompt_sha256, model)
);
CREATE TABLE llm_waiting (
	prompt_sha256 TEXT NOT NULL, 
	model TEXT NOT NULL, 
	submission TEXT NOT NULL, 
	cue_key TEXT NOT NULL, 
	request TEXT NOT NULL, 
	response_format TEXT NOT NULL, 
	prompt_version TEXT NOT NULL, 
	CONSTRAINT pk_llm_waiting PRIMARY KEY (prompt_sha256, model)
);
CREATE TABLE mapping_overrides (
	cue_key TEXT NOT NULL, 
	track TEXT NOT NULL, 
	canonical_name TEXT, 
	instrument_category TEXT, 
	note TEXT, 
	created_at TEXT NOT NULL, 
	CONSTRAINT pk_mapping_overrides PRIMARY KEY (cue_key, track)
);
INSERT INTO "mapping_overrides" VALUES('Reel 1/1m01','Violins I',NULL,'Brass','heard it','2026-11-28T02:18:30.738155+00:00');
CREATE TABLE match_evidence (
	midi_track_id BIGINT NOT NULL, 
	audio_file_id BIGINT NOT NULL, 
	onset_score DOUBLE, 
	activity_score DOUBLE, 
	pitch_score DOUBLE, 
	score DOUBLE, 
	lag_seconds DOUBLE, 
	level_db DOUBLE, 
	abstained TEXT, 
	n_notes INTEGER NOT NULL, clock_doubt TEXT, 
	CONSTRAINT pk_match_evidence PRIMARY KEY (midi_track_id, audio_file_id), 
	CONSTRAINT fk_match_evidence_midi_track_id FOREIGN KEY(midi_track_id) REFERENCES midi_tracks (id), 
	CONSTRAINT fk_match_evidence_audio_file_id FOREIGN KEY(audio_file_id) REFERENCES audio_files (id)
);
INSERT INTO "match_evidence" VALUES(3476062990749469190,7907862745766573052,NULL,NULL,NULL,NULL,NULL,NULL,'only 3 notes',3,NULL);
CREATE TABLE midi_aftertouch (
	midi_track_id BIGINT NOT NULL, 
	event_index INTEGER NOT NULL, 
	channel SMALLINT NOT NULL, 
	note SMALLINT, 
	value SMALLINT NOT NULL, 
	tick BIGINT NOT NULL, 
	time DOUBLE NOT NULL, 
	bar BIGINT NOT NULL, 
	beat DOUBLE NOT NULL, 
	CONSTRAINT pk_midi_aftertouch PRIMARY KEY (midi_track_id, event_index)
)
 WITHOUT ROWID

;
CREATE TABLE midi_cc (
	midi_track_id BIGINT NOT NULL, 
	event_index INTEGER NOT NULL, 
	channel SMALLINT NOT NULL, 
	cc_number SMALLINT NOT NULL, 
	cc_value SMALLINT NOT NULL, 
	tick BIGINT NOT NULL, 
	time DOUBLE NOT NULL, 
	bar BIGINT NOT NULL, 
	beat DOUBLE NOT NULL, 
	CONSTRAINT pk_midi_cc PRIMARY KEY (midi_track_id, event_index)
)
 WITHOUT ROWID

;
CREATE TABLE midi_files (
	id BIGINT NOT NULL, 
	cue_id BIGINT NOT NULL, 
	file_path TEXT NOT NULL, 
	sha256 TEXT, 
	format INTEGER, 
	division INTEGER, 
	sequence INTEGER, 
	ticks_per_beat INTEGER, 
	duration_seconds DOUBLE, 
	tempo_map TEXT NOT NULL, 
	time_signature_map TEXT NOT NULL, 
	key_signature_map TEXT NOT NULL, 
	markers TEXT NOT NULL, 
	cue_points TEXT, 
	lyrics TEXT, 
	texts TEXT, 
	smpte_offset TEXT, 
	warnings TEXT NOT NULL, time_codes TEXT, clock_from TEXT, same_as TEXT, clock_doubt TEXT, charset TEXT, charset_confidence DOUBLE, 
	CONSTRAINT pk_midi_files PRIMARY KEY (id), 
	CONSTRAINT uq_midi_files_cue_id_file_path UNIQUE (cue_id, file_path), 
	CONSTRAINT fk_midi_files_cue_id FOREIGN KEY(cue_id) REFERENCES cues (id)
);
INSERT INTO "midi_files" VALUES(2177829828501498706,8953283021852496285,'MIDI/1m01.mid','7779a678a51077543aca795a238e838dd401ffe059e60871ee9cec0a7461f464',1,480,NULL,480,0.125,'[[0.0, 0, 500000]]','[[0.0, 0, 4, 4]]','[]','[]','[]','[]','[]',NULL,'[]','[]',NULL,NULL,NULL,'utf-8',1.0);
CREATE TABLE midi_notes (
	midi_track_id BIGINT NOT NULL, 
	event_index INTEGER NOT NULL, 
	channel SMALLINT NOT NULL, 
	note SMALLINT NOT NULL, 
	velocity SMALLINT NOT NULL, 
	release_velocity SMALLINT, 
	start_tick BIGINT NOT NULL, 
	end_tick BIGINT NOT NULL, 
	start_time DOUBLE NOT NULL, 
	duration DOUBLE NOT NULL, 
	bar BIGINT NOT NULL, 
	beat DOUBLE NOT NULL, 
	flags SMALLINT NOT NULL, 
	end_event_index INTEGER, 
	CONSTRAINT pk_midi_notes PRIMARY KEY (midi_track_id, event_index)
)
 WITHOUT ROWID

;
INSERT INTO "midi_notes" VALUES(3476062990749469190,1,0,60,90,64,0,40,0.0,4.16666666666666643537e-02,1,1.0,0,2);
INSERT INTO "midi_notes" VALUES(3476062990749469190,3,0,61,90,64,40,80,4.16666666666666643537e-02,4.16666666666666643537e-02,1,1.08333333333333325931e+00,0,4);
INSERT INTO "midi_notes" VALUES(3476062990749469190,5,0,62,90,64,80,120,8.33333333333333287074e-02,4.16666666666666712925e-02,1,1.16666666666666674068e+00,0,6);
CREATE TABLE midi_pitch_bends (
	midi_track_id BIGINT NOT NULL, 
	event_index INTEGER NOT NULL, 
	channel SMALLINT NOT NULL, 
	value SMALLINT NOT NULL, 
	tick BIGINT NOT NULL, 
	time DOUBLE NOT NULL, 
	bar BIGINT NOT NULL, 
	beat DOUBLE NOT NULL, 
	CONSTRAINT pk_midi_pitch_bends PRIMARY KEY (midi_track_id, event_index)
)
 WITHOUT ROWID

;
CREATE TABLE midi_program_changes (
	midi_track_id BIGINT NOT NULL, 
	event_index INTEGER NOT NULL, 
	channel SMALLINT NOT NULL, 
	program SMALLINT NOT NULL, 
	tick BIGINT NOT NULL, 
	time DOUBLE NOT NULL, 
	bar BIGINT NOT NULL, 
	beat DOUBLE NOT NULL, 
	bank_msb SMALLINT, 
	bank_lsb SMALLINT, 
	CONSTRAINT pk_midi_program_changes PRIMARY KEY (midi_track_id, event_index)
)
 WITHOUT ROWID

;
CREATE TABLE "midi_tracks" (
	id BIGINT NOT NULL, 
	midi_file_id BIGINT NOT NULL, 
	track_index INTEGER NOT NULL, 
	track_name TEXT, 
	raw_name BLOB, 
	stray_note_offs TEXT, 
	instrument_category TEXT, 
	assigned_audio_file_id BIGINT, 
	port SMALLINT, 
	part_channel SMALLINT, 
	all_names TEXT, 
	sounds TEXT, 
	drum_kit TEXT, 
	CONSTRAINT pk_midi_tracks PRIMARY KEY (id), 
	CONSTRAINT fk_midi_tracks_midi_file_id FOREIGN KEY(midi_file_id) REFERENCES midi_files (id), 
	CONSTRAINT fk_midi_tracks_assigned_audio_file_id FOREIGN KEY(assigned_audio_file_id) REFERENCES audio_files (id)
);
INSERT INTO "midi_tracks" VALUES(3476062990749469190,2177829828501498706,1,'Violins I',X'56696F6C696E732049','[]','Brass',7907862745766573052,NULL,NULL,'["Violins I"]','[[null, null, null, 3]]',NULL);
CREATE TABLE track_mappings (
	midi_track_id BIGINT NOT NULL, 
	audio_file_id BIGINT, 
	instrument_category TEXT, 
	state TEXT NOT NULL, 
	method TEXT, 
	confidence DOUBLE, 
	category_confidence DOUBLE, 
	name_score DOUBLE, 
	evidence_score DOUBLE, 
	evidence_margin DOUBLE, 
	model TEXT, 
	prompt_sha256 TEXT, 
	reason TEXT, 
	candidates TEXT, 
	CONSTRAINT pk_track_mappings PRIMARY KEY (midi_track_id), 
	CONSTRAINT fk_track_mappings_midi_track_id FOREIGN KEY(midi_track_id) REFERENCES midi_tracks (id), 
	CONSTRAINT fk_track_mappings_audio_file_id FOREIGN KEY(audio_file_id) REFERENCES audio_files (id)
);
INSERT INTO "track_mappings" VALUES(3476062990749469190,7907862745766573052,'Brass','auto','names',9.65590262694535073073e-01,1.0,0.85,NULL,NULL,NULL,NULL,'the name fits (0.85)','[{"audio_file_id": 7907862745766573052, "canonical_name": "VLN", "confidence": 0.9656, "name_score": 0.85, "evidence_score": null, "model": false}]');
CREATE INDEX ix_cues_project_reel_cue_number ON cues (project, reel, cue_number);
CREATE INDEX ix_audio_files_instrument_category ON audio_files (instrument_category);
CREATE INDEX ix_final_mixes_midi_file_id ON final_mixes (midi_file_id);
CREATE INDEX ix_match_evidence_audio_file_id ON match_evidence (audio_file_id);
CREATE INDEX ix_track_mappings_audio_file_id ON track_mappings (audio_file_id);
CREATE INDEX ix_track_mappings_state ON track_mappings (state);
CREATE INDEX ix_midi_tracks_assigned_audio_file_id ON midi_tracks (assigned_audio_file_id);
CREATE INDEX ix_midi_tracks_instrument_category ON midi_tracks (instrument_category);
CREATE UNIQUE INDEX ix_midi_tracks_midi_file_id_track_index_port_part_channel ON midi_tracks (midi_file_id, track_index, port, part_channel);
CREATE VIEW named_notes AS 
SELECT c.cue_key, f.file_path AS midi_file_path, t.track_index, t.track_name,
       t.instrument_category, n.midi_track_id, n.event_index, n.channel, n.note,
       trim(substr('C C#D D#E F F#G G#A A#B ', (n.note % 12) * 2 + 1, 2))
         || CAST(n.note / 12 - 1 AS TEXT) AS note_name,
       n.velocity, n.start_time, n.duration, n.bar, n.beat, n.flags
FROM midi_notes AS n
JOIN midi_tracks AS t ON t.id = n.midi_track_id
JOIN midi_files AS f ON f.id = t.midi_file_id
JOIN cues AS c ON c.id = f.cue_id
JOIN cue_assets AS events
  ON events.cue_id = c.id AND events.asset = 'midi_events' AND events.state = 'ready';
CREATE VIEW thinned_cc AS 
SELECT cue_key, midi_file_path, track_index, track_name, midi_track_id, event_index, channel,
       cc_number, cc_value, tick, "time", bar, beat
FROM (
  SELECT slots.*, lag(cc_value) OVER (PARTITION BY cue_key, midi_track_id, channel, cc_number ORDER BY event_index) AS value_before
  FROM (
    SELECT c.cue_key, f.file_path AS midi_file_path, t.track_index, t.track_name,
           e.midi_track_id, e.event_index, e.channel, e.cc_number, e.cc_value, e.tick, e."time",
           e.bar, e.beat,
           row_number() OVER (
             PARTITION BY c.cue_key, e.midi_track_id, e.channel, e.cc_number, CAST(e."time" * 50 AS INTEGER)
             ORDER BY e.event_index DESC
           ) AS place_from_end
    FROM midi_cc AS e
    JOIN midi_tracks AS t ON t.id = e.midi_track_id
    JOIN midi_files AS f ON f.id = t.midi_file_id
    JOIN cues AS c ON c.id = f.cue_id
    JOIN cue_assets AS events
      ON events.cue_id = c.id AND events.asset = 'midi_events' AND events.state = 'ready'
  ) AS slots
  WHERE place_from_end = 1
) AS kept
WHERE value_before IS NULL OR value_before <> cc_value;
CREATE VIEW tracks_with_groups AS 
SELECT c.cue_key, c.project, c.reel, c.cue_number, f.file_path AS midi_file_path,
       t.id AS midi_track_id, t.track_index, t.track_name,
       m.audio_file_id, g.canonical_name AS group_name, g.layout AS group_layout,
       m.instrument_category, m.state, m.method, m.confidence, t.port, t.part_channel
FROM midi_tracks AS t
JOIN midi_files AS f ON f.id = t.midi_file_id
JOIN cues AS c ON c.id = f.cue_id
JOIN cue_assets AS events
  ON events.cue_id = c.id AND events.asset = 'midi_events' AND events.state = 'ready'
JOIN cue_assets AS mappings
  ON mappings.cue_id = c.id AND mappings.asset = 'llm_mappings' AND mappings.state = 'ready'
JOIN track_mappings AS m ON m.midi_track_id = t.id
LEFT JOIN audio_files AS g ON g.id = m.audio_file_id;
COMMIT;