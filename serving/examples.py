"""Examples for the API's document, put together from the fields of its shapes."""

from typing import Any

from pydantic import BaseModel


def example(model: type[BaseModel]) -> dict[str, Any]:
    """An example of a shape, put together from its fields' examples."""
    made: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if field.examples:
            made[name] = field.examples[0]
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            made[name] = example(field.annotation)
        elif field.is_required():
            (item,) = field.annotation.__args__  # type: ignore[union-attr]  # list[…]
            made[name] = [example(item)]
        else:
            made[name] = field.default
    return made
