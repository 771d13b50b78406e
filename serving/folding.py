"""The form texts are sorted and searched by."""

import unicodedata


def fold(words: str) -> str:
    """No case, no accents: `Élan` → `elan`."""
    if words.isascii():
        return words.lower()
    parts = unicodedata.normalize("NFKD", words.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))
