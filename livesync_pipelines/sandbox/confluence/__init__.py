"""A pretend Confluence Cloud: REST v2 for reading and writing, REST v1 for CQL and downloads.

What people do in the browser is done by a POST to `/confluence/console/...`.
Written from what others tell (2026-11-22) of Atlassian's REST v2 and v1 references
(developer.atlassian.com/cloud/confluence/rest) and of their traps. Where that leaves it open, the
harder case is played: a move changes neither version nor date, a restriction looks like a deletion
(404), and the search may lag behind.
Order: index < site < errors, shown < paging, door, cql < reading, search < writing < truth,
planting < console < vendor.
"""
