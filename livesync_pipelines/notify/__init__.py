"""Telling people: what the outbox holds goes to the addresses of a sync's `notify`.

- At least once, never before the commit. A receiver knows a repeated message by its id.
- Words only: a message carries counts and sentences, never content.
- An address is stored as the user wrote it. What its `${NAME}` stand for is known while a message
  is sent, and leaves this room in no error.
"""
