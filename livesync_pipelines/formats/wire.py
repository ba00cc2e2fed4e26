"""What goes between this process and a child: two lengths, a JSON header, bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

LENGTHS = struct.Struct("!IQ")


def head(header: Mapping[str, object], payload_bytes: int) -> bytes:
    """What is sent before the payload."""
    text = json.dumps(header).encode()
    return LENGTHS.pack(len(text), payload_bytes) + text
