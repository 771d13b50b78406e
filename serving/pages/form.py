"""What a form sends: its fields, once it is known to come from one of our pages."""

from typing import Annotated, TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers

from serving.access.browser import FIELD, FormToken
from serving.errors import BadParameter

_MOST_FIELDS = 100

Given = TypeVar("Given", bound=BaseModel)


async def _sent(request: Request) -> dict[str, str]:
    if Headers(scope=request.scope).get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise BadParameter("body", "the body isn't that of a form")
    try:
        fields = dict(parse_qsl((await request.body()).decode(), max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError as error:
        raise BadParameter("body", "the form can't be read") from error
    FormToken(request).check(fields.pop(FIELD, ""))
    return fields


Sent = Annotated[dict[str, str], Depends(_sent)]
"""The fields of a form that were filled in, by name. Raises Forbidden for a form that isn't ours."""


def read(model: type[Given], fields: dict[str, str]) -> Given:
    """The fields as a value; raises what a wrong body of the API raises."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError([{**wrong, "loc": ("form", *wrong["loc"])} for wrong in error.errors()]) from error
