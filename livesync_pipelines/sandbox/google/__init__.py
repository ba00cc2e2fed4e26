"""A pretend Google: OAuth 2.0, Drive v3 and Calendar v3, under `/google`.

Where Google has several hosts, the sandbox has paths: `/google/o/oauth2/v2/auth` (accounts),
`/google/token` and `/google/revoke` (oauth2), `/google/drive/v3`, `/google/upload/drive/v3` and
`/google/calendar/v3` (www). Of calendars there are events and lists, no channels.
Written from the discovery documents of Drive v3, revision 20261106, and of Calendar v3, revision
20261030, and the guides under https://developers.google.com/workspace/drive/api/guides and
https://developers.google.com/identity/protocols/oauth2, read 2026-11-22.
"""
