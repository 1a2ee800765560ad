"""May this job run now? Permits are taken in one order, all or none, and given back in reverse."""
