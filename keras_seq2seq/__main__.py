"""The program `keras-seq2seq`, which is also `python -m keras_seq2seq`."""

import signal
import sys


def main():
    """Runs the program.

    Ctrl-C ends it at once, as its default action does, but without the unfinished files. An
    exception could be raised anywhere instead, such as in the middle of the import of TensorFlow,
    where it may be lost or reported as another error. Commands that have something to save, such as
    `train`, handle Ctrl-C themselves at that time.
    """
    # Shells start background jobs with SIGINT ignored.
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)

    # After that, since even this import can be interrupted.
    from keras_seq2seq.cli.main import main as run

    run()


def _end(number, frame):
    # Imported if anything is being written.
    writing = sys.modules.get("keras_seq2seq.files.writing")
    # Another signal ends the program even if its files cannot be removed.
    signal.signal(number, signal.SIG_DFL)
    if hasattr(writing, "remove_unfinished"):
        writing.remove_unfinished()
    signal.raise_signal(number)


if __name__ == "__main__":
    main()
