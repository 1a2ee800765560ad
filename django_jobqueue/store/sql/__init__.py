"""What the ORM cannot say: one statement per file, literal table names, `%(name)s` parameters."""

import re
from functools import cache, lru_cache
from importlib.resources import files

#: Asked for once: the first time, more of the standard library is loaded for it.
_FOLDER = files(__name__)


@cache
def load(vendor: str, name: str) -> str:
    """Return the text of `sql/<vendor>/<name>.sql`, without the comment at its head.

    FileNotFoundError if there is none.
    """
    text = _FOLDER.joinpath(vendor, f"{name}.sql").read_text(encoding="utf-8")
    return _HEAD.sub("", text)


@cache
def claim(
    vendor: str, *, suspects: bool, by_stretches: bool = False, up_to_limits: bool = False
) -> str:
    """Return the claim, of suspects alone or of everything else. On PostgreSQL also one that looks
    at given stretches of each queue instead of at all of it, and one that takes what is ahead of
    the first job under a limit.

    A literal, not a parameter: only so does a plan made for all parameters use the index of the
    suspects.
    """
    text = load(vendor, "claim")
    if by_stretches:
        text = _by_stretches(vendor, text)
    if up_to_limits:
        text = _up_to_limits(vendor, text)
    return _of_suspects(text) if suspects else text


@cache
def pick(vendor: str, *, suspects: bool, by_stretches: bool = False) -> str:
    """Return the pick that goes before a claim within limits, as `claim` does."""
    text = load(vendor, "pick")
    if by_stretches:
        text = _by_stretches(vendor, text)
    return _of_suspects(text) if suspects else text


@cache
def ready_queues(vendor: str, *, by_stretches: bool = False) -> str:
    """Return the look for queues that have ready jobs, on PostgreSQL also one that looks at given
    stretches of those it is told of.
    """
    text = load(vendor, "ready_queues")
    return _by_stretches(vendor, text) if by_stretches else text


@lru_cache(maxsize=256)
def insert(vendor: str, columns: tuple[str, ...]) -> str:
    """Return the insertion of any number of jobs; it fills these columns besides its own."""
    parts = {
        "definitions": [f"{column} {_TYPES.get(column, 'text')}" for column in columns],
        "columns": columns,
        "values": [_OUT_OF_ROW[vendor](column) for column in columns],
    }
    text = load(vendor, "insert")
    for mark, items in parts.items():
        text = text.replace(f"/* {mark} */", "".join(f", {item}" for item in items))
    return text


@lru_cache(maxsize=256)
def insert_ready(vendor: str, columns: tuple[str, ...]) -> str:
    """Return the insertion of a job that is ready now; it fills these columns besides its own."""
    text = load(vendor, "insert_ready")
    names = "".join(f", {column}" for column in columns)
    values = "".join(f", %({column})s" for column in columns)
    return text.replace("/* columns */", names).replace("/* values */", values)


def _of_suspects(text: str) -> str:
    return text.replace("rescues = 0", "rescues > 0")


def _by_stretches(vendor: str, text: str) -> str:
    before, probe, after = _PROBE.split(text)
    within = probe.replace("queue = wanted.queue", f"queue = wanted.queue{_WITHIN_STRETCH}")
    return before + load(vendor, "stretches").replace("/* probe */", within) + after


def _up_to_limits(vendor: str, text: str) -> str:
    before, heads, after = _HEADS.split(text)
    for as_it_is, instead in _OF_LIMITS:
        heads = heads.replace(as_it_is, instead)
    return before + load(vendor, "up_to_limits").replace("/* heads */", heads) + after


@cache
def claimed_facts(*, suspects: bool | None = None) -> str:
    """Return what tells, on SQLite, of jobs that are about to be claimed: of the heads of the
    queues, suspects alone or everything else, or of those that a pick has found.
    """
    heads = load("sqlite", "heads")
    ids = "%(ids)s" if suspects is None else f"(\n{heads})"
    text = load("sqlite", "claimed_facts").replace("/* ids */", ids)
    return _of_suspects(text) if suspects else text


@cache
def claim_picked(vendor: str) -> str:
    """Return the claim with the ids that a pick has locked in the place of its own search."""
    _, update, rest = load(vendor, "claim").partition("UPDATE jobqueue_job")
    change, _, rest = rest.partition("\nWHERE ")
    _, returning, columns = rest.partition("\nRETURNING")
    return f"{update}{change}\nWHERE {_PICKED}{returning}{columns}"


_PICKED = "job.id = ANY(%(ids)s::bigint[])"
#: What an option of a new job is read as; the others are text, as is JSON until it is stored.
_TYPES = {
    **dict.fromkeys(("expires_at", "slot"), "timestamptz"),
    **dict.fromkeys(("batch_id", "requeued_from"), "bigint"),
    "priority": "smallint",
    "timeout_seconds": "float8",
    "key_limit": "int",
    "has_next": "boolean",
}
_JSON = ("payload", "backoff", "tags", "meta")
_OUT_OF_ROW = {
    "postgresql": lambda column: f"new.{column}{'::jsonb' if column in _JSON else ''}",
    "sqlite": lambda column: f"json_extract(job, '$.{column}')",
}
#: It is for readers of the file: in logs and in pg_stat_activity it would hide the statement.
_HEAD = re.compile(r"\A(?:--.*\n)+")
#: The look at one queue, between the parentheses of its LATERAL.
_PROBE = re.compile(r"(?<=CROSS JOIN LATERAL \()(.*?)(?=\n *\) AS picked)", re.DOTALL)
#: What a claim claims, between the parentheses of its ARRAY.
_HEADS = re.compile(r"(?<=job.id = ANY\(ARRAY\()(.*?)(?=\n\)\)\nRETURNING)", re.DOTALL)
#: What is looked at to see whether a job is under a limit, instead of leaving those with a key.
_OF_LIMITS = (
    ("SELECT picked.id\n", "SELECT picked.*\n"),
    ("SELECT id\n", "SELECT id, handler, concurrency_key\n"),
    (" AND concurrency_key IS NULL", ""),
)
#: Inclusive bounds of the index's first columns: it is entered at the watermark, not before.
_WITHIN_STRETCH = """
            AND priority <= stretch.highest
            AND priority >= stretch.lowest
            AND (ready_at, id) >= (stretch.since, stretch.first_id)"""
