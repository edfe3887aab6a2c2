"""Phrases made of classes."""

import pytest

from groundcxr import load_dataset
from groundcxr.core import DatasetError
from groundcxr.core.definitions import DEFINITIONS, definition_of
from groundcxr.datasets.phrases import DEFAULT, PhraseTemplate


@pytest.mark.parametrize(
    ("template", "phrase"),
    [
        ("class", "Pleural_Thickening"),
        (DEFAULT, "there is Pleural_Thickening"),
        ("the {class} ({class})", "the Pleural_Thickening (Pleural_Thickening)"),
        ("{{definition}} of {class}", "{definition} of Pleural_Thickening"),
    ],
)
def test_the_class_stands_in_the_phrase_as_the_data_set_spells_it(template, phrase):
    assert PhraseTemplate.of(template).fill("Pleural_Thickening") == phrase


def test_a_definition_says_the_class_and_what_it_means():
    meaning = definition_of("Pneumothorax")
    assert meaning
    assert PhraseTemplate.of("definition").fill("Pneumothorax") == f"Pneumothorax means {meaning}"
    assert PhraseTemplate.of("find {definition}.").fill("Pneumothorax") == f"find {meaning}."
    # Another spelling has the same meaning and keeps its name.
    assert PhraseTemplate.of("definition").fill("Effusion") == f"Effusion means {definition_of('Pleural effusion')}"


def test_a_class_without_a_definition_is_refused(manifest):
    manifest.write_text(manifest.read_text().replace("Pneumonia", "Foo"))
    with pytest.raises(
        DatasetError, match=r"needs a definition of the class 'Foo', and there is none; write phrases=class"
    ):
        load_dataset("manifest", manifest, phrases="definition")
    assert {one.phrase for one in load_dataset("manifest", manifest, phrases="{{definition}} {class}")} == {
        "{definition} Edema",
        "{definition} Foo",
    }


def test_definitions_are_a_part_of_the_fingerprint(manifest, monkeypatch):
    found = load_dataset("manifest", manifest, phrases="definition")
    assert found.options == {"phrases": "definition"}
    assert found.fingerprint() != load_dataset("manifest", manifest, phrases="class").fingerprint()
    monkeypatch.setitem(DEFINITIONS, "Edema", "other words")
    assert found.fingerprint() != load_dataset("manifest", manifest, phrases="definition").fingerprint()


@pytest.mark.parametrize("template", ["Definition", "{definition!r}", "{definition:>9}", "{meaning}", ""])
def test_what_is_no_template_is_told(template):
    with pytest.raises(DatasetError, match=r"is no way to make phrases.*'class', 'definition'"):
        PhraseTemplate.of(template)
