"""The four special tokens with which every vocabulary starts, and its maximum size."""

PADDING_ID, UNKNOWN_ID, START_ID, END_ID = 0, 1, 2, 3

SPECIAL_TOKENS = ("<pad>", "<unk>", "<s>", "</s>")

# Tokens that vocabulary files must not contain: the special tokens, which would get a second id,
# and google/seq2seq's names for them.
RESERVED_TOKENS = frozenset(
    (*SPECIAL_TOKENS, "<UNK>", "UNK", "SEQUENCE_START", "SEQUENCE_END"),
)

# A vocabulary of this size takes about a gigabyte of memory.
MAX_TOKENS = 5_000_000
