"""The four ids that every vocabulary starts with, and how they are printed."""

PADDING_ID, UNKNOWN_ID, START_ID, END_ID = 0, 1, 2, 3

SPECIAL_TOKENS = ("<pad>", "<unk>", "<s>", "</s>")

# No vocabulary file may hold these: the first four would get a second id, and the others are what
# google/seq2seq wrote for the same things.
RESERVED_TOKENS = frozenset(
    (*SPECIAL_TOKENS, "<UNK>", "UNK", "SEQUENCE_START", "SEQUENCE_END"),
)
