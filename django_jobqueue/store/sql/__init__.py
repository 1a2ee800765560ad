"""What the ORM cannot say: one statement per file, literal table names, `%(name)s` parameters."""

from functools import cache
from importlib.resources import files


@cache
def load(vendor: str, name: str) -> str:
    """Return the text of `sql/<vendor>/<name>.sql`; FileNotFoundError if there is none."""
    return files(__name__).joinpath(vendor, f"{name}.sql").read_text(encoding="utf-8")
