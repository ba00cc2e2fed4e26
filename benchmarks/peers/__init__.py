"""Other products at the same work, each run by a small script in an environment of its own.

They read the same files, cut them with our chunker, keep no full-text index and compute no
embeddings. Otherwise each is used as its documentation shows it.
"""
