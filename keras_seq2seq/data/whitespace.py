"""What counts as a blank between words.

These are the characters that tensorflow-text's `WhitespaceTokenizer` splits at. Python's
`str.split()` splits at four more, the separators U+001C to U+001F, so that counting words with it
would not agree with what the model reads.
"""

# All in a form that both Python's `re` and TensorFlow's RE2 read between brackets.
WIDE_WHITESPACE = "\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
WHITESPACE = f"\t-\r {WIDE_WHITESPACE}"
