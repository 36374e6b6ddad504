"""Sentences and tokens a second that a trained model decodes, after loading.

    python benchmarks/decoding.py --model_dir model --source test_2016_flickr.en.gz

takes a minute or two. The model is loaded and its search traced before the clock starts; then all
lines are translated in each round, text in and text out. Variants take turns. The fastest round
is given beside the median, since others on the machine only slow down; where the two are far
apart, the processor's milliseconds a sentence tell more than the clock's.
"""

from time import perf_counter, process_time

import click
from measuring import median, print_json, print_table, use_cores


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@click.option("--model_dir", required=True, type=click.Path(exists=True))
@click.option("--source", required=True, type=click.Path(exists=True))
@click.option("--beam_widths", default="1,5", show_default=True, help="1 is greedy.")
@click.option("--batch_sizes", default="64", show_default=True)
@click.option("--dtypes", default="float32", show_default=True, help="Or bfloat16, or both.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--threads", default=2, show_default=True)
def main(model_dir, source, beam_widths, batch_sizes, dtypes, rounds, threads):
    # TensorFlow counts the cores that it may use when it is imported.
    use_cores(threads)
    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow(batches_at_once=True)
    from keras_seq2seq.files import read_lines
    from keras_seq2seq.translator import Translator

    lines = list(read_lines(source))
    widths, sizes = (list(map(int, text.split(","))) for text in (beam_widths, batch_sizes))
    translators = {
        (dtype, width): Translator.load(model_dir, dtype=dtype, beam_width=width)
        for dtype in dtypes.split(",")
        for width in widths
    }
    tokens = {key: count_tokens(translator, lines) for key, translator in translators.items()}
    times = {(key, size): [] for key in translators for size in sizes}
    for _ in range(rounds):
        for key, size in times:
            start, cpu_start = perf_counter(), process_time()
            translators[key](lines, size)
            times[key, size].append((perf_counter() - start, process_time() - cpu_start))

    figures = [
        {
            "dtype": dtype,
            "beam_width": width,
            "batch_size": size,
            **summarise(seconds, lines, tokens[dtype, width]),
        }
        for ((dtype, width), size), seconds in times.items()
    ]
    print_table(
        f"Decoding of {len(lines):,} sentences",
        list(figures[0])[:-1],
        [list(row.values())[:-1] for row in figures],
    )
    print_json("decoding", lines=len(lines), figures=figures)


def count_tokens(translator, lines: list[str]) -> int:
    """Returns the tokens of all translations, their ends included, when the search is traced."""
    translator(lines)
    translations = translator.stream(lines, with_scores=False, with_attention=False)
    return sum(len(translation.target_tokens) + 1 for translation in translations)


def summarise(times: list[tuple[float, float]], lines: list[str], tokens: int) -> dict:
    """Returns the figures of a variant, given each round's seconds, and the processor's."""
    seconds = [wall for wall, _ in times]
    return {
        "sentences/s, fastest": len(lines) / min(seconds),
        "sentences/s, median": len(lines) / median(seconds),
        "target tokens/s, fastest": tokens / min(seconds),
        "CPU ms/sentence": 1000 * median(cpu for _, cpu in times) / len(lines),
        "rounds": [round(wall, 3) for wall in seconds],
    }


if __name__ == "__main__":
    main()
