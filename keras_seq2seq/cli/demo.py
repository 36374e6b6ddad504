"""`keras-seq2seq demo`"""

import click

from keras_seq2seq.cli.options import DirectoryName


@click.command()
@click.argument("directory", metavar="[DIR]", type=DirectoryName(), default="keras-seq2seq-demo")
def demo(directory: str):
    """Train a small model in a few minutes and show its predictions.

    The model converts English dates to the form 1998-03-03. All files are written to DIR, which
    defaults to keras-seq2seq-demo.
    """
    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq.demo import run_demo

    run_demo(directory)
