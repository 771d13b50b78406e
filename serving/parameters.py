"""Query parameters: how an address holds them, where there are none, and how days are written in them."""

import re
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from serving.errors import BadParameter

_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _as_written(value: Any) -> Any:
    if isinstance(value, str) and not _WRITTEN.fullmatch(value):  # pydantic would take seconds since 1970 too
        raise ValueError("write a day as 2026-11-01")
    return value


class Asked(BaseModel):
    """What a list or page is asked with, as its address holds it; an empty value is the same as none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        return {name: value for name, value in values.items() if value != ""} if isinstance(values, dict) else values

    def link(self, path: str, **changes: object) -> str:
        """The address of the same at `path`, with some parameters changed (None: left out)."""
        parameters = self.model_dump(exclude_defaults=True) | changes
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        return f"{path}?{query}" if query else path


def or_empty(schema: dict[str, Any]) -> None:
    """Have a parameter's schema take the empty string too, as a form sends what nobody filled in."""
    said = {"title", "description", "examples", "default"}
    kinds = schema.pop("anyOf", None) or [{name: schema.pop(name) for name in list(schema) if name not in said}]
    schema["anyOf"] = [*kinds, {"type": "string", "maxLength": 0}]


Day = Annotated[date, BeforeValidator(_as_written)]


async def no_parameters(request: Request) -> None:
    """Refuse query parameters where there are none."""
    for name in request.query_params:
        raise BadParameter(name, f"there is no parameter {name} here")
