"""Hands for the core: one run of one sync, what starts it, and what it leaves behind."""
