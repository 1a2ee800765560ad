"""Finding a job among any number: by what an index answers at once, exactly."""

from django.db.models import Model, Q, QuerySet

_BIGINT_DIGITS = 19


def search_jobs(rows: QuerySet[Model], term: str) -> QuerySet[Model]:
    """Return the rows meant by the term: digits are an id, all else a fingerprint or a unique
    key.
    """
    term = term.strip()
    if not term:
        return rows
    if term.isascii() and term.isdecimal():
        return rows.filter(pk=int(term)) if len(term) <= _BIGINT_DIGITS else rows.none()
    return rows.filter(Q(fingerprint=term) | Q(unique_key=term))
