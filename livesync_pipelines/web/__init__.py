"""The HTTP door: loopback only, and it does no work. It asks the store, or queues, and answers.

Every endpoint is synchronous and runs in the thread pool; none keeps a connection for longer
than one short question. Errors are DESIGN's error document; pages are HTML without scripts.
"""
