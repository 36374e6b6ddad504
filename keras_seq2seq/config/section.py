"""The base of every group of options, and ways through nested groups."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo


class Section(BaseModel):
    """A group of options: unknown names, loose types, infinities and later changes are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def nested_section(field: FieldInfo | None) -> type[Section] | None:
    """Returns the section that is declared as `field`; None if that is a single option."""
    annotation = field.annotation if field is not None else None
    # Not issubclass: Python 3.10 takes `tuple[int, ...]` for a type, and fails there.
    return annotation if isinstance(annotation, type(Section)) else None


def walk_options(
    section: type[Section], prefix: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Yields the path and the declaration of each option, those of nested sections too."""
    for name, field in section.model_fields.items():
        path = (*prefix, name)
        if nested := nested_section(field):
            yield from walk_options(nested, path)
        else:
            yield path, field


def find_field(section: type[Section], path: Sequence[str]) -> FieldInfo | None:
    """Returns the declaration of what is at `path`, None if there is no such option."""
    *sections, last = path
    for name in sections:
        section = nested_section(section.model_fields.get(name))
        if section is None:
            return None
    return section.model_fields.get(last)
