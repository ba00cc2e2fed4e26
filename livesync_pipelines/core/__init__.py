"""The thinking: pure functions.

No clock, chance, I/O, logger or environment; time and ids come in as arguments.
"""
