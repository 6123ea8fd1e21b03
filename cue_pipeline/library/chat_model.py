"""The chat model as the settings have it, with the warehouse as its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cue_pipeline.mapping.model.chat import ChatModel
    from cue_pipeline.mapping.model.server import ModelServer
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.store import Store

QUESTION_TABLES: Final = {
    "tempo_map": ["midi_files"],
    "midi_events": ["midi_tracks", "midi_notes"],
    "channel_groups": ["audio_files"],
}
"""What the model's question about a cue is made of: asset → its tables."""


def asking_version(settings: Settings) -> str:
    """Return what stands for the decision, the model and its prompt in a code version."""
    from cue_pipeline.mapping.decision.map_cue import MAPPING_FINGERPRINT
    from cue_pipeline.mapping.model.prompt import PROMPT_FINGERPRINT

    asked = f"{settings.openai_model}+{PROMPT_FINGERPRINT}" if settings.openai_api_key else "names"
    return f"{MAPPING_FINGERPRINT}+{asked}"


def asked_differently(was: str, now: str) -> str:
    """Return in words what makes one of these versions another; a model's name may hold a +."""
    (decided, *before), (decides, *after) = was.split("+"), now.split("+")
    if decided != decides:
        return "this version of cue_pipeline decides differently"
    asked, asks = ("+".join(part[:-1]) or "no model" for part in (before, after))
    if asked == asks:
        return "this version of cue_pipeline asks the model differently"
    return f"{asked} was asked, now {asks} is"


def model_server(settings: Settings) -> ModelServer | None:
    """Return the model's server; None where there is no key, so that none is to be asked."""
    if settings.openai_api_key is None:
        return None
    from cue_pipeline.mapping.model.server import ModelServer

    return ModelServer(
        settings.openai_api_key,
        base_url=settings.openai_base_url,
        timeout_seconds=settings.openai_timeout_seconds,
        cue_seconds=settings.openai_cue_seconds,
        max_retries=settings.openai_max_retries,
    )


def waiting_cues(settings: Settings, store: Store) -> frozenset[str]:
    """Return the cues whose question waits in a batch: ``llm_mappings`` would only fail."""
    if settings.openai_api_key is None:
        return frozenset()
    from cue_pipeline.warehouse.waiting import WaitingRequests

    return WaitingRequests(store.engine).cue_keys(settings.openai_model)


def chat_model(
    settings: Settings, store: Store, server: ModelServer | None = None
) -> ChatModel | None:
    """Return the model that answers from the store what it was asked before; None: no key.

    Parameters
    ----------
    server : ModelServer, optional
        Whom to ask; by default the settings' own.
    """
    server = server or model_server(settings)
    if server is None:
        return None
    from cue_pipeline.mapping.model.chat import ChatModel
    from cue_pipeline.warehouse.waiting import WaitingRequests

    return ChatModel(
        server,
        model=settings.openai_model,
        cache=store.llm_call,
        waiting=WaitingRequests(store.engine).where,
        ask_again=settings.openai_ask_again,
    )
