"""Query parameters where there are none."""

from fastapi import Request

from serving.errors import BadParameter


async def no_parameters(request: Request) -> None:
    """Refuse query parameters where there are none."""
    for name in request.query_params:
        raise BadParameter(name, f"there is no parameter {name} here")
