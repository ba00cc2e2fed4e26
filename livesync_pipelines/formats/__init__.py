"""Bytes in, Markdown out.

Markdown, plain text and source code are read where they are. Everything else can hang, explode or
crash, so it is read in a child process with limits; its parser is imported there and nowhere else.
A child speaks JSON and text, never pickle: what a hostile file does to it stays in it.

A file that cannot be read costs one `ItemFailure` with one of these codes:

    empty          a binary format without a byte; a text file without a byte is an empty text
    encrypted      a password is needed
    too_large      more bytes, characters or cells than the limits allow
    timed_out      not done in time
    out_of_memory  not done in the memory allowed
    malformed      broken, truncated, or nested beyond reason
    crashed        its reader died of it
    unsupported    nothing here reads it, or it holds no text

The way in is `extract.py`; the modules named after formats run in the child.
"""
