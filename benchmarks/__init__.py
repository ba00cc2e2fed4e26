"""What LiveSync costs beside a plain script that does the same work and nothing else.

    python -m benchmarks content [--documents N ...] [--repeat N] [--peers]
    python -m benchmarks chunking [MEGABYTES]

Ratios hold within one run; seconds only on one machine, on one day. A table goes to stdout,
progress to stderr.
"""
