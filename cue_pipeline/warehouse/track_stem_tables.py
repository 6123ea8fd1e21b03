"""Tables of which track is which stem: by sound, by the model, and by people."""

import sqlalchemy as sa

from cue_pipeline.warehouse.catalogue import column, link, table
from cue_pipeline.warehouse.types import Json, Timestamp

match_evidence = table(
    "match_evidence",
    "match_evidence",
    "How well each track fits each stem by ear.",
    link("midi_track_id", "midi_tracks.id", "The track.", key=True),
    link("audio_file_id", "audio_files.id", "The stem.", key=True),
    column("onset_score", sa.Double, "Onsets against spectral flux.", null=True),
    column("activity_score", sa.Double, "Where notes sound and where sound is.", null=True),
    column("pitch_score", sa.Double, "Piano roll against the mel; NULL for drums.", null=True),
    column("score", sa.Double, "All of them in one.", null=True),
    column("lag_seconds", sa.Double, "Audio time less MIDI time at the best fit.", null=True),
    column(
        "level_db",
        sa.Double,
        "How loud the track is heard in the stem, dB re the loudest stem's peak.",
        null=True,
    ),
    column("abstained", sa.Text, "Why `score` is NULL; NULL where there is a score.", null=True),
    column("n_notes", sa.Integer, "Notes that were compared."),
    column(
        "clock_doubt",
        sa.Text,
        "Why the sound gives no faith in the file's tempo map, or in the track's pitches; NULL: "
        "it does, or cannot tell.",
        null=True,
    ),
    column(
        "kit_notes",
        Json,
        "`[[note, onset_score, level], …]` of a drum kit's keys in the stem, the level beside the "
        "stem in which the key is loudest; NULL: no kit of several keys.",
        null=True,
    ),
    sa.Index(None, "audio_file_id"),
)


track_mappings = table(
    "track_mappings",
    "llm_mappings",
    "Which stem each track is heard in, how that was decided and how sure it is.",
    link("midi_track_id", "midi_tracks.id", "The track.", key=True),
    link("audio_file_id", "audio_files.id", "The stem; NULL: none.", null=True),
    column("instrument_category", sa.Text, "One of the fixed list; NULL: undecided.", null=True),
    column("state", sa.Text, "`auto`, `confirmed`, `review` or `unmatched`."),
    column("method", sa.Text, "`override`, `llm`, `names` or `evidence`.", null=True),
    column("confidence", sa.Double, "Of the stem, 0 to 1.", null=True),
    column("category_confidence", sa.Double, "Of the category; NULL: none.", null=True),
    column("name_score", sa.Double, "Likeness of the names, 0 to 1.", null=True),
    column("evidence_score", sa.Double, "From `match_evidence`.", null=True),
    column("evidence_margin", sa.Double, "Distance to the best rival.", null=True),
    column("model", sa.Text, "The model asked; NULL: none.", null=True),
    column("prompt_sha256", sa.Text, "Of the question asked, in `llm_calls`.", null=True),
    column("reason", sa.Text, "Why, in words.", null=True),
    column("candidates", Json, "The best stems with their scores, best first.", null=True),
    sa.Index(None, "audio_file_id"),
    sa.Index(None, "state"),
)


track_stems = table(
    "track_stems",
    "llm_mappings",
    "All stems in which each track is heard: that of `track_mappings`, and others besides.",
    link("midi_track_id", "midi_tracks.id", "The track.", key=True),
    link("audio_file_id", "audio_files.id", "The stem.", key=True),
    column(
        "share",
        sa.Double,
        "How much of the track is heard there: of its power over all its stems, of a kit that is "
        "split, of its keys; NULL: not measured.",
        null=True,
    ),
    column("notes", Json, "Note numbers that are heard there; NULL: all.", null=True),
    sa.Index(None, "audio_file_id"),
)


