"""`python -m keras_seq2seq` is `keras-seq2seq`."""

from keras_seq2seq.cli.main import main

if __name__ == "__main__":
    main()
