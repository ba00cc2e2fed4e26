"""A pretend Notion: the API of version 2026-03-11, with data sources, under `/notion/v1`.

Search, pages, blocks, databases, data sources, users, OAuth 2.0 and webhooks. What people do in
Notion itself, for which there is no API (sharing a page with the connection, setting up a webhook),
is done by a POST to `/notion/console`. Written from Notion's own types (makenotion/notion-sdk-js
@9060802) and from what others tell (2026-11-22) of developers.notion.com. Where that leaves it
open, the harder case is played: times are whole minutes, a renamed child page leaves its parent's
time alone, and what lies below a trashed page does not say so itself.

There are no comments, file uploads, views, templates or locked pages.
Order: errors < texts < blocks, values < workspace < computed < shown < paging, door < query <
reading, searching, writing < hooks, login < console, planting, truth < vendor.
"""
