"""Errors between options that are each valid alone."""

from pydantic_core import PydanticCustomError

CONFLICT = "conflicting_options"


def conflict(option: str, message: str) -> PydanticCustomError:
    """Returns the error that a model validator raises for the dotted `option`."""
    return PydanticCustomError(
        CONFLICT, "{option}: {message}", {"option": option, "message": message}
    )
