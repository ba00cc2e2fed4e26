"""The platforms, one file each. A connector is found here and nowhere else.

A platform's module, with the libraries it needs, is imported when the platform is first used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from livesync_pipelines.connectors.base import Connector

_CLASSES = {
    "folder": "Folder",
    "s3": "S3",
    "website": "Website",
    "rss": "Rss",
}


class _Registry(Mapping[str, type[Connector]]):
    def __getitem__(self, platform: str) -> type[Connector]:
        module = import_module(f"{__name__}.{_CLASSES[platform]}".lower())
        connector: type[Connector] = getattr(module, _CLASSES[platform])
        return connector

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


REGISTRY: Mapping[str, type[Connector]] = _Registry()
"""Every platform by name."""
