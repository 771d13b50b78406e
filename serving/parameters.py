"""Query parameters where there are none, and days as they are written in a query."""

import re
from datetime import date
from typing import Annotated, Any

from fastapi import Request
from pydantic import BeforeValidator

from serving.errors import BadParameter

_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _as_written(value: Any) -> Any:
    if isinstance(value, str) and not _WRITTEN.fullmatch(value):  # pydantic would take seconds since 1970 too
        raise ValueError("write a day as 2026-11-01")
    return value


Day = Annotated[date, BeforeValidator(_as_written)]


async def no_parameters(request: Request) -> None:
    """Refuse query parameters where there are none."""
    for name in request.query_params:
        raise BadParameter(name, f"there is no parameter {name} here")
