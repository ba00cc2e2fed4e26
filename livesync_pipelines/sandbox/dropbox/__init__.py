"""A pretend Dropbox: OAuth 2.0 and the files of API v2, under `/dropbox`.

Where Dropbox has several hosts (www, api, content, notify), the sandbox has one: `/dropbox/oauth2`
and `/dropbox/2`. What people do in the App Console, for which there is no API, is done by a POST to
`/dropbox/console`. Written from dropbox-api-spec (`files.stone`, `auth.stone`, commit 0d994ebe),
https://www.dropbox.com/developers/reference/webhooks and
https://dropbox.tech/developers/using-oauth-2-0-with-offline-access, as others tell it (2026-11-22).

There are no teams, concurrent upload sessions, shared links, Paper documents or media infos.
"""
