"""Names of methods and data sets become folders that a disk can hold, and lines that a terminal can print."""

import pytest

from groundcxr.core.names import escaped, folder_name, listed, one_line, printable

ENDING = "-0123456789abcdef"


@pytest.mark.parametrize("name", ["ms-cxr", "My_method.v2", "Röntgen", "名前", "a" * 238, "con-1", "v1."])
def test_a_name_that_is_fine_stays_as_it_is(name):
    assert folder_name(name, ENDING) == name + ENDING


@pytest.mark.parametrize(
    "name",
    [
        *("x" * 300, "名" * 100, "名" * 79 + "x" * 5),
        *("", ".", "..", "...", ".hidden", "end.", "end ", " ", "a:b*?"),
        *("a\0b", "a/b\\c", "a\nb\x1b[31m", "\ud800x", "\u202eabc"),
        *("con", "NUL", "com1.txt", "aux."),
    ],
)
@pytest.mark.parametrize("ending", ["", ENDING])
def test_any_name_becomes_one_folder(tmp_path, name, ending):
    folder = folder_name(name, ending)
    (tmp_path / folder).mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [folder]
    assert folder.endswith(ending)
    assert folder[0] != "."
    assert folder[-1] not in ". "
    assert folder.split(".")[0].lower() not in {"con", "nul", "com1", "aux"}
    assert folder.isprintable()


def test_long_names_that_start_alike_stay_apart():
    assert folder_name("x" * 300) != folder_name("x" * 301)


def test_a_name_in_a_message_is_one_short_line():
    assert printable("Röntgen 1") == "Röntgen 1"
    assert printable("a\nb\x1b\ud800\u202e") == r"a\nb\x1b\ud800\u202e"
    assert len(printable("x" * 300)) == 83
    assert one_line(" a \n b\t" + "x" * 300) == "a b " + "x" * 300
    assert escaped("  Röntgen\x1b[0m") == r"  Röntgen\x1b[0m"


def test_names_in_a_message_are_neither_too_long_nor_too_many():
    assert listed(["x", "y"]) == "x, y"
    assert listed(["a\x1b", "b" * 300]) == rf"a\x1b, {'b' * 80}..."
    assert listed([str(number) for number in range(1000)]).endswith(", 28, 29, 970 more")
