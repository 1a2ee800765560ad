"""The results that are kept: one JSON file each."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.children import ROOT

RESULTS = ROOT / "benchmarks" / "results"
#: The figures of one run of one benchmark, as it printed them.
Figures = Mapping[str, Any]
Results = Mapping[str, Figures]


def kept_results(folder: Path = RESULTS) -> dict[str, Figures]:
    """Return what was kept, by name."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}


def keep(name: str, printed: str, *, folder: Path = RESULTS) -> None:
    """Keep what a benchmark printed; ValueError if that is no JSON."""
    figures = json.loads(printed)
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")


def found(results: Results, path: str) -> float | None:
    """Return the number at `result/key/key`, or None where it was not measured."""
    value: Any = results
    for key in path.split("/"):
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return float(value)
