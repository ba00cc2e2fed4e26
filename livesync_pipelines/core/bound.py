"""How large a share can be, by what a sample of it showed."""

from __future__ import annotations

from math import exp, fsum, lgamma, log, log1p

CONFIDENCE = 0.95


def upper_bound(found: int, of: int, *, confidence: float = CONFIDENCE) -> float | None:
    """The exact one-sided upper bound (Clopper and Pearson, 1934) of a share, from 0 to 1, when
    `found` of `of` random ones had it. None where nothing was looked at.

    It is the share at which so few, or fewer, are found with probability 1 - `confidence`.
    """
    if of == 0:
        return None
    if found >= of:
        return 1.0
    low, high = found / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(found, of, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(found: int, of: int, share: float) -> float:
    """The probability that at most `found` of `of` have what this share has (0 < share < 1)."""
    if share >= 1.0:
        return 0.0
    yes, no = log(share), log1p(-share)
    return fsum(exp(_log_ways(of, n) + n * yes + (of - n) * no) for n in range(found + 1))


def _log_ways(of: int, n: int) -> float:
    return lgamma(of + 1) - lgamma(n + 1) - lgamma(of - n + 1)
