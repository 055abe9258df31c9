"""What a function must be to become a method, and how others add theirs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Literal

import pytest

import napari_latentattr
from napari_latentattr import Attribution, Bounds, ImageStack, LatentModel, MapRef, register
from napari_latentattr.core.errors import InputError
from napari_latentattr.methods import _registry
from napari_latentattr.methods._parameters import Parameter, parameters_of


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    """A registry of its own for each test, with the built-in methods in it."""
    _registry.methods()
    monkeypatch.setattr(_registry, "_registered", dict(_registry._registered))
    _registry._load_entry_points.cache_clear()
    yield
    monkeypatch.undo()
    _registry._load_entry_points.cache_clear()


def shade(
    model: LatentModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: object = None,
    patch_width: Annotated[float, Bounds(1, 64, "mm", step=0.5)] = 8.0,
    rounds: Annotated[int, Bounds(1, 9)] = 3,
    fill: Literal["mean", "zero"] = "mean",
    blurred: bool = False,
    seed: int = 0,
) -> Attribution:
    """Shade one place after the other,
    and look.

    More words that are no help.

    Parameters
    ----------
    patch_width : float
        Width of the place.
    rounds, fill : int, str
        Shared words
        on two lines.
    blurred : bool
        Blur it first.

    Returns
    -------
    fill : this is no description
        Of a parameter.
    """
    raise NotImplementedError


def with_parameter(annotation: object, default: object, *, doc: str = "x : it\n        Words."):
    """A function with one parameter x."""

    def method(model, stack, target, *, x=default):
        raise NotImplementedError

    method.__annotations__["x"] = annotation
    method.__doc__ = f"Help.\n\n    Parameters\n    ----------\n    {doc}\n    "
    return method


def add(function, key="mine", **options):
    return register(key, title="T", source="S", **options)(function)


def test_a_method_is_read_from_its_signature_and_docstring() -> None:
    add(shade, claims={"symmetric"})
    found = napari_latentattr.methods()["mine"]
    assert found.function is shade
    assert found.help == "Shade one place after the other, and look."
    assert found.context == {"cohort", "seed"}
    assert found.claims == {"symmetric"}
    width, rounds, fill, blurred = found.parameters
    assert width == Parameter(
        "patch_width",
        "Patch width",
        8.0,
        "number",
        Bounds(1, 64, "mm", 0.5),
        (),
        "Width of the place.",
    )
    assert (rounds.kind, rounds.help) == ("integer", "Shared words on two lines.")
    assert (fill.kind, fill.choices, fill.help) == (
        "choice",
        ("mean", "zero"),
        "Shared words on two lines.",
    )
    assert (blurred.kind, blurred.default, blurred.bounds) == ("flag", False, None)


@pytest.mark.parametrize(
    ("hint", "default", "text", "value"),
    [
        (Annotated[int, Bounds(1, 9)], 3, "4", 4),
        (Annotated[float, Bounds(0, 9)], 3.0, "4", 4.0),
        (Annotated[float, Bounds(0, 9)], 3.0, "1e-1", 0.1),
        (bool, False, "True", True),
        (bool, True, "false", False),
        (Literal["mean", "zero"], "mean", "zero", "zero"),
    ],
)
def test_a_value_that_was_typed_is_read_as_the_kind_of_the_parameter(hint, default, text, value):
    (parameter,) = parameters_of(with_parameter(hint, default))
    assert parameter.read(text) == value
    assert type(parameter.read(text)) is type(value)


@pytest.mark.parametrize(
    ("hint", "default", "text", "words"),
    [
        (Annotated[int, Bounds(1, 9)], 3, "4.0", "whole number from 1 to 9, got '4.0'"),
        (Annotated[int, Bounds(1, 9)], 3, "10", "whole number from 1 to 9, got 10"),
        (Annotated[float, Bounds(0, 9)], 3.0, "nan", "a number from 0 to 9, got nan"),
        (bool, False, "1", "true or false, got '1'"),
        (Literal["mean", "zero"], "mean", "men", "did you mean 'mean'"),
    ],
)
def test_a_typed_value_of_another_kind_is_refused(hint, default, text, words):
    (parameter,) = parameters_of(with_parameter(hint, default))
    with pytest.raises(InputError, match=words):
        parameter.read(text)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (with_parameter(float, 1.0), "parameter x: give it Bounds"),
        (with_parameter(int, 1), "parameter x: give it Bounds"),
        (with_parameter(bool, True, doc="y : it\n        Words."), "x: describe it under Param"),
        (with_parameter(bool, True, doc="x : it"), "x: describe it under Parameters"),
        (with_parameter(Annotated[int, Bounds(1, 5)], 6), "default does not fit: x must be a wh"),
        (with_parameter(Literal["a", "b"], "c"), "default does not fit: x must be 'a' or 'b'"),
        (with_parameter(bool, None), "default does not fit: x must be true or false, got None"),
        (with_parameter(float | None, None), "use float, int, bool or Literal"),
        (with_parameter("Nowhere", 1), "import what its annotations name: name 'Nowhere'"),
        (lambda model, stack: None, "must take model, stack, target first"),
        (lambda model, stack, target, x: None, "x: make it keyword-only with a default"),
    ],
)
def test_a_function_that_no_form_can_be_made_of_is_refused(function, words) -> None:
    with pytest.raises(ValueError, match=words):
        add(function)
    assert "mine" not in napari_latentattr.methods()


def test_more_than_six_parameters_are_refused() -> None:
    names = "abcdefg"
    code = f"def many(model, stack, target, *, {', '.join(f'{n}=True' for n in names)}): ..."
    scope: dict[str, object] = {}
    exec(code, scope)
    with pytest.raises(ValueError, match="method many has 7 parameters; at most 6 fit a form"):
        parameters_of(scope["many"])


def test_a_key_is_taken_once_also_before_the_built_in_methods_were_loaded() -> None:
    with pytest.raises(ValueError, match="there is a method swaps already"):
        add(shade, key="swaps")
    code = (
        "from typing import Annotated\nfrom napari_latentattr import register\n"
        "def mine(model, stack, target):\n    'Help.'\n"
        "try:\n    register('swaps', title='T', source='S')(mine)\n"
        "except ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "there is a method swaps already; choose another key\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key": "two words"}, "a key is an identifier"),
        ({"claims": {"beautiful"}}, r"claims are complete, .* got \['beautiful'\]"),
        ({"view": "everywhere"}, "views where, drawn, got .* 'everywhere'"),
    ],
)
def test_keys_claims_and_views_are_of_a_known_kind(options, words) -> None:
    with pytest.raises(ValueError, match=words):
        add(shade, **options)


def test_a_function_for_many_maps_takes_the_keywords_of_the_one_for_one() -> None:
    def many(model, stack, targets, *, cohort=None):
        raise NotImplementedError

    with pytest.raises(ValueError, match="mine: many must take the keywords cohort, patch_width"):
        add(shade, many=many)


def test_the_list_of_methods_cannot_be_changed_and_ends_with_controls() -> None:
    found = napari_latentattr.methods()
    with pytest.raises(TypeError, match="does not support item assignment"):
        found["mine"] = found["swaps"]
    controls = [method.control for method in found.values()]
    assert controls == sorted(controls)
    assert {key for key, method in found.items() if method.control} >= {"solo", "leave_one_out"}


def test_every_file_with_a_method_is_found() -> None:
    folder = Path(_registry.__file__).parent
    decorated = [p for p in folder.glob("*.py") if "\n@register(\n" in p.read_text("utf-8")]
    assert len(decorated) == len(napari_latentattr.methods())


PLUGIN = """
from napari_latentattr import register

