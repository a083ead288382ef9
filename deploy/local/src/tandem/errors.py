"""What keeps Tandem from running on this machine, in words for the person who started it.

The command line prints the sentence alone and ends with status 1; nothing here is for programs.
"""


class NotRunnable(Exception):
    """Tandem cannot run here as asked; the text says why and what to do about it."""
