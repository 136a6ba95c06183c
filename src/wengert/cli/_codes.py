"""Exit codes, as users of such tools expect them."""

__all__ = ["FAILED", "INTERRUPTED", "OK", "PIPE_CLOSED", "REFUSED"]

OK = 0
#: it went wrong on the way: a difference found, training diverged, the disk is full
FAILED = 1
#: the command line or its input is wrong
REFUSED = 2
#: Ctrl-C: 128 + SIGINT
INTERRUPTED = 130
#: whoever read the output is gone: 128 + SIGPIPE
PIPE_CLOSED = 141