@register("{key}", title="T", source="S")
def method(model, stack, target):
    "Help."
{broken}
"""


def install(folder: Path, monkeypatch, **plugins: str) -> None:
    entries = []
    for name, code in plugins.items():
        (folder / f"latentattr_{name}.py").write_text(code)
        entries.append(EntryPoint(name, f"latentattr_{name}", _registry.ENTRY_POINTS))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(
        _registry, "entry_points", lambda group: entries if group == _registry.ENTRY_POINTS else []
    )


def test_others_add_methods_and_a_broken_one_is_told_and_left_out(tmp_path, monkeypatch) -> None:
    install(
        tmp_path,
        monkeypatch,
        broken=PLUGIN.format(key="half", broken="1 / 0"),
        thief=PLUGIN.format(key="swaps", broken=""),
        fine=PLUGIN.format(key="theirs", broken=""),
    )
    own = _registry._registered["swaps"]
    with pytest.warns(UserWarning, match="is left out") as told:
        found = napari_latentattr.methods()
    words = sorted(str(w.message) for w in told)
    assert words == [
        "the method broken (latentattr_broken) is left out: division by zero",
        "the method thief (latentattr_thief) is left out: there is a method swaps already; "
        "choose another key",
    ]
    assert "theirs" in found
    assert "half" not in found
    assert found["swaps"] is own
    assert napari_latentattr.methods().keys() == found.keys()  # told once


def test_the_registry_loads_no_torch_until_it_is_asked() -> None:
    code = (
        "import sys\nfrom napari_latentattr import Bounds, methods, register\n"
        "print('torch' in sys.modules, len(methods()), 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"False {len(napari_latentattr.methods())} True\n"


def test_the_folder_of_methods_is_a_package_and_a_function() -> None:
    import napari_latentattr.methods.swap_volume as module

    assert module.swap_volume is napari_latentattr.methods()["swaps"].function
