"""What pydantic found wrong, in our words: where, what, and what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)

_OUR_WORDS = (
    ("Input should", "This should"),
    ("a valid dictionary", "a mapping of keys"),
    ("a valid ", "a "),
)
_QUOTED = re.compile(r"'([^']*)'")

_EXAMPLES = {"key": "key: [id]", "table": "table: customers", "rows": "rows: contacts.csv"}
_OF_TYPES = {
    "string_type": "Write a text; a number or a yes in quotes.",
    "list_type": "Write a list: [A, B].",
}
"""What is right where a value is of another type, by what pydantic calls that."""

_TOLD = 40
"""So many allowed words a hint has at most."""


class Trouble(NamedTuple):
    """One thing that is wrong below some mapping."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""


def checked(model: type[M], raw: Mapping[str, Any]) -> tuple[M | None, list[Trouble]]:
    """The model, or None and the reasons why not."""
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        return None, [_trouble(model, problem) for problem in error.errors(include_url=False)]


def nearest(word: object, words: Iterable[str]) -> str:
    """A hint with the word that was meant, and those that are allowed, not all of very many."""
    return nearest_of(word, {"Allowed": words})


def nearest_of(word: object, kinds: Mapping[str, Iterable[str]]) -> str:
    """The same of several kinds of words, each under its title."""
    allowed = {title: sorted(words) for title, words in kinds.items()}
    close = difflib.get_close_matches(str(word), chain.from_iterable(allowed.values()), n=1)
    meant = [f"Did you mean {close[0]}?"] if close else []
    return " ".join(meant + [f"{title}: {_some(words)}." for title, words in allowed.items()])


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - _TOLD} more" if len(words) > _TOLD else ""
    return f"{', '.join(words[:_TOLD]) or 'nothing'}{more}"


def key_of(name: str, info: FieldInfo) -> str:
    """The key under which a user writes this field."""
    return info.alias or name


def _trouble(model: type[BaseModel], problem: ErrorDetails) -> Trouble:
    path = problem["loc"]
    match problem["type"]:
        case "extra_forbidden":
            hint = nearest(path[-1], _keys(model, path[:-1]))
            return Trouble(path, f"unknown key {path[-1]!r}", hint)
        case "missing":
            return Trouble(path, f"{path[-1]!r} is missing")
        case "enum" | "literal_error":
            words = _QUOTED.findall(problem.get("ctx", {}).get("expected", ""))
            return Trouble(path, "this value is not allowed", nearest(problem["input"], words))
    said = problem["msg"].removeprefix("Value error, ")
    for theirs, ours in _OUR_WORDS:
        said = said.replace(theirs, ours)
    hint = str(problem.get("ctx", {}).get("hint", "")) or _example(path, problem["type"])
    return Trouble(path, said[:1].lower() + said[1:], hint)


def _example(path: Sequence[str | int], kind: str) -> str:
    """What could stand at a place instead; empty where the message says it all."""
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if key in _EXAMPLES:
        return f"Write {_EXAMPLES[key]}, with your own names."
    return _OF_TYPES.get(kind, "")


def _keys(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that are allowed at a place within the model."""
    here = [model]
    for part in path:
        if isinstance(part, int):
            continue
        fields = [
            {key_of(name, info): info for name, info in one.model_fields.items()} for one in here
        ]
        known = [each[part] for each in fields if part in each]
        here = [one for info in known for one in _models(info.annotation)]
    keys = (key_of(name, info) for one in here for name, info in one.model_fields.items())
    return list(dict.fromkeys(keys))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
