"""The program `keras-seq2seq`: one thin module for each command.

A command parses, calls one function of the package and prints. What takes time to import is
imported inside the command's function, so that `--help` answers at once.
"""
