"""The Dagster door, the only room that imports dagster.

One multi-asset per platform, six keys in a chain, one dynamic partition per sync. A door holds
no rules: what a run does is in `engine`.
"""
