"""What tokens cost, as far as it is known."""

import re
from typing import Final

# US dollars per million tokens (question, answer), standard tier, OpenAI's list prices as they were
# known in August 2025; nothing checks them, and prices change. An estimate for metadata, never a
# bill: the asset's note says so beside it. A model that is not here has no cost, not a guessed one.
PRICES_AS_OF: Final = "2025-08"
_USD_PER_MILLION: Final[dict[str, tuple[float, float]]] = {
    "gpt-3.5-turbo": (0.50, 1.50),
    "gpt-3.5-turbo-1106": (1.00, 2.00),
    "gpt-3.5-turbo-16k": (3.00, 4.00),
    "gpt-4": (30.00, 60.00),
    "gpt-4-turbo": (10.00, 30.00),
    "gpt-4o": (2.50, 10.00),
    "gpt-4o-2024-05-13": (5.00, 15.00),
    "gpt-4o-mini": (0.15, 0.60),
    "gpt-4.1": (2.00, 8.00),
    "gpt-4.1-mini": (0.40, 1.60),
    "gpt-4.1-nano": (0.10, 0.40),
    "gpt-5": (1.25, 10.00),
    "gpt-5-mini": (0.25, 2.00),
    "gpt-5-nano": (0.05, 0.40),
    "o1": (15.00, 60.00),
    "o3": (2.00, 8.00),
    "o3-mini": (1.10, 4.40),
    "o4-mini": (1.10, 4.40),
}
BATCH_PRICE: Final = 0.5
"""What a question in a batch costs of its price, by OpenAI's guide to the Batch API."""
_SNAPSHOT = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{4})$")


def cost_usd(model: str, prompt_tokens: int, completion_tokens: int) -> float | None:
    """Return what a call cost, in US dollars, or None where the model's price is not known.

    Examples
    --------
    >>> cost_usd("gpt-3.5-turbo", 1_000_000, 0)
    0.5
    >>> cost_usd("some-local-model", 10, 10) is None
    True
    """
    price = _USD_PER_MILLION.get(model) or _USD_PER_MILLION.get(_SNAPSHOT.sub("", model))
    if price is None:
        return None
    return (prompt_tokens * price[0] + completion_tokens * price[1]) / 1_000_000
