"""Tests of the site that use the helpers of the queue: `manage.py test` runs them, or pytest."""
