"""The store in which this site keeps its jobs."""

from django_jobqueue import conf
from django_jobqueue.store import JobStore, store_for


def site_store() -> JobStore:
    """Return the store of JOBQUEUE['DATABASE'], on this thread's connection."""
    return store_for(conf.current().database)
