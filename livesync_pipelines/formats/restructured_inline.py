"""Inline markup of reStructuredText: literals, roles, links, substitutions."""

from __future__ import annotations

import re

from .words import words

_INLINE = re.compile(
    r"``(?P<literal>.+?)``"
    r"|:(?P<role>[\w:.+-]+):`(?P<target>[^`]+)`"
    r"|`(?P<words>[^`<]*?)\s*<(?P<address>[^`>]+)>`__?"
    r"|`(?P<phrase>[^`]+)`(?P<reference>__?)?"
    r"|\|(?P<substitution>[^|\s][^|\n]*?)\|_{0,2}"
    r"|(?<![\w`])(?P<simple>\w(?:[\w.-]*\w)?)__?(?!\w)"
    r"|\\(?P<escaped>.)",
    re.DOTALL,
)
_SHORTENED = re.compile(r"^(.*?)\s*<[^>]*>$", re.DOTALL)
_CODE_ROLES = words(
    "class func meth mod attr data const exc obj envvar option program file command keyword "
    "code literal samp kbd manpage c cpp py js variable prop_tgt module prop_sf prop_dir "
    "prop_test"
)


def inline(text: str) -> str:
    if not ("`" in text or "|" in text or "_" in text or "\\" in text):
        return text
    return _INLINE.sub(_markdown, text)


def _markdown(found: re.Match[str]) -> str:
    if found["literal"]:
        return f"`{found['literal']}`"
    if found["target"]:
        return _role(found["role"].rpartition(":")[2].lower(), found["target"])
    if found["address"]:
        return _link(found["words"], found["address"])
    words = found["phrase"] or found["substitution"] or found["simple"]
    return words or found["escaped"].strip()


def _role(role: str, target: str) -> str:
    shortened = _SHORTENED.match(target)
    words = (shortened[1] if shortened and shortened[1] else target).lstrip("~!")
    if role == "math":
        return f"${words}$"
    return f"`{words}`" if role in _CODE_ROLES else words


def _link(words: str, address: str) -> str:
    if address.endswith("_") or not re.match(r"[a-z]+:", address):
        return words or address
    return f"[{words}]({address})" if words else address
