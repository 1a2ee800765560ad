"""What the ORM cannot say: one statement per file, literal table names, `%(name)s` parameters."""

from functools import cache
from importlib.resources import files


@cache
def load(vendor: str, name: str) -> str:
    """Return the text of `sql/<vendor>/<name>.sql`; FileNotFoundError if there is none."""
    return files(__name__).joinpath(vendor, f"{name}.sql").read_text(encoding="utf-8")


@cache
def claim(vendor: str, *, suspects: bool) -> str:
    """Return the claim, of suspects alone or of everything else.

    A literal, not a parameter: only so does a plan made for all parameters use the index of the
    suspects.
    """
    text = load(vendor, "claim")
    return text.replace("rescues = 0", "rescues > 0") if suspects else text
