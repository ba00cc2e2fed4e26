"""Everybody's Dropbox, and what is in it before anybody comes."""

from __future__ import annotations

from hashlib import sha256
from typing import TypeAlias

from livesync_pipelines.sandbox.dropbox.box import Box
from livesync_pipelines.sandbox.world import World

Boxes: TypeAlias = dict[str, Box]
"""By the e-mail of whose it is."""

_IN_A_FOLDER = 25
_PLANTS = """
acorn alder amber aspen bark birch bloom cedar clover daisy elder fern garden hazel iris juniper
kelp larch lichen maple meadow moss nettle oak orchid pine poppy rose sage thyme violet willow
"""
_WORDS = _PLANTS.split()


def empty(world: World) -> Boxes:
    return {person.email: Box(world, person) for person in world.people}


def planted(world: World, documents: int) -> Boxes:
    """The first person has so many Markdown files under `/Handbook`, in folders of 25."""
    boxes = empty(world)
    box = boxes[world.people[0].email]
    for number in range(documents):
        folder = f"/Handbook/Chapter {number // _IN_A_FOLDER + 1}"
        words = _some_words(f"{world.seed}:{number}")
        title = f"{words[0].capitalize()} {number + 1}"
        text = f"# {title}\n\n{' '.join(words).capitalize()}.\n"
        box.write(f"{folder}/{title}.md", text.encode())
    return boxes


def _some_words(about: str) -> list[str]:
    """Thirty-two of them."""
    return [_WORDS[byte % len(_WORDS)] for byte in sha256(about.encode()).digest()]