mapping_overrides = table(
    "mapping_overrides",
    "people",
    "What people decided; no run ever deletes a row.",
    column("cue_key", sa.Text, "The cue.", key=True, references="cues.cue_key"),
    column("track", sa.Text, "The track's name, or `#index`.", key=True),
    column("canonical_name", sa.Text, "The stem; `-`: none; NULL: no say.", null=True),
    column("instrument_category", sa.Text, "One of the fixed list; NULL: no say.", null=True),
    column("note", sa.Text, "Why, in a person's words.", null=True),
    column("created_at", Timestamp, "When.", made_by="warehouse"),
    column("decided_by", sa.Text, "Who; NULL: decided before that was kept.", null=True),
    column("track_name", sa.Text, "Name of the track when last found.", null=True),
    column("track_notes", sa.Text, "Digest of its pitches in order, then.", null=True),
    column("stem_content", sa.Text, "`content_hash` of the stem, then.", null=True),
    column(
        "bound_to",
        sa.Text,
        "Where the last run found the track: `MIDI/1m02.mid#3`; empty: nowhere; NULL: not looked.",
        null=True,
    ),
)


mapping_history = table(
    "mapping_history",
    "people",
    "Every change of a decision: who, when, what it was before; no run ever deletes a row.",
    column("id", sa.BigInteger, "A random number.", key=True),
    column("change_id", sa.BigInteger, "The same for all that one command changed."),
    column("cue_key", sa.Text, "The cue.", references="cues.cue_key"),
    column("track", sa.Text, "As in `mapping_overrides`."),
    column(
        "action",
        sa.Text,
        "`set`, `import`, `unset`, `undo`, `move`; by the program: `found again`, `orphaned`.",
    ),
    column("canonical_name", sa.Text, "As decided since; all NULL: taken back.", null=True),
    column("instrument_category", sa.Text, "As decided since.", null=True),
    column("note", sa.Text, "As decided since.", null=True),
    column("before", Json, "The row of `mapping_overrides` until then; NULL: none.", null=True),
    column("undoes", sa.BigInteger, "The `id` of the change that it took back.", null=True),
    column("decided_by", sa.Text, "Who."),
    column("decided_at", Timestamp, "When.", made_by="warehouse"),
    sa.Index(None, "cue_key"),
)


llm_calls = table(
    "llm_calls",
    "llm_mappings",
    "Every question asked of a chat model and its answer: the same one is paid for once.",
    column("prompt_sha256", sa.Text, "Of the request.", key=True),
    column("model", sa.Text, "The model asked.", key=True),
    column("request", Json, "What was asked."),
    column("response", Json, "What it answered.", null=True),
    column("prompt_version", sa.Text, "Version of the prompt's wording.", null=True),
    column("prompt_tokens", sa.Integer, "Tokens of the request, as billed.", null=True),
    column("completion_tokens", sa.Integer, "Tokens of the answer, as billed.", null=True),
    column("created_at", Timestamp, "When.", made_by="warehouse"),
    append=True,
)


llm_batches = table(
    "llm_batches",
    "warehouse",
    "Batches of questions handed to a chat model's server, to be answered at half the price.",
    column("submission", sa.Text, "A random name, which the batch bears at the server.", key=True),
    column("batch_id", sa.Text, "As the server calls it; NULL: not told yet.", null=True),
    column("server", sa.Text, "Host of the model's server."),
    column("model", sa.Text, "The model asked."),
    column("n_questions", sa.Integer, "Questions in it."),
    column("submitted_at", Timestamp, "When it was begun."),
    column("ended_at", Timestamp, "When its last question ceased to wait.", null=True),
)


llm_waiting = table(
    "llm_waiting",
    "warehouse",
    "Questions that wait for their answer in a batch; with it they move to `llm_calls`.",
    column("prompt_sha256", sa.Text, "Of the request.", key=True),
    column("model", sa.Text, "The model asked.", key=True),
    column("submission", sa.Text, "The batch's row in `llm_batches`."),
    column("cue_key", sa.Text, "The cue for which it is asked, or the first of several."),
    column("request", Json, "What was asked."),
    column("response_format", sa.Text, "`json_schema` or `json_object`."),
    column("prompt_version", sa.Text, "Version of the prompt's wording."),
)
