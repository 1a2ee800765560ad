"""The mutants that live and of which it is known why: `survivors.toml`."""

import tomllib
from functools import cache
from pathlib import Path

LIST = Path(__file__).parent / "survivors.toml"


@cache
def known_survivors() -> dict[str, str]:
    """Why each survivor lives, by its name."""
    kinds = tomllib.loads(LIST.read_text())["kind"]
    return {name: kind["why"] for kind in kinds for name in kind["mutants"]}
