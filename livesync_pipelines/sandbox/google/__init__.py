"""A pretend Google: OAuth 2.0 and Drive v3, under `/google`.

Where Google has several hosts, the sandbox has paths: `/google/o/oauth2/v2/auth` (accounts),
`/google/token` and `/google/revoke` (oauth2), `/google/drive/v3` and `/google/upload/drive/v3`
(www). Written from the discovery document of Drive v3, revision 20261106, and the guides under
https://developers.google.com/workspace/drive/api/guides and
https://developers.google.com/identity/protocols/oauth2, read 2026-11-22.
"""
