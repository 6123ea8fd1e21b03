"""Every knob of the pipeline, with its unit and default.

Read from the environment and from ``.env`` in the working directory (the environment wins).
The settings are frozen: a run sees one set of values from its beginning to its end.
"""

import codecs
import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cue_pipeline.errors import SettingsError

DEFAULT_DATABASE_URL = "sqlite:///cue_pipeline.db"

_NOT_SETTINGS = ("CUE_PIPELINE_", "CUE_TEST_", "CUE_UI_")  # the program's own, and its tests'
_NOT_OURS = ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_BASE")  # of OpenAI's own programs
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?[A-Za-z_]\w*\s*=")


class MelSettings(BaseModel):
    """Parameters of a mel spectrogram, in librosa's words.

    The defaults are librosa's own (Slaney scale and area norm, periodic Hann window, centred
    frames on zero padding), with 64 bands at 48 kHz as the original system had them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sr: int = Field(default=48_000, ge=1_000, le=768_000, description="Sample rate, Hz.")
    n_fft: int = Field(default=2_048, ge=16, le=1 << 20, description="FFT length, samples.")
    hop_length: int = Field(default=512, ge=1, le=1 << 20, description="Samples between frames.")
    n_mels: int = Field(default=64, ge=1, le=4_096, description="Mel bands.")
    fmin: float = Field(default=0.0, ge=0.0, description="Lowest frequency, Hz.")
    fmax: float | None = Field(default=None, gt=0.0, description="Highest frequency; None: sr/2.")
    htk: bool = Field(default=False, description="HTK mel formula instead of Slaney's.")
    norm: Literal["slaney"] | None = Field(default="slaney", description="Filter area norm.")
    center: bool = Field(default=True, description="Frame t is centred on sample t·hop_length.")
    pad_mode: Literal["constant", "reflect"] = Field(
        default="constant", description="How a centred signal is padded at its ends."
    )
    power: float = Field(default=2.0, gt=0.0, description="Exponent of the magnitude.")
    amin: float = Field(default=1e-10, gt=0.0, description="Power floor before the logarithm.")


class Settings(BaseSettings):
    """The settings that ``.env.example`` lists."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    database_url: SecretStr = Field(
        default=SecretStr(DEFAULT_DATABASE_URL),
        alias="DATABASE_URL",
        description="Where the tables are: SQLite, PostgreSQL or an Aurora DSQL endpoint.",
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        alias="OPENAI_API_KEY",
        description="Without a key the mapping goes by names and sound alone, and says so.",
    )
    openai_base_url: str | None = Field(
        default=None, alias="OPENAI_BASE_URL", description="An OpenAI-compatible server."
    )
    openai_model: str = Field(
        default="gpt-3.5-turbo", alias="OPENAI_MODEL", description="The chat model asked."
    )
    openai_timeout_seconds: float = Field(
        default=60.0,
        gt=0.0,
        alias="OPENAI_TIMEOUT_SECONDS",
        description="Limit of one request, until the last byte of its answer.",
    )
    openai_cue_seconds: float = Field(
        default=600.0,
        gt=0.0,
        alias="OPENAI_CUE_SECONDS",
        description="Limit of all requests about one cue.",
    )
    openai_max_retries: int = Field(
        default=4, ge=0, alias="OPENAI_MAX_RETRIES", description="Retries on 429, 5xx, timeouts."
    )
    openai_ask_again: bool = Field(
        default=False,
        alias="OPENAI_ASK_AGAIN",
        description="Ask again at once where the model's stored answer could not be used.",
    )
    cue_root: Path | None = Field(
        default=None, alias="CUE_ROOT", description="The folder that the sensor watches."
    )
    links_to: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        alias="CUE_LINKS_TO",
        description="Folders outside a library to which links in it may lead, comma-separated.",
    )
    settle_seconds: float = Field(
        default=30.0,
        ge=0.0,
        alias="CUE_SETTLE_SECONDS",
        description="A cue folder younger than this is still being copied, and waits.",
    )
    automate: Literal["never", "cheap", "all"] = Field(
        default="never",
        alias="CUE_AUTOMATE",
        description="What is made again by itself after new code or parameters.",
    )
    sample_rate: int = Field(
        default=48_000,
        ge=1_000,
        le=768_000,
        alias="CUE_SAMPLE_RATE",
        description="Audio is brought to this rate before features, Hz.",
    )
    mel_n_mels: int = Field(
        default=64, ge=1, le=4_096, alias="CUE_MEL_N_MELS", description="Mel bands."
    )
    mel_n_fft: int = Field(
        default=2_048, ge=16, le=1 << 20, alias="CUE_MEL_N_FFT", description="FFT length, samples."
    )
    mel_hop_length: int = Field(
        default=512,
        ge=1,
        le=1 << 20,
        alias="CUE_MEL_HOP_LENGTH",
        description="Samples between frames.",
    )
    mel_profile_names: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("default",),
        alias="CUE_MEL_PROFILES",
        description="Mel spectrograms stored of each signal, comma-separated.",
    )
    features: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("mel",),
        alias="CUE_FEATURES",
        description="Kinds of features made of each sound, comma-separated; mel is always made.",
    )
    wave_sample_rate: int = Field(
        default=16_000,
        ge=1_000,
        le=768_000,
        alias="CUE_WAVE_SAMPLE_RATE",
        description="Of the feature wave: its samples are stored at this rate, Hz.",
    )
    embedding_model: Path | None = Field(
        default=None,
        alias="CUE_EMBEDDING_MODEL",
        description="Of the feature embedding: the ONNX file of an encoder of sound.",
    )
    codec_model: Path | None = Field(
        default=None,
        alias="CUE_CODEC_MODEL",
        description="Of the feature codec: the ONNX file of a codec's encoder.",
    )
    final_mix_patterns: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("6mx",),
        alias="CUE_FINAL_MIX_PATTERNS",
        description="Audio whose name holds one of these is a final mix, comma-separated.",
    )
    ignore_patterns: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("clk", "click"),
        alias="CUE_IGNORE_PATTERNS",
        description="Audio named so is a click track and is left out, comma-separated.",
    )
    interleaved_order: Literal["film", "smpte"] | None = Field(
        default=None,
        alias="CUE_INTERLEAVED_ORDER",
        description="Order of interleaved channels that nothing names; unset: as it sounds.",
    )
    marker_tracks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("notes", "conductor", "orchestrator"),
        alias="CUE_MARKER_TRACKS",
        description="MIDI tracks named so carry no music; their markers are kept.",
    )

    midi_charset: str | None = Field(
        default=None,
        alias="CUE_MIDI_CHARSET",
        description="Character set of MIDI texts that are no UTF-8; unset: guessed file by file.",
    )
    midi_most_events: int = Field(
        default=2_000_000,
        ge=1_000,
        alias="CUE_MIDI_MOST_EVENTS",
        description="MIDI events that are read of a cue; a file with more is refused.",
    )

    project_pattern: str | None = Field(
        default=None,
        alias="CUE_PROJECT_PATTERN",
        description="Regular expression that finds a cue's project in its key; unset: its folder.",
    )
    decided_by: str | None = Field(
        default=None,
        alias="CUE_DECIDED_BY",
        description="Who decides about mappings; unset: the user of the system.",
    )
    review_url: str = Field(
        default="http://127.0.0.1:3001",
        alias="CUE_REVIEW_URL",
        description="Where `cue-pipeline review` is served; Dagster's pages link there.",
    )
    review_cache_gb: float = Field(
        default=2.0,
        ge=0.0,
        alias="CUE_REVIEW_CACHE_GB",
        description="Disk for sound that `cue-pipeline review` has made, GB; 0: none is kept.",
    )

    @field_validator(
        "links_to",
        "mel_profile_names",
        "features",
        "final_mix_patterns",
        "ignore_patterns",
        "marker_tracks",
        mode="before",
    )
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("midi_charset")
    @classmethod
    def _is_a_charset(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            "".encode(value)  # refuses what is no encoding of text, such as rot13
            return codecs.lookup(value).name
        except LookupError as e:
            raise ValueError(
                f"'{value}' is no character set; write cp1251, gb18030, cp949, cp932, mac_roman …"
            ) from e

    @field_validator("project_pattern")
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as e:
            raise ValueError(f"it is no regular expression: {e}") from e
        return value

    @field_validator("openai_base_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s]", value):
            # The value is not repeated: it may hold a user's name and password.
            raise ValueError("it needs to begin with http:// or https:// and a host's name")
        return value

    @field_validator("review_url")
    @classmethod
    def _is_a_page(cls, value: str) -> str:
        if not re.match(r"https?://[^/\s]", value):
            raise ValueError("it needs to begin with http:// or https:// and a host's name")
        return value.rstrip("/")

    @property
    def author(self) -> str:
        """Who decides: ``CUE_DECIDED_BY``, else the user of the system."""
        return self.decided_by or system_user()

    @property
    def mel(self) -> MelSettings:
        """Parameters of the mel spectrograms that the assets store."""
        return MelSettings(
            sr=self.sample_rate,
            n_fft=self.mel_n_fft,
            hop_length=self.mel_hop_length,
            n_mels=self.mel_n_mels,
        )


def system_user() -> str:
    """Return the name of the user of the system, or the number where it has no name."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in many containers
        return f"user {os.getuid()}"


def read_settings(**overrides: Any) -> Settings:
    """Return the settings of this process.

    Parameters
    ----------
    **overrides
        Values that win over the environment, by field name.

    Raises
    ------
    SettingsError
        If a value or ``.env`` cannot be used; names it, and hides what may be a secret.
    """
    try:
        _refuse_unreadable_lines(Path(".env"))
        return Settings(**overrides)
    except UnicodeDecodeError as e:
        raise SettingsError(
            f"'{Path.cwd() / '.env'}' is not UTF-8: byte {e.start + 1} cannot be read. Save it as "
            "UTF-8."
        ) from None  # the exception holds the file's bytes, secrets among them
    except OSError as e:
        raise SettingsError(
            f"'{Path.cwd() / '.env'}' cannot be read: {e.strerror}. Let this user read it, or move "
            "it away."
        ) from e
    except ValidationError as e:
        faults = "; ".join(_told(fault) for fault in e.errors(include_url=False))
        raise SettingsError(
            f"Settings cannot be used: {faults}. Mend them in the environment or in .env "
            "(.env.example lists all, with defaults)."
        ) from None


def _told(fault: ErrorDetails) -> str:
    """Return what is wrong with one setting, and its value unless that may be a secret."""
    name = ".".join(str(part) for part in fault["loc"])
    needed = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if name.startswith(("DATABASE", "OPENAI")):
        return f"{name}: {needed}"
    return f"{name} is {fault['input']!r} and {needed}"


def unknown_settings() -> dict[str, str | None]:
    """Return names that look like settings and are none, each with the closest that is one.

    A misspelt name has no effect, and nothing in the tables would show it.

    Returns
    -------
    dict of str to str or None
        Names that begin with ``CUE_``, in the environment or in ``.env``; others where they are
        almost a setting's; None where nothing is close.
    """
    from dotenv import dotenv_values

    known = {str(field.alias) for field in Settings.model_fields.values()}
    in_file = set(dotenv_values(".env", interpolate=False))
    found = {}
    for name in sorted({*os.environ, *in_file}):
        upper = name.upper()
        if upper in known or upper in _NOT_OURS or upper.startswith(_NOT_SETTINGS):
            continue
        ours = upper.startswith("CUE_")
        # The environment is everyone's, the file is ours.
        likeness = 0.75 if ours else 0.85 if name in in_file else 0.9
        close = get_close_matches(upper, known, n=1, cutoff=likeness)
        if ours or close:
            found[name] = next(iter(close), None)
    return found


def _refuse_unreadable_lines(path: Path) -> None:
    """Refuse a ``.env`` of which a part would be left out in silence.

    Raises
    ------
    SettingsError
        If a line cannot be read, or a quotation mark is not closed on its line; says which,
        never what stands there.
    """
    from dotenv.parser import parse_stream

    if not path.is_file():
        return
    with path.open(encoding="utf-8") as stream:
        for binding in parse_stream(stream):
            several = (binding.value or "").splitlines()[1:]
            no_value = binding.key is not None and binding.value is None
            if binding.error or no_value or any(map(_ASSIGNMENT.match, several)):
                text = binding.original.string
                line = binding.original.line + len(text) - len(text.lstrip("\n"))
                raise SettingsError(
                    f"'{path.absolute()}', line {line} cannot be read: it needs to be NAME=value, "
                    "and a quotation mark to be closed where its value ends. Mend the line, or "
                    "put # before it."
                )
