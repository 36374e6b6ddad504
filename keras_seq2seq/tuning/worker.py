"""The program of the worker processes that `LocalWorkers` starts.

Its argument is the directory of the search.
"""

import os
import signal
import sys
import threading

from keras_seq2seq.errors import RunError, UserError

_INTERRUPTED = 130


def main():
    """Runs trials for the chief until the search ends."""
    threading.Thread(target=_exit_with_chief, daemon=True).start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from keras_seq2seq.tuning.run import run_worker
    from keras_seq2seq.tuning.search_plan import SearchPlan

    try:
        run_worker(SearchPlan.load(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except (RunError, UserError) as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)


def _exit_with_chief():
    # The chief never writes to this pipe, which closes when the chief exits for any reason.
    # Not `sys.stdin.read`, which would hold the lock of the file object when this process exits.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
