"""How like each other the names of two columns are."""

from __future__ import annotations

import difflib
import re
import unicodedata

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SAME: dict[str, str] = {
    spelling: word
    for word, spellings in {
        "id": "nr no num number key code",
        "email": "mail emailaddress",
        "phone": "tel telephone mobile cell",
        "address": "addr",
        "street": "str road",
        "zip": "postcode postal plz zipcode",
        "city": "town",
        "country": "nation land",
        "name": "title label",
        "first": "given fore forename",
        "last": "family sur surname",
        "created": "creation inserted added",
        "updated": "modified changed edited update modification",
        "date": "day at time timestamp on",
        "amount": "amt total sum value",
        "quantity": "qty count",
        "description": "desc notes note comment text",
        "company": "organisation organization org firm",
        "status": "state stage",
        "customer": "client cust",
        "birth": "born dob birthday",
        "url": "link website web homepage",
    }.items()
    for spelling in spellings.split()
}


def words(name: str) -> tuple[str, ...]:
    """`customerEMail_addr` as `customer`, `email`, `address`: without accents, and one word for
    what means the same."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    found = [word.lower() for word in _WORDS.findall(plain)]
    joined = " ".join(found).replace("e mail", "email").split()
    return tuple(_SAME.get(word, word) for word in joined)


def likeness(one: str, other: str) -> float:
    """From 0 to 1; 1 for names that differ in their spelling only."""
    mine, theirs = words(one), words(other)
    if mine == theirs:
        return 1.0
    shared = len(set(mine) & set(theirs))
    tokens = 2 * shared / (len(set(mine)) + len(set(theirs))) if mine and theirs else 0.0
    first, second = sorted(("".join(mine), "".join(theirs)))
    letters = difflib.SequenceMatcher(None, first, second).ratio()
    return 0.95 * max(tokens, letters)
