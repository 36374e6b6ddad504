"""Reading files that belong together line by line."""

from keras_seq2seq.errors import UserError


def read_aligned_lines(*paths: str) -> list[list[str]]:
    """Reads text files, plain or .gz, of the same number of lines.

    Args:
        *paths: The files.

    Returns:
        The lines of each file.

    Raises:
        UserError: If a file cannot be read or is empty, or two differ in their number of lines.
    """
    from keras_seq2seq.data import open_text, read_lines

    for path in paths:
        # A missing file shall not be found after others are read.
        open_text(path).close()
    texts = []
    for path in paths:
        texts.append(list(read_lines(path)))
        if not texts[-1]:
            raise UserError(f"{path}: empty file; expected text with one sequence a line")
        if len(texts[-1]) != len(texts[0]):
            raise UserError(
                f"{paths[0]} has {len(texts[0])} lines, but {path} has {len(texts[-1])}; "
                "expected line-aligned files"
            )
    return texts
