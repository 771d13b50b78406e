"""The option that says where local state is, for verbs that need no more of `features.cli`."""

from pathlib import Path
from typing import Annotated

import typer

StateOption = Annotated[Path | None, typer.Option("--state", help="Folder of local state; mlruns by default.")]
