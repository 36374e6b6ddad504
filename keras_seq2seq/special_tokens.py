"""The four special tokens with which every vocabulary starts, and limits on lengths and sizes."""

PADDING_ID, UNKNOWN_ID, START_ID, END_ID = 0, 1, 2, 3

SPECIAL_TOKENS = ("<pad>", "<unk>", "<s>", "</s>")

# Tokens that vocabulary files must not contain: the special tokens, which would get a second id,
# and google/seq2seq's names for them.
RESERVED_TOKENS = frozenset(
    (*SPECIAL_TOKENS, "<UNK>", "UNK", "SEQUENCE_START", "SEQUENCE_END"),
)

# A translation may have this many tokens more than `max_length_ratio` times its source, so that
# those of the shortest sources are not truncated.
EXTRA_LENGTH = 10

# A vocabulary of this size takes about a gigabyte of memory.
MAX_TOKENS = 5_000_000
