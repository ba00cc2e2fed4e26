"""How sure a germination test is.

Fifty seeds are a small sample: this gives the range in which the true rate lies, with 95 %
confidence (Wilson's interval, which stays sensible near 0 and 100 %).

    python viability.py 38 50      ->  76 % (63 % to 86 %): lend, test again in a year
"""

import sys
from math import sqrt

LEND_FROM = 0.75
Z = 1.96


def interval(germinated: int, sown: int) -> tuple[float, float]:
    """The lower and the upper end of the true germination rate."""
    rate = germinated / sown
    middle = (rate + Z**2 / (2 * sown)) / (1 + Z**2 / sown)
    reach = Z * sqrt(rate * (1 - rate) / sown + (Z / (2 * sown)) ** 2) / (1 + Z**2 / sown)
    return middle - reach, middle + reach


def advice(germinated: int, sown: int) -> str:
    """What the store keeper does with an accession that tested like this."""
    low, _ = interval(germinated, sown)
    if germinated / sown < LEND_FROM:
        return "regenerate"
    return "lend" if low >= LEND_FROM else "lend, test again in a year"


if __name__ == "__main__":
    count, total = int(sys.argv[1]), int(sys.argv[2])
    low, high = interval(count, total)
    said = f"{count / total:.0%} ({low:.0%} to {high:.0%}): {advice(count, total)}"
    sys.stdout.write(f"{said}\n")
