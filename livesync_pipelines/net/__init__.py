"""The one way out.

Timeouts, retries, pacing, redirects and private addresses are decided here; nobody else imports
httpx. Order: world < address, pace, decode, verdict < transport, url, judging, reading < asking <
client < api, links; fanout stands alone.

- A caller sees an `Answer` or a `LiveSyncError`. What concerns one item only is a `BadAnswer`
  (or a `Refused` address): its `code` and `message` make an `ItemFailure`.
- A message names method, host, path, status and request id; never a query string or userinfo.
- No environment variable is read, proxies and netrc included: a proxy would resolve names for us,
  out of sight of the address check.
"""
