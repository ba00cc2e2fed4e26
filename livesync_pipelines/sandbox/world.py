"""What all pretend vendors share: time, chance, people, faults, limits, and what was called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from livesync_pipelines.sandbox.calls import Calls
from livesync_pipelines.sandbox.clock import Clock, Ids
from livesync_pipelines.sandbox.faults import Faults
from livesync_pipelines.sandbox.limits import Limits

Json: TypeAlias = dict[str, Any]
"""One JSON object, as it comes or goes over HTTP."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account at every vendor; `email` is what they are called by."""

    id: str
    email: str
    name: str


PEOPLE = (
    Person("100000000000000000001", "ada@example.com", "Ada Acacia"),
    Person("100000000000000000002", "ben@example.com", "Ben Birch"),
    Person("100000000000000000003", "cleo@example.com", "Cleo Cedar"),
)


@dataclass(slots=True)
class World:
    """Everything that happens in one sandbox happens in one of these."""

    seed: int = 1
    clock: Clock = field(default_factory=Clock)
    people: tuple[Person, ...] = PEOPLE
    ids: Ids = field(init=False)
    limits: Limits = field(init=False)
    faults: Faults = field(default_factory=Faults)
    calls: Calls = field(default_factory=Calls)

    def __post_init__(self) -> None:
        self.ids = Ids(self.seed)
        self.limits = Limits(self.clock)

    def person(self, email: str) -> Person:
        """Raises LookupError for a stranger."""
        for person in self.people:
            if person.email == email:
                return person
        raise LookupError(f"nobody here is called {email}")
