"""`python -m keras_seq2seq.tuning.worker DIR`: a worker that `LocalWorkers` has started."""

import os
import signal
import sys
import threading

from keras_seq2seq.errors import RunError, UserError

_INTERRUPTED = 130


def main():
    """Works for the chief until the search is over."""
    threading.Thread(target=_end_with_chief, daemon=True).start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from keras_seq2seq.tuning.run import work_for_chief
    from keras_seq2seq.tuning.search_plan import SearchPlan

    try:
        work_for_chief(SearchPlan.load(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except (RunError, UserError) as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)


def _end_with_chief():
    # The chief never writes; the file ends when it is gone, whatever ended it.
    # By the system: a thread that reads the file object would hold its lock at the exit.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
