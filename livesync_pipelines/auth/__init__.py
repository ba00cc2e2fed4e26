"""Who calls is who he says.

- Nothing of a request is believed, and nothing of its body is parsed where the scheme allows it,
  before its proof holds. No secret means no entry.
- Every key is tried and every comparison takes the same time, whichever fits.
- A scheme is data (`Scheme`): how a proof is made, which clock it holds to, what its deliveries are
  called. Order: call < told, certificates < digests, tokens, sns, websub < challenges,
  signatures. Nothing here knows the database, and only `certificates` goes out to the network.
- What a proof holds for is a hint: it says that something may have changed, never what.
"""
