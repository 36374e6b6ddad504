"""`keras-seq2seq demo`"""

import click


@click.command()
@click.argument("directory", metavar="[DIR]", default="keras-seq2seq-demo")
def demo(directory: str):
    """Train a model on dates in a few minutes and show what it does.

    Everything is kept in DIR, keras-seq2seq-demo if none is given.
    """
    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq.demo import run_demo

    run_demo(directory)
