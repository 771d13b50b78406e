"""What can go wrong, grouped by what the reader can do about it.

HealthscoreError            one clear message, and the exit code a script can rely on
 ├── SettingsError          2  a flag, variable or line of healthscore.toml is wrong
 ├── SourceError            3  the company's data can't be read or used
 │    ├── MappingError      3  the mapping file is wrong
 │    └── UnusableData      3  a required table or column is missing, or too much of it is bad
 ├── HistoryError           4  not enough history for what was asked (training.errors builds on it)
 └── UnavailableError       5  a registry, store or port doesn't answer

Codes: 0 done, 1 a defect of ours (please report it), 2 wrong usage, 3 data, 4 history, 5 something is unavailable,
6 another run is at work (serving.errors), 7 a model version failed its floors (training.errors), 8 an alarm holds the
scores back (serving.errors).
"""


class HealthscoreError(Exception):
    """Root of everything this project raises on purpose; `str(error)` says what, where and what to do."""

    exit_code = 1


class SettingsError(HealthscoreError):
    """A setting is unknown, of the wrong type or out of range."""

    exit_code = 2


class SourceError(HealthscoreError):
    """The company's data can't be read or used."""

    exit_code = 3


class MappingError(SourceError):
    """The mapping file is wrong."""


class UnusableData(SourceError):
    """A required table or column is missing, or more of a required table is bad than the limit allows."""


class HistoryError(HealthscoreError):
    """There is not enough history for what was asked."""

    exit_code = 4


class UnavailableError(HealthscoreError):
    """Something outside this process (a registry, a store, a port) doesn't answer."""

    exit_code = 5
