from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def thousands(value: int) -> str:
    """Write a whole number with commas, in every language: the pages are English."""
    return f"{value:,}"


@register.filter
def megabytes(value: int) -> str:
    """Write a number of bytes as megabytes, or as kilobytes where it is few."""
    return f"{value / 1e6:,.1f} MB" if value >= 1e6 else f"{value / 1e3:,.1f} kB"


@register.filter
def percent_of(part: int, whole: int) -> str:
    """Write a share; there is none of nothing."""
    return f"{100 * part / whole:.0f} %" if whole else "none"


@register.filter
def breakable(path: str) -> SafeString:
    """Let a long path break after its slashes."""
    parts = path.split("/")
    return format_html_join("/", "<wbr>{}", ((part,) for part in parts))
