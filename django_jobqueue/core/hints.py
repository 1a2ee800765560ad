"""What somebody may have meant who misspelt a name."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence " Did you mean 'x'?" for the nearest known name, in any case, or ""."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = get_close_matches(name.casefold(), by_folded)
    return f" Did you mean {by_folded[close[0]]!r}?" if close else ""
