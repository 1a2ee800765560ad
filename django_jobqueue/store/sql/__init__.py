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


@cache
def pick(vendor: str, *, suspects: bool) -> str:
    """Return the pick that goes before a claim within limits, as `claim` does."""
    text = load(vendor, "pick")
    return text.replace("rescues = 0", "rescues > 0") if suspects else text


@cache
def claim_picked(vendor: str) -> str:
    """Return the claim with the ids that a pick has locked in the place of its own search."""
    _, update, rest = load(vendor, "claim").partition("UPDATE jobqueue_job")
    change, _, rest = rest.partition("\nWHERE ")
    _, returning, columns = rest.partition("\nRETURNING")
    return f"{update}{change}\nWHERE {_PICKED[vendor]}{returning}{columns}"


_PICKED = {
    "postgresql": "job.id = ANY(%(ids)s::bigint[])",
    "sqlite": "id IN (SELECT value FROM json_each(%(ids)s))",
}
