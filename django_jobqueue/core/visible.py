"""Text from anywhere, made fit to be shown beside text of ours."""

import unicodedata


def visible(text: object) -> str:
    """Return the text with its invisible characters spelled out, so that none can reorder or hide
    what is around it.
    """
    return "".join(_spelled(character) for character in str(text))


def _spelled(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs"):
        return character
    return f"\\u{ord(character):04x}"
