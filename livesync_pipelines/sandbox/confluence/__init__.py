"""A pretend Confluence Cloud: REST v2 for reading and writing, REST v1 for CQL and downloads.

Written from what others tell (2026-11-22) of Atlassian's REST v2 and v1 references
(developer.atlassian.com/cloud/confluence/rest) and of their traps. Where that leaves it open, the
harder case is played: a move changes neither version nor date, and a restriction looks like a
deletion (404).
Order: site < errors, shown < paging, door < reading, search < writing < truth, planting < vendor.
"""
