"""The command line `keras-seq2seq`: one thin module per command.

A command parses its options, calls one function of the package and prints the result. Modules that
are slow to import are imported inside the command's function, so that `--help` stays fast.
"""
