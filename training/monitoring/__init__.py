"""Watching a model in use: feeds, drift, matured outcomes, and what to do about what is seen."""
