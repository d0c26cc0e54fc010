"""The language of an answer: Japanese unless the request prefers English."""

from typing import Final

LANGUAGES: Final = ("ja", "en")


def preferred(accept_language: str) -> str:
    """``ja`` or ``en``, by the weights of an Accept-Language header (RFC 9110 12.5.4)."""
    weights: dict[str, float] = {}
    for part in accept_language[:500].split(","):
        name, _, rest = part.partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            weights[language] = max(weights.get(language, 0.0), _weight(rest))
    return "en" if weights.get("en", 0.0) > weights.get("ja", 0.0) else "ja"


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
