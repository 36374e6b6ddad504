from keras_seq2seq.plots.fonts import choose_fonts

# No script has it, and none will.
NONCHARACTER = "\ufdd0"


def test_the_own_font_of_matplotlib_is_enough_for_most():
    assert choose_fonts(["grün", "Москва", "a b"]) == (["DejaVu Sans"], set())


def test_what_no_font_has_is_told():
    families, missing = choose_fonts(["a", f"b{NONCHARACTER}"])
    assert families[0] == "DejaVu Sans"
    assert missing == {NONCHARACTER}
