"""A census of Python source files: one job for each file, results in a model, a page to watch it.

`starting` enqueues, `jobs` declares the handlers, `analysis`, `discovery` and `distributions` are
plain Python that knows neither Django nor jobs.
"""
