"""The nouns: frozen dataclasses, Arrow schemas, errors.

This room imports nothing of ours and does nothing.
"""
