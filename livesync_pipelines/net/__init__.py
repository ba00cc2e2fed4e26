"""The one way out.

Timeouts, pacing, redirects and private addresses are decided here; nobody else imports httpx.
"""
