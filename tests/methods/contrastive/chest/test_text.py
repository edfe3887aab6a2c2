"""Which words of a phrase are read, and how much of it."""

import pytest

from groundcxr.core import MethodError
from groundcxr.methods.contrastive.chest.maco import report
from groundcxr.methods.contrastive.chest.words import spoken_words


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("Small LEFT apical pneumothorax.", "small left apical pneumothorax"),
        ("1. Small effusion.2. Left base", "small effusion left base"),
        ("left-sided\npleural effusion, 2 cm", "left sided pleural effusion 2 cm"),
        # Sentences of one word go, as with the authors, unless nothing would be left.
        ("Cardiomegaly. Small effusion.", "small effusion"),
        ("Cardiomegaly", "cardiomegaly"),
        ("Effusion. Edema.", "effusion edema"),
        ("œdème pulmonaire", "dme pulmonaire"),
        ("œ pulmonaire", "pulmonaire"),
    ],
)
def test_words(phrase, words):
    assert " ".join(spoken_words(phrase)) == words


@pytest.mark.parametrize("phrase", ["", " . ", "?!", "肺炎"])
def test_a_phrase_without_words_is_refused(phrase):
    with pytest.raises(MethodError, match="holds no word that the text encoder reads"):
        spoken_words(phrase)


@pytest.mark.parametrize(
    ("phrase", "read"),
    [
        ("Small effusion", "small effusion. "),
        ("Left base. Small effusion. ", "left base. small effusion. "),
        ("Rib. Small effusion.", "small effusion. "),
        ("Rib.", "rib. "),
        ("a ___ year old. , and mass. Mass", "mass. "),
    ],
)
def test_maco_reads_sentences_in_their_order(phrase, read):
    assert report(phrase) == read


def test_maco_refuses_an_empty_phrase():
    with pytest.raises(MethodError, match="the phrase is empty"):
        report(" . ")


@pytest.mark.parametrize(("name", "most"), [("gloria", 95), ("kad", 254), ("maco", 99)])
def test_a_phrase_that_is_cut_off_says_so(name, most, loaded):
    """The longest phrase that is read whole, [CLS] and [SEP] apart, and one word more."""
    word = "t3 " if name == "maco" else "left "
    extra = 1 if name == "maco" else 0  # the fixture's tokenizer leaves [CLS] out
    phrases = [word * (most + extra), word * (most + extra + 1)]
    assert list(loaded(name).truncated(phrases)) == [False, True]


def test_a_one_word_phrase_is_answered(case, loaded):
    answers = loaded("gloria").ground(case("gloria").images()[0], ["Pneumothorax", "pneumothorax."])
    assert (answers[0].heatmap.values == answers[1].heatmap.values).all()
    assert answers[0].heatmap.values.std() > 0
