"""Small files are put together, beside others who read, write and do the same."""

import numpy as np
import pytest

from groundcxr import Grounding, Heatmap
from groundcxr.evaluation.grounding_notes import Made, Way
from groundcxr.evaluation.store import PredictionStore, compaction
from groundcxr.evaluation.store import index as looking
from groundcxr.evaluation.store.housekeeping import verified

HASHES = [f"{number:064x}" for number in range(70)]
WAY = Way(device="cpu", batch_size=4, packages={}, git=None)


def grounding(value):
    return Grounding(Heatmap.whole(np.full((2, 2), value), (4, 4)))


@pytest.fixture
def store(tmp_path):
    return PredictionStore(tmp_path, "mine", "f" * 64, {"name": "mine"})


def again(store):
    return PredictionStore(store.folder.parent, "mine", "f" * 64, {"name": "mine"})


def files(store):
    return sorted(store.folder.glob("batches/*"))


def values(store):
    return [store.read(sha)["k"].heatmap.values[0, 0] for sha in HASHES]


def fill(store, hashes=HASHES):
    for sha in hashes:
        store.add({sha: {"k": grounding(int(sha, 16))}}, Made(WAY, {}, int(sha, 16)))


def test_a_run_puts_its_own_files_together_and_nothing_changes(store, tmp_path):
    together = PredictionStore(tmp_path / "once", "mine", "f" * 64, {})
    together.add({sha: {"k": grounding(int(sha, 16))} for sha in HASHES})
    fill(store)
    assert len(files(store)) == 70 % 32 + 70 // 32
    assert list(store.members()) == list(again(store).members()) == list(together.members())
    assert values(store) == values(again(store)) == list(range(70))
    assert list(again(store).notes.seconds().values()) == list(range(70))


def test_what_many_runs_have_left_is_put_together_when_one_has_ended(store):
    for sha in HASHES:
        fill(again(store), [sha])
    assert len(files(store)) == 70
    store.compact()
    assert len(files(store)) == 70 % 32 + 70 // 32
    assert values(store) == list(range(70))


def test_a_reader_whose_files_vanish_looks_again(store):
    for sha in HASHES:
        fill(again(store), [sha])
    reader = again(store)
    assert reader.read(HASHES[0])
    # The reader knows the files and does not look at the folder again by itself.
    reader._index.refresh = lambda forced=False: looking.Index.refresh(reader._index, forced=True) if forced else None
    store.compact()
    assert values(reader) == list(range(70))


def test_a_listing_that_misses_a_file_and_those_it_replaces_is_not_believed(store, monkeypatch):
    """As the system may list a folder while it changes."""
    for sha in HASHES[:40]:
        fill(again(store), [sha])
    reader, real = again(store), looking.os.listdir
    torn = []

    def listdir(folder):
        if not torn and str(folder).endswith("batches"):
            torn.append(1)
            before = set(real(folder))
            store.compact()
            return sorted(before & set(real(folder)))
        return real(folder)

    monkeypatch.setattr(looking.os, "listdir", listdir)
    known = [reader.known(sha) for sha in HASHES[:40]]
    assert known == [{"k": True}] * 40


def test_two_who_put_the_same_files_together_at_once_lose_nothing(store, monkeypatch):
    for sha in HASHES:
        fill(again(store), [sha])
    real, met = compaction.write_atomically, []

    def write(*arguments, **options):
        met.append(1)
        if len(met) == 2:
            again(store).compact()
        real(*arguments, **options)

    monkeypatch.setattr(compaction, "write_atomically", write)
    store.compact()
    assert values(again(store)) == list(range(70))
    assert verified(store.folder) == []
    assert len(files(store)) < 40


def test_what_was_overwritten_and_what_failed_is_left_out(store):
    for number in range(16):
        store.add({HASHES[0]: {"k": grounding(number)}}, replace=True)
        fill(store, [HASHES[number + 1]])
    assert len(files(store)) == 1
    assert len(list(store.members())) == 17
    assert store.read(HASHES[0])["k"].heatmap.values[0, 0] == 15
    assert again(store).read(HASHES[0])["k"].heatmap.values[0, 0] == 15


def test_a_damaged_file_is_not_put_together_with_others(store):
    for sha in HASHES[:32]:
        fill(again(store), [sha])
    damaged = files(store)[7]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    again(store).compact()
    assert damaged in files(store)
    assert len(files(store)) == 32
    (said,) = verified(store.folder)
    assert damaged.name in said


def test_what_is_damaged_and_was_not_needed_goes_when_a_run_has_ended(store):
    fill(store, HASHES[:3])
    whole = list(store.members())
    longer = files(store)[1]
    longer.write_bytes(longer.read_bytes() + b"more")
    (longer.parent / "foreign.batch").write_bytes(b"no predictions")
    assert len(verified(store.folder)) == 2
    reader = again(store)
    assert reader.known(HASHES[0]) == {"k": True}
    reader.compact()
    assert verified(store.folder) == []
    assert list(again(store).members()) == whole


def test_large_files_stay_as_they_are(store, monkeypatch):
    monkeypatch.setattr(compaction, "_LARGE", 100)
    fill(store, HASHES[:64])
    assert len(files(store)) == 64
