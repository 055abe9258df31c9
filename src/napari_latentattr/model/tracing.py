"""Which layers and functions a forward pass goes through, written down without being judged.

Symbolically where the module allows it; else by watching the layers of torch in a real pass, which
sees no function between them. Nothing is changed for modules that other threads run meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

from torch import Tensor, fx, nn

from napari_latentattr.model.passes import Reached, first_tensor, run_with
from napari_latentattr.model.steps import is_layer


@dataclass(frozen=True, slots=True)
class Value:
    """Stands for what the turn at this position of a trace gave; `SOURCE` or `UNKNOWN`."""

    turn: int


SOURCE, UNKNOWN = Value(-1), Value(-2)


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """One layer or function at work.

    Attributes
    ----------
    name : str
    made_by : nn.Module, callable, or str
        A layer, a function, or a method of a tensor; ``""`` for what is neither.
    args, kwargs
        With a `Value` for everything that other turns gave.
    """

    name: str
    made_by: nn.Module | Callable[..., Any] | str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Turns in their order, and what came out at the end."""

    turns: tuple[Turn, ...]
    output: Value


def symbolic_trace(module: nn.Module, layer: str, *, after: bool) -> Trace | None:
    """Note the turns up to `layer`, or `after` it; None where the module cannot be traced.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode.
    layer : str
        Submodule whose output is where the trace ends, or begins.
    """
    tracer = _Tracer(module.get_submodule(layer), after=after)
    output: object = None
    try:
        tracer.trace(_Alone(module))
        output = next(n for n in tracer.graph.nodes if n.op == "output").args[0]
    except _Ended as ended:
        output = ended.output
    except Exception:  # whatever a stranger's forward raises when it is given no numbers
        return None
    return _from_nodes(tracer, _first(output, fx.Node))


class _Alone(nn.Module):
    """A module called with one image, whatever else it could be given."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Any:
        return self.module(x)


class _Ended(BaseException):
    def __init__(self, output: fx.Node | None) -> None:
        super().__init__()
        self.output = output


class _Tracer(fx.Tracer):
    """Keeps layers of torch whole; ends at a layer, or begins after it.

    While it works torch sends every call of every module here, so other threads are let through.
    """

    def __init__(self, layer: nn.Module, *, after: bool) -> None:
        super().__init__()
        self.source: fx.Node | None = None
        self._layer = layer
        self._after = after
        self._thread = threading.get_ident()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_layer(m)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        if m is self._layer and self._after:
            code = self.create_proxy("placeholder", "code", (), {})
            self.source = code.node
            return code
        output = super().call_module(m, forward, args, kwargs)
        if m is self._layer:
            found = _first(output, fx.Proxy)
            raise _Ended(None if found is None else found.node)
        return output

    def create_node(self, kind: str, *args: Any, **kwargs: Any) -> fx.Node:
        node = super().create_node(kind, *args, **kwargs)
        if kind == "placeholder" and self.source is None and not self._after:
            self.source = node
        return node


def _first(output: object, kind: type[Any]) -> Any:
    """First of a kind in an output: the output itself, or in a sequence or mapping."""
    if isinstance(output, kind):
        return output
    items = output.values() if isinstance(output, Mapping) else output
    if isinstance(items, tuple | list) or isinstance(output, Mapping):
        return next((i for i in cast("list[object]", items) if isinstance(i, kind)), None)
    return None


def _from_nodes(tracer: _Tracer, output: fx.Node | None) -> Trace:
    nodes = list(tracer.graph.nodes)
    place = {node: Value(i) for i, node in enumerate(nodes)}
    if tracer.source is not None:
        place[tracer.source] = SOURCE

    def known(given: Any) -> Any:
        return fx.node.map_arg(given, lambda node: cast("Any", place[node]))

    def turn(node: fx.Node) -> Turn:
        args, kwargs = known(node.args), known(node.kwargs)
        if node.op == "call_module":
            name = str(node.target)
            return Turn(name.removeprefix("module."), tracer.root.get_submodule(name), args, kwargs)
        made_by = node.target if node.op in ("call_function", "call_method") else ""
        return Turn(_place(node), made_by, args, kwargs)

    return Trace(tuple(map(turn, nodes)), UNKNOWN if output is None else place[output])


def _place(node: fx.Node) -> str:
    """Name of a function with the module that calls it."""
    called = getattr(node.target, "__name__", str(node.target))
    stack = node.meta.get("nn_module_stack") or {"": ("", None)}
    inside = list(stack.values())[-1][0].removeprefix("module").removeprefix(".")
    return f"{called} in {inside}" if inside else called


def watched_trace(module: nn.Module, layer: str, x: Tensor, *, code: Tensor | None) -> Trace:
    """Note the turns of layers in a real pass; what a function between them gives is unknown.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode.
    x : (1, C, *S) tensor
    code : tensor or None
        Given, the trace begins with this in place of the output of `layer`; else it ends there.
    """
    watcher = _Watcher()
    with ExitStack() as stack:
        for name, part in module.named_modules():
            if name and is_layer(part):
                stack.enter_context(part.register_forward_hook(watcher.hook(name)))
        if code is not None:
            watcher.know(code, SOURCE)
            output = run_with(module, x, {layer: code})
        else:
            watcher.know(x, SOURCE)
            stack.enter_context(module.get_submodule(layer).register_forward_hook(_stop))
            try:
                output = module(x)
            except Reached as reached:
                output = reached.output
    return Trace(tuple(watcher.turns), watcher.value(first_tensor(output)))


class _Watcher:
    """Remembers which turn gave which tensor; keeps all of them, so that no id is used again."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self._kept: list[object] = []
        self._made: dict[int, Value] = {}

    def know(self, tensor: Tensor, value: Value) -> None:
        self._kept.append(tensor)
        self._made[id(tensor)] = value

    def value(self, tensor: object) -> Value:
        return self._made.get(id(tensor), UNKNOWN)

    def hook(self, name: str) -> Callable[[nn.Module, tuple[object, ...], object], None]:
        def note(part: nn.Module, args: tuple[object, ...], output: object) -> None:
            made = first_tensor(output)
            if made is not None:
                self.turns.append(Turn(name, part, tuple(map(self.value, args))))
                self.know(made, Value(len(self.turns) - 1))

        return note


def _stop(_module: nn.Module, _args: object, output: object) -> None:
    found = first_tensor(output)
    if found is not None:
        raise Reached(found)
