"""Statements that the ORM cannot say: one per file, with literal table names and `%(name)s` parameters."""

from functools import cache
from importlib.resources import files


@cache
def load(vendor: str, name: str) -> str:
    """Return the text of `sql/<vendor>/<name>.sql`; FileNotFoundError where the vendor has no such statement."""
    return files(__name__).joinpath(vendor, f"{name}.sql").read_text(encoding="utf-8")
