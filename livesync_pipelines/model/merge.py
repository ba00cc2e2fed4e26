"""How two ends that were both edited are brought together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Policy(StrEnum):
    """Which value a field gets when both ends have changed it, and not to the same.

    - `latest_wins`: the later edit, where both ends tell times that can be compared; else the
      source's.
    - `source_wins`, `target_wins`: that end's.
    - `field_merge`: what is inside the value is merged three ways (members of a JSON object, of a
      list, lines of a text); where the same part was edited, the later edit, as above.
    - `union`: of a list, everything that is in either, less what one of them took out.
    - `ask_person`: none; both ends keep theirs until a person has chosen.
    """

    LATEST_WINS = "latest_wins"
    SOURCE_WINS = "source_wins"
    TARGET_WINS = "target_wins"
    FIELD_MERGE = "field_merge"
    UNION = "union"
    ASK_PERSON = "ask_person"


class OnDelete(StrEnum):
    """What becomes of a row that one end deleted and the other edited."""

    EDIT_SURVIVES = "edit_survives"
    DELETE_WINS = "delete_wins"
    ASK_PERSON = "ask_person"


class Side(StrEnum):
    """One of the two ends of a sync: its connection's, or its target's."""

    SOURCE = "source"
    TARGET = "target"

    @property
    def other(self) -> Side:
        return Side.TARGET if self is Side.SOURCE else Side.SOURCE


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePolicy:
    """The policies of one sync. `fields` are target names. A question that nobody has answered
    after `answer_within_s` seconds is settled by `otherwise`; `owner` is who is asked."""

    default: Policy = Policy.LATEST_WINS
    fields: Mapping[str, Policy] = field(default_factory=dict)
    on_delete: OnDelete = OnDelete.EDIT_SURVIVES
    owner: str | None = None
    answer_within_s: float = 259_200.0
    otherwise: Policy = Policy.SOURCE_WINS

    def of(self, name: str) -> Policy:
        """The policy of one field."""
        return self.fields.get(name, self.default)
