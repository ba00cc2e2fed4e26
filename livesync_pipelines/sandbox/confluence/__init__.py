"""A pretend Confluence Cloud: REST v2 for reading and writing, REST v1 for CQL and downloads.

Written from Atlassian's REST v2 and v1 references (developer.atlassian.com/cloud/confluence/rest)
and what is known of their traps, as others tell it (2026-11-22).
Where the pages leave it open, the harder case is played: a move changes neither version nor date, and a restriction looks like a deletion (404).
Order: site < errors, shown < paging, door < reading, search < writing < truth, planting < vendor.
"""
