"""The special tokens, which have the first four ids of every vocabulary."""

PADDING_ID, UNKNOWN_ID, START_ID, END_ID = 0, 1, 2, 3

SPECIAL_TOKENS = ("<pad>", "<unk>", "<s>", "</s>")

# Tokens that a vocabulary must not contain: the special tokens would get a second id, and the
# others are the special tokens of google/seq2seq.
RESERVED_TOKENS = frozenset(
    (*SPECIAL_TOKENS, "<UNK>", "UNK", "SEQUENCE_START", "SEQUENCE_END"),
)
