"""The quick forms once more, for bytes that are not UTF-8."""

from __future__ import annotations

from .charset import decode
from .forms import Form
from .limits import Job, Reading
from .text import quick_text


def read(job: Job) -> Reading:
    form = Form(job.family, job.media_type, job.language)
    text, title = quick_text(decode(job.content, job.charset), form)
    return Reading(text=text, title=title, attributes={})
