"""BLEU, chrF and TER by sacrebleu, with its defaults."""

from sacrebleu.metrics import BLEU, CHRF, TER

from keras_seq2seq.errors import UserError


def make_bleu(tokenize: str = "13a", lowercase: bool = False) -> BLEU:
    """Makes BLEU (Papineni et al., 2002, https://aclanthology.org/P02-1040).

    Args:
        tokenize: One of `TOKENIZERS`.
        lowercase: Whether to compare text in lower case.

    Raises:
        UserError: If the tokenizer needs a library that is not installed.
    """
    try:
        # `force` keeps sacrebleu from warning of tokenised text, at each evaluation of a training.
        return BLEU(tokenize=tokenize, lowercase=lowercase, force=True)
    except RuntimeError:
        extra = tokenize.partition("-")[0]
        raise UserError(
            f"tokenizer {tokenize!r} needs a library: pip install 'sacrebleu[{extra}]'"
        ) from None


def make_chrf(lowercase: bool = False) -> CHRF:
    """Makes chrF2, over characters only (Popovic, 2015, https://aclanthology.org/W15-3049).

    Args:
        lowercase: Whether to compare text in lower case.
    """
    return CHRF(lowercase=lowercase)


def make_ter() -> TER:
    """Makes TER, which ignores case.

    Reference:
        - Snover et al., 2006, https://aclanthology.org/2006.amta-papers.25
    """
    return TER()
