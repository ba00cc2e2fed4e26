"""What must survive a power cut: the only SQL about our own state.

Every function takes the connection it works on, so that the caller decides what one
transaction holds. Nobody outside this room writes SQL.
"""
