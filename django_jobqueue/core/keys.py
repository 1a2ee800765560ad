"""Fingerprints and unique keys: the same text for the same call, in every process and release."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from hashlib import blake2b

import msgspec

from .errors import InvalidOptions
from .hints import did_you_mean
from .payloads import exact_scalar
from .walks import why_unstorable

MAX_LABEL_LENGTH = 255

_encode_sorted = msgspec.json.Encoder(order="deterministic", enc_hook=exact_scalar).encode


def fingerprint_of(handler: str, arguments: Mapping[str, object]) -> str:
    """Return a hash of a handler and its arguments, 32 hexadecimal digits.

    `arguments` is what `ArgumentSpec.bind` returned and `dump_payload` took. The order of keywords
    makes no difference.
    """
    digest = _digest_of(handler).copy()
    digest.update(_encode_sorted(arguments))
    return digest.hexdigest()


@lru_cache(maxsize=1_024)
def _digest_of(handler: str) -> blake2b:
    return blake2b(handler.encode() + b"\x00", digest_size=16)


def unique_key_of(
    handler: str,
    *,
    fingerprint: str,
    named: Mapping[str, object],
    parameters: Collection[str] | None = None,
    unique: bool = False,
    unique_by: Collection[str] = (),
    unique_key: str | None = None,
) -> str | None:
    """Return the unique key that a job's options ask for, or None.

    `named` holds the call's arguments by name, of which `unique_by` picks; one that was left to
    its default counts as not given. `parameters` are the names that exist, None if any does.
    Raises InvalidOptions for an unknown name, two ways at once, or a text that is no key.
    """
    ways = {"unique": unique, "unique_by": unique_by, "unique_key": unique_key is not None}
    asked = [option for option, value in ways.items() if value]
    if len(asked) > 1:
        raise InvalidOptions(asked[0], f"and {asked[1]} are two ways to say it. Give one of them.")
    if unique_key is not None:
        return checked_label("unique_key", unique_key)
    if unique_by:
        return _key_by(handler, unique_by, named=named, parameters=parameters)
    return fingerprint if unique else None


def checked_label(option: str, text: object) -> str:
    """Return a caller's own fingerprint or key, or raise InvalidOptions if it cannot be stored."""
    if not isinstance(text, str) or not text:
        raise InvalidOptions(option, f"must be text of one character or more, not {text!r}")
    if len(text) > MAX_LABEL_LENGTH:
        raise InvalidOptions(
            option,
            f"is {len(text):,} characters long, {MAX_LABEL_LENGTH} are allowed. Hash what it is "
            f"made of, or let unique_by name the arguments: {text[:40]!a}…",
        )
    if (why := why_unstorable(text)) is not None:
        raise InvalidOptions(option, f"{why}: {text[:40]!a}")
    return str.__str__(text)


def _key_by(
    handler: str,
    unique_by: Collection[str],
    *,
    named: Mapping[str, object],
    parameters: Collection[str] | None,
) -> str:
    if isinstance(unique_by, str):
        raise InvalidOptions("unique_by", f"must be a tuple of names: ({unique_by!r},)")
    for name in unique_by:
        if parameters is not None and name not in parameters:
            raise InvalidOptions(
                "unique_by",
                f"names {name!r}, which is no parameter of {handler}."
                f"{did_you_mean(name, parameters)}",
            )
    picked = {name: named[name] for name in unique_by if name in named}
    return fingerprint_of(handler, {"unique_by": picked})
