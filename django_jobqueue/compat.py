"""The only file that asks which version of something is installed."""

from importlib.util import find_spec

HAS_PSYCOPG = find_spec("psycopg") is not None
