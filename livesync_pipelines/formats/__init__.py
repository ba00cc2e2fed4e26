"""Bytes in, Markdown out.

Everything that can hang, explode or crash works in a child process with limits.
"""
