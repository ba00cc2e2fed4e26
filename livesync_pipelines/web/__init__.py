"""The HTTP door: loopback only, and it does no work. It asks the store, or queues, and answers.

Every endpoint is synchronous and runs in the thread pool; none keeps a connection for longer
than one short question. Errors are error documents; pages are HTML, and only that of the status
has a script.
"""
