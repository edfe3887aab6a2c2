"""Names to classes, imported when asked for; typos get the closest name."""

import sys
from importlib.metadata import EntryPoint

import pytest

from groundcxr.core import MethodError, Registry, UnknownNameError
from groundcxr.core import registry as module


@pytest.fixture
def registry(tmp_path, monkeypatch):
    package = tmp_path / "a_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("import a_package\na_package.registry.register('one')(type('One', (), {}))\n")
    (package / "broken.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    made = Registry("method", "a_package", {"one": ".one"}, entry_point_group="some.group")
    points = [EntryPoint("plug", "collections:OrderedDict", "some.group"),
              EntryPoint("broken", "a_package.broken:X", "some.group")]  # fmt: skip
    monkeypatch.setattr(module, "entry_points", lambda group: points if group == "some.group" else [])
    import a_package

    a_package.registry = made
    yield made
    for name in [name for name in sys.modules if name.startswith("a_package")]:
        del sys.modules[name]


def test_listing_imports_nothing(registry):
    assert registry.names() == ["broken", "one", "plug"]
    assert "a_package.one" not in sys.modules
    assert registry.get("one").__name__ == "One"
    assert registry.get("plug").__name__ == "OrderedDict"


def test_unknown_name_gets_the_closest(registry):
    with pytest.raises(UnknownNameError, match=r"no method 'Oen'; did you mean 'one'\? `groundcxr list methods`"):
        registry.get("Oen")
    with pytest.raises(UnknownNameError, match="known are broken, one, plug"):
        registry.get("xyz")


def test_broken_plug_in_is_one_sentence(registry):
    with pytest.raises(MethodError, match=r"'broken' of the entry point 'a_package.broken:X' cannot be imported"):
        registry.get("broken")


def test_a_name_is_given_once(registry):
    registry.register("two")(int)
    registry.register("two")(int)
    with pytest.raises(MethodError, match="two methods are named 'two'"):
        registry.register("two")(float)
