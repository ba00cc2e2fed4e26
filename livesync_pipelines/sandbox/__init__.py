"""Pretend vendors over HTTP, for tests, for newcomers and for whoever doubts a connector.

- A witness: written from the vendors' documents and their official API descriptions, and importing
  nothing of ours. What a connector believes is checked against this; were it made of the same
  code, it would believe the same. The vendors' own SDKs are run against it in the tests.
- One port, a prefix a vendor (`/google`). What belongs to no vendor is under `/sandbox`: faults,
  limits, clock, calls, and `/sandbox/truth/{vendor}`, the state that a sync must arrive at.
- Deterministic: ids, tokens and documents come from a seed, and time stands still unless it is
  told to run or moved ahead.
- All state is in memory and belongs to the one event loop that serves it, so nothing is locked.
- Order: clock < faults, limits, calls, webhooks < world < oauth < vendor < a vendor's own
  package < control < app < serve.
"""
