"""Sentences and tokens a second that a trained model decodes, after loading.

    python benchmarks/decoding.py --model_dir model --source test_2016_flickr.en.gz

takes a minute or two. The model is loaded and its search traced before the clock starts; then all
lines are translated in each round, text in and text out. Variants take turns, and the fastest
round counts, since others only slow down. On a shared machine the processor's seconds tell more
than the clock's: with two threads, twice the clock's are the most there can be. Two threads, unless
`--threads` says otherwise. A table goes to standard output, and then one line of JSON.
"""

import json
import os
from time import perf_counter, process_time

import click


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@click.option("--model_dir", required=True, type=click.Path(exists=True))
@click.option("--source", required=True, type=click.Path(exists=True))
@click.option("--beam_widths", default="1,5", show_default=True, help="1 is greedy.")
@click.option("--batch_sizes", default="128", show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--threads", default=2, show_default=True)
def main(model_dir, source, beam_widths, batch_sizes, rounds, threads):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    # TensorFlow counts the cores that it may use when it is imported.
    from keras_seq2seq.data import read_lines
    from keras_seq2seq.translator import Translator

    lines = list(read_lines(source))
    translators = {
        int(width): Translator.load(model_dir, beam_width=int(width))
        for width in beam_widths.split(",")
    }
    variants = [
        (width, int(batch_size)) for width in translators for batch_size in batch_sizes.split(",")
    ]
    seconds = {variant: [] for variant in variants}
    tokens = {}
    for width, translator in translators.items():
        tokens[width] = sum(
            len(translation.best.token_scores) for translation in translator.stream(lines, 128)
        )
        translator(lines)
    for _ in range(rounds):
        for width, batch_size in variants:
            start, cpu_start = perf_counter(), process_time()
            translators[width](lines, batch_size)
            took = perf_counter() - start, process_time() - cpu_start
            seconds[width, batch_size].append(took)

    figures = []
    for (width, batch_size), times in seconds.items():
        took = min(wall for wall, _ in times)
        figures.append(
            {
                "beam_width": width,
                "batch_size": batch_size,
                "sentences_per_second": round(len(lines) / took, 1),
                "target_tokens_per_second": round(tokens[width] / took, 1),
                "cpu_milliseconds_per_sentence": round(
                    1000 * min(cpu for _, cpu in times) / len(lines), 3
                ),
                "rounds": [round(wall, 3) for wall, _ in times],
            }
        )
    load = os.getloadavg()[0]
    print_table(figures, len(lines), threads, load)
    print(json.dumps({"lines": len(lines), "threads": threads, "load": load, "figures": figures}))


def print_table(figures, lines, threads, load):
    print(f"{lines:,} sentences, {threads} threads, load {load:.1f}\n")
    print("search     batch  sentences/s  target tokens/s  CPU ms/sentence")
    for row in figures:
        search = "greedy" if row["beam_width"] == 1 else f"beam {row['beam_width']}"
        print(
            f"{search:<9}{row['batch_size']:>7}{row['sentences_per_second']:>13,.0f}"
            f"{row['target_tokens_per_second']:>17,.0f}"
            f"{row['cpu_milliseconds_per_sentence']:>17.2f}"
        )
    print()


if __name__ == "__main__":
    main()
