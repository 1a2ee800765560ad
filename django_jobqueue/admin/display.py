"""Values as a person reads them. Everything here is escaped by Django, or by `format_html` with a
constant format.
"""

import json
from collections.abc import Mapping
from datetime import timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.visible import visible as visible

HIDDEN = _("hidden")
EMPTY = "-"
LIST_TEXT_LENGTH = 80


def preformatted(text: str) -> SafeString:
    return format_html('<pre class="jobqueue-text">{}</pre>', visible(text))


def pretty_json(value: object) -> SafeString | str:
    """Return JSON indented, with its letters and integers exact; "-" for none."""
    if value is None:
        return EMPTY
    return preformatted(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def short_error(error_type: object, message: object) -> str:
    told = ": ".join(str(part) for part in (error_type, message) if part)
    line = " ".join(visible(told).split())
    return line if len(line) <= LIST_TEXT_LENGTH else f"{line[: LIST_TEXT_LENGTH - 1]}…"


def error_text(error: object) -> SafeString | str:
    """Return a stored error as "type: message" and its other fields beneath."""
    if not isinstance(error, Mapping):
        return pretty_json(error)
    rest = {name: value for name, value in error.items() if name not in ("type", "message")}
    told = ": ".join(str(error[name]) for name in ("type", "message") if error.get(name))
    fields = (
        json.dumps(rest, indent=2, ensure_ascii=False, default=str) if any(rest.values()) else ""
    )
    return preformatted("\n".join(part for part in (told, fields) if part))


def span(value: timedelta | None) -> str:
    """Return a length of time in its two largest units, such as "3 h 5 min"; "-" for none."""
    if value is None:
        return EMPTY
    seconds = value.total_seconds()
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    if abs(seconds) < 60:
        return f"{seconds:.1f} s"
    sign, left = ("-" if seconds < 0 else ""), abs(round(seconds))
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount} {unit}")
    return sign + " ".join(parts[:2])
