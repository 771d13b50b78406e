"""Every verb of `healthscore`, made of each package's."""

import typer

import features.book.cli
import features.cli
import features.signals_cli
import serving.access.cli
import serving.cli
import serving.compare_cli
import serving.demo
import serving.effects_cli
import serving.job_cli
import serving.monitor_cli
import training.cli
import training.effects
import training.promotion_cli

app = typer.Typer(
    name="healthscore",
    help="Customer health and churn-risk scores from what a company already knows about its accounts.",
    epilog="Exit codes: 0 done, 1 a defect of ours, 2 wrong usage or settings, 3 the data can't be used, "
    "4 not enough history, 5 a registry, store or port is unavailable, 6 another run is at work, "
    "7 a model version failed its floors, 8 an alarm holds the scores back.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for verbs in (
    features.cli.app,
    features.signals_cli.app,
    features.book.cli.app,
    training.cli.app,
    training.promotion_cli.app,
    serving.cli.app,
    serving.job_cli.app,
    serving.monitor_cli.app,
    serving.compare_cli.app,
    serving.access.cli.app,
    serving.effects_cli.verbs(training.effects.measure),
    serving.demo.app,
):
    app.add_typer(verbs)
