"""A background job queue for Django that keeps its jobs in the site's own database."""

__version__ = "0.1.0"
