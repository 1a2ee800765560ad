"""Garbage collection in a process that has loaded a site, and now works for long."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loaded_for_good() -> Iterator[None]:
    """Leave what there is now, modules, models, handlers, out of garbage collections.

    Each full one would look at all of it, 70,000 objects of a small site, and hold up every thread
    for 50 ms. Garbage among it stays until the block is left.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
