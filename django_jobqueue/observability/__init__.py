"""Subscribers of events: what turns the facts of this package into log lines."""
