"""Decoding speed of a trained model in sentences and tokens per second.

    python benchmarks/decoding.py --model_dir model --source test_2016_flickr.en.gz

This takes one or two minutes. Loading the model and tracing the search are not timed. Each round
translates all lines with each variant, from text to text. The fastest round is reported together
with the median, because other processes can only slow a round down. If the two differ a lot,
compare the CPU time per sentence instead of the speed.
"""

from time import perf_counter, process_time

import click
from measuring import median, print_json, print_table, use_cores


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@click.option("--model_dir", required=True, type=click.Path(exists=True))
@click.option("--source", required=True, type=click.Path(exists=True))
@click.option("--beam_widths", default="1,5", show_default=True, help="1 for greedy search.")
@click.option("--batch_sizes", default="64", show_default=True)
@click.option("--dtypes", default="float32", show_default=True, help="float32, bfloat16, or both.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--threads", default=2, show_default=True)
def main(model_dir, source, beam_widths, batch_sizes, dtypes, rounds, threads):
    # Before the import of TensorFlow, which counts the available cores.
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
            **summarize(seconds, lines, tokens[dtype, width]),
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
    """Traces the search and returns the number of target tokens, including end tokens."""
    translator(lines)
    translations = translator.stream(lines, with_scores=False, with_attention=False)
    return sum(len(translation.target_tokens) + 1 for translation in translations)


def summarize(times: list[tuple[float, float]], lines: list[str], tokens: int) -> dict:
    """Returns the results of a variant from the wall-clock and CPU seconds of each round."""
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
