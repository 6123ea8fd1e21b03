"""Tables of cues, and the ledger of what is made of them."""

import sqlalchemy as sa

from cue_pipeline.warehouse.catalogue import column, link, row_key, table
from cue_pipeline.warehouse.types import Json, Timestamp

cues = table(
    "cues",
    "scan",
    "One row per cue folder ever seen below a library's root.",
    row_key("`row_id('cues', first_key)`."),
    column("cue_key", sa.Text, "Partition key: path below the root, POSIX, NFC.", unique=True),
    column("root", sa.Text, "The library's base folder, absolute."),
    column(
        "folder",
        sa.Text,
        "The cue's folder below `root`, POSIX, spelt as on disk; NULL: not scanned since there is "
        "this column.",
        null=True,
    ),
    column(
        "project",
        sa.Text,
        "By `CUE_PROJECT_PATTERN`, the top folder, or what stands before the number.",
        null=True,
    ),
    column("reel", sa.Integer, "Reel, from the folder's name.", null=True),
    column("cue_number", sa.Integer, "Number within the reel.", null=True),
    column("cue_suffix", sa.Text, "Letter of a cue inserted later: `a`; NULL: none.", null=True),
    column("is_source", sa.Boolean, "Source music, heard by the characters.", null=True),
    column(
        "title",
        sa.Text,
        "What the folder's name says after the number, but the version.",
        null=True,
    ),
    column(
        "version",
        sa.Text,
        "What the names say of the version: `2`, `R`, `alt`, `old`, a date; NULL: nothing.",
        null=True,
    ),
    column(
        "work_id",
        sa.BigInteger,
        "The same in all versions of a work; NULL: not compared yet.",
        null=True,
    ),
    column(
        "is_latest",
        sa.Boolean,
        "Whether it is the latest version of its work; NULL: nothing says which is.",
        null=True,
    ),
    column("duplicate_of", sa.Text, "`cue_key` of the cue that it repeats; NULL: none.", null=True),
    column(
        "duplicate_share",
        sa.Double,
        "How much of the smaller of the two is in the other, 0.15 to 1.",
        null=True,
    ),
    column("duplicate_why", sa.Text, "What they have in common, in words.", null=True),
    column(
        "verdict",
        sa.Text,
        "Why it was not up to date when a sensor last looked; empty: it was; NULL: not looked.",
        null=True,
    ),
    column("verdict_told", sa.Text, "What the UI was told of that, and by whom.", null=True),
    column("state", sa.Text, "`present` or `missing`."),
    column("fingerprint", sa.Text, "SHA-256 over both fingerprints below."),
    column("midi_fingerprint", sa.Text, "Changes with any MIDI file."),
    column("audio_fingerprint", sa.Text, "Changes with any audio file."),
    column(
        "midi_seen",
        sa.Text,
        "The fingerprint by the dates of today, of files that hold what those of "
        "`midi_fingerprint` held; NULL: the same.",
        null=True,
    ),
    column("audio_seen", sa.Text, "The same of `audio_fingerprint`.", null=True),
    column(
        "first_key",
        sa.Text,
        "The key under which it was first registered, from which its ids derive (with `//2` where "
        "another cue had that before); NULL: `cue_key`.",
        null=True,
    ),
    column("moved_from", sa.Text, "Its key before it was last moved; NULL: never.", null=True),
    column("moved_at", Timestamp, "When that was.", null=True),
    column("first_seen_at", Timestamp, "When a scan first found it.", made_by="warehouse"),
    column("last_seen_at", Timestamp, "When a scan last found it.", made_by="warehouse"),
    sa.Index(None, "project", "reel", "cue_number"),
)


cue_assets = table(
    "cue_assets",
    "warehouse",
    "The ledger: what of a cue is whole. Readers trust rows whose asset is `ready` here.",
    link("cue_id", "cues.id", "The cue.", key=True),
    column("asset", sa.Text, "The asset's name.", key=True),
    column("state", sa.Text, "`loading`, `ready` or `failed`."),
    column(
        "fingerprint",
        sa.Text,
        "Of the inputs that were read; NULL after rows went with a vanished parent: stale.",
        null=True,
    ),
    column("code_version", sa.Text, "Of the code that made the rows.", null=True),
    column("data_version", sa.Text, "Of the rows, as Dagster records it.", null=True),
    column("row_count", sa.BigInteger, "Rows written, over all its tables."),
    column("error", sa.Text, "Why it failed; NULL otherwise.", null=True),
    column("started_at", Timestamp, "When the work began."),
    column("finished_at", Timestamp, "When it ended; NULL while loading.", null=True),
)


cue_contents = table(
    "cue_contents",
    "warehouse",
    "What a cue's files hold: by this a cue is known again that was moved, or restored under new "
    "dates.",
    link("cue_id", "cues.id", "The cue.", key=True),
    column("kind", sa.Text, "`midi` or `audio`.", key=True),
    column("fingerprint", sa.Text, "Of the files when they were read."),
    column(
        "files",
        Json,
        "`[[path, bytes, modified in ns, inode, hash or null], …]`: of MIDI the SHA-256 of the "
        "file, of audio `xxh3:` and XXH3-128 of it.",
    ),
)


cue_writers = table(
    "cue_writers",
    "warehouse",
    "Who is loading a cue now, on engines whose loads span transactions (Aurora DSQL).",
    link("cue_id", "cues.id", "The cue.", key=True),
    column("writer", sa.Text, "A random name of one load."),
    column("asset", sa.Text, "What it loads."),
    column("heartbeat_at", Timestamp, "Its last sign of life."),
)


cue_splits = table(
    "cue_splits",
    "people",
    "Which part of a data set a cue is in: no two cues that share music are in two.",
    column("cue_key", sa.Text, "The cue.", key=True, references="cues.cue_key"),
    column("split", sa.Text, "`train`, `validation` or `test`."),
    column("group_id", sa.BigInteger, "The same in all cues that must not be parted."),
    column("pinned", sa.Boolean, "A person named the split; others of the group follow."),
    column("why", sa.Text, "What ties it to its group, in words; NULL: alone.", null=True),
    column(
        "doubt",
        sa.Text,
        "Why its split is not to be relied on: cues that share music are pinned to two; NULL: "
        "nothing is wrong.",
        null=True,
    ),
    column("rule", Json, "`{ratios, seed, by}` by which the group was drawn."),
    column("decided_by", sa.Text, "Who made or pinned it."),
    column("decided_at", Timestamp, "When it came to be in this split."),
)
