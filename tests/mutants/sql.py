"""Mutants of the SQL files, by their text: a parser of both dialects would be another project."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from .mutant import Mutant

Edit = tuple[int, int, str]

COMPARISONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "<>": "=", "=": "<>"}
REPLACED = {
    r"\bIS NULL\b": "IS NOT NULL",
    r"\bIS NOT NULL\b": "IS NULL",
    r"\bNOT EXISTS\b": "EXISTS",
    r"(?<!NOT )\bEXISTS\b": "NOT EXISTS",
    r"\bNOT IN\b": "IN",
    r"\bDISTINCT\b": "",
    r"\bDESC\b": "",
    r"\bSKIP LOCKED\b": "",
    r"\bFOR (?:UPDATE|KEY SHARE)(?: OF \w+)?(?: SKIP LOCKED| NOWAIT)?": "",
    r"\bFOR KEY SHARE\b": "FOR SHARE",
    r"\bWHEN\b": "WHEN NOT",
    r"\bGREATEST\b": "LEAST",
    r"\bLEAST\b": "GREATEST",
    r"(?i)\bmax(?=\()": "min",
    r"(?i)\bmin(?=\()": "max",
    r" \+ ": " - ",
    r" - ": " + ",
    r"\bclock_timestamp\(\)": "transaction_timestamp()",
    r"\btransaction_timestamp\(\)": "clock_timestamp()",
    r"\bDO NOTHING\b.*": "",
}
#: What ends a condition, a list or a clause at its own depth of parentheses.
END = (
    r"\b(?:AND|OR|WHERE|ORDER BY|GROUP BY|LIMIT|RETURNING|FOR UPDATE|FOR KEY SHARE|ON|THEN|ELSE|END"
    r"|FROM|JOIN|CROSS JOIN|LEFT JOIN|UNION|SET|HAVING|WHEN|SELECT|VALUES|DO)\b|;"
)


def sql_mutants(text: str, *, file: str) -> Iterator[Mutant]:
    lines = text.splitlines()
    for index, (start, end, new) in enumerate(_edits(text)):
        line = text.count("\n", 0, start)
        yield Mutant(
            file=file,
            index=index,
            text=lines[line].strip()[:90],
            change=f"{_flat(text[start:end])} → {_flat(new) or 'nothing'}",
            source=text,
            line=line + 1,
            last_line=line + 1,
        )


def mutated_text(text: str, *, index: int) -> str:
    start, end, new = _edits(text)[index]
    return text[:start] + new + text[end:]


def _flat(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 90 else f"{flat[:90]}…"


def _edits(text: str) -> list[Edit]:
    code = _Code(text)
    found = {*code.words(), *code.comparisons(), *code.conditions(), *code.lists(), *code.calls()}
    return sorted(
        edit for edit in found if _flat(text[edit[0] : edit[1]]).upper() != _flat(edit[2]).upper()
    )


class _Code:
    """The text without its comments, every character in its place, and how deep it lies."""

    def __init__(self, text: str) -> None:
        self.code = re.sub(r"--[^\n]*", lambda comment: " " * len(comment[0]), text)
        #: Without what is quoted, so that no word of it is taken for one of the language.
        self.bare = re.sub(r"'[^']*'", lambda quoted: "'" * len(quoted[0]), self.code)
        self.depths: list[int] = []
        depth = 0
        for character in self.bare:
            depth -= character == ")"
            self.depths.append(depth)
            depth += character == "("
        self.depths.append(depth)

    def words(self) -> Iterator[Edit]:
        for pattern, new in REPLACED.items():
            for found in re.finditer(pattern, self.bare):
                yield found.start(), found.end(), new
        # Not that of `EXISTS (SELECT 1`, of which nobody reads it.
        for found in re.finditer(r"(?<!SELECT )(?<![\w.%'(\[])\d+(?![\w.'])", self.bare):
            yield found.start(), found.end(), str(int(found[0]) + 1)
        for found in re.finditer(r"'(\w+)'", self.code):
            yield found.start(), found.end(), f"'not_{found[1]}'"

    def comparisons(self) -> Iterator[Edit]:
        assigned = {start for start, _ in self._assignments()}
        for found in re.finditer(r"(?<![<>=!:\-@])(<=|>=|<>|<|>|=)(?![=>@])", self.bare):
            before = self.bare.rfind("\n", 0, found.start())
            item = max((start for start in assigned if start < found.start()), default=before)
            if "=" in self.bare[item : found.start()] or item not in assigned:
                yield found.start(), found.end(), COMPARISONS[found[0]]

    def conditions(self) -> Iterator[Edit]:
        """A term of a condition left out."""
        between = False
        for found in re.finditer(r"\b(WHERE|AND|OR|ON|BETWEEN|HAVING)\b", self.bare):
            word, start, end = found[0], found.start(), found.end()
            if word == "BETWEEN" or (word == "AND" and between):
                between = word == "BETWEEN"
                continue
            stop = self._end(end)
            if word == "ON" and self.bare[end:].lstrip().startswith(("CONFLICT", "(", "DELETE")):
                continue
            if word in ("AND", "OR"):
                yield start, stop, " "
                yield start, end, "OR" if word == "AND" else "AND"
            else:
                yield end, stop, " TRUE "
        for found in re.finditer(r"\b(ORDER BY|LIMIT)\b", self.bare):
            yield found.start(), self._end(found.end()), " "

    def lists(self) -> Iterator[Edit]:
        """An assignment left out, a column of an insert forgotten, a lesser key of an order."""
        for start, end in self._assignments():
            yield start, end, " "
        for found in re.finditer(r"\bSELECT\b", self.bare):
            if self.bare[: found.start()].rstrip().endswith(")") and "INSERT" in self.bare:
                for start, end in self._items(found.end()):
                    yield start, end, " NULL "
        for found in re.finditer(r"\bORDER BY\b", self.bare):
            for first, second in pairwise(self._items(found.end())):
                yield first[1], second[1], " "

    def calls(self) -> Iterator[Edit]:
        """The first of several values, whatever it is."""
        for found in re.finditer(r"\b(COALESCE|NULLIF)\(", self.bare):
            items = list(self._items(found.end()))
            closing = items[-1][1] + 1
            for start, end in items if found[1] == "COALESCE" else items[:1]:
                yield found.start(), closing, f"({self.code[start:end].strip()})"

    def _assignments(self) -> Iterator[tuple[int, int]]:
        for found in re.finditer(r"\bSET\b", self.bare):
            items = list(self._items(found.end()))
            for position, (start, end) in enumerate(items):
                if len(items) == 1:
                    continue
                # With its comma: the one before it, or after the first.
                yield (start, items[1][0]) if position == 0 else (start - 1, end)

    def _items(self, start: int) -> Sequence[tuple[int, int]]:
        stop = self._end(start, within=r"\b(?:FROM|WHERE|RETURNING|LIMIT|FOR UPDATE)\b|;")
        commas = [
            place
            for place in range(start, stop)
            if self.bare[place] == "," and self.depths[place] == self.depths[start]
        ]
        return list(zip([start, *(comma + 1 for comma in commas)], [*commas, stop], strict=True))

    def _end(self, start: int, *, within: str = END) -> int:
        """Where what begins at `start` ends: a word that ends it, or its closing parenthesis."""
        depth, skipped = self.depths[start], 0
        for found in re.finditer(rf"{within}|\bBETWEEN\b|\bCASE\b|[()]", self.bare[start:]):
            place = start + found.start()
            if found[0] == ")" and self.depths[place] < depth:
                return place
            if self.depths[place] != depth or found[0] in "()":
                continue
            if found[0] in ("BETWEEN", "CASE"):
                skipped += 1 if found[0] == "BETWEEN" else 0
                continue
            if found[0] == "AND" and skipped:
                skipped -= 1
                continue
            return place
        return len(self.bare)
