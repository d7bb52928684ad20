"""The dead-letter desk: what was parked becomes a row that people can work with.

recording: from a message to its row. selectors: reading. services: replay, discard,
edit. rehearsal: the dry run. replays: what a worker says of a replay. tidying: keeping
dead.letter.queue in step. Everything here is the same from the admin and the shell.
"""
