"""The tree of environments and their namespaces; children are made when a branch is opened."""

from rich.cells import cell_len
from rich.text import Text
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from setpoint_tui.model.model import Model
from setpoint_tui.text_safety import safe_text

__all__ = ["Scope", "Scopes"]

Scope = tuple[str, str | None]
"""An environment, and a namespace or all of them."""

_NAME_CELLS = 15


class Scopes(Tree[Scope]):
    """Where to look. It follows the model's selection, and says so when the person chooses another."""

    BORDER_TITLE = "Scopes"

    class Chosen(Message):
        """The person chose an environment, and a namespace of it or all."""

        def __init__(self, env: str, namespace: str | None) -> None:
            super().__init__()
            self.env = env
            self.within = namespace
            """The namespace; `namespace` is Textual's own."""

    def __init__(self) -> None:
        super().__init__("", classes="pane")
        self.show_root = False
        self.guide_depth = 2
        self._drawn: dict[Scope, str] = {}
        self._branches: dict[Scope, TreeNode[Scope]] = {}
        self._selected: Scope | None = None

    def show(self, model: Model) -> None:
        """Bring names and counts up to date, without moving the cursor or what is open."""
        wanted = [(env, None) for env in model.environments]
        if [node.data for node in self.root.children] != wanted:
            self._plant(model)
        for env in model.environments:
            self._label((env, None), self._environment_label(model, env))
            if self._branches[env, None].is_expanded:
                self._fill(model, env)
        self._follow(model)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Scope]) -> None:
        event.stop()
        if event.node.data is not None:
            self.post_message(self.Chosen(event.node.data[0], None))

    def on_tree_node_selected(self, event: Tree.NodeSelected[Scope]) -> None:
        event.stop()
        if event.node.data is not None:
            self.post_message(self.Chosen(*event.node.data))

    def _plant(self, model: Model) -> None:
        self.root.remove_children()
        self._branches.clear()
        self._drawn.clear()
        for env in model.environments:
            self._branches[env, None] = self.root.add("", (env, None), allow_expand=True)

    def _fill(self, model: Model, env: str) -> None:
        """Make the branches of one environment: a node for each namespace."""
        node = self._branches[env, None]
        names = list(model.namespaces())
        if [child.data[1] for child in node.children if child.data is not None] != names:
            for child in list(node.children):
                if child.data is not None:
                    self._branches.pop(child.data, None)
                    self._drawn.pop(child.data, None)
            node.remove_children()
            for name in names:
                self._branches[env, name] = node.add_leaf("", (env, name))
        counts = model.places[env].counts
        for name in names:
            self._label((env, name), _line(safe_text(name, limit=60), counts.get(name, 0), _NAME_CELLS))

    def _label(self, scope: Scope, label: Text) -> None:
        if self._drawn.get(scope) != label.plain:
            self._drawn[scope] = label.plain
            self._branches[scope].set_label(label)

    def _environment_label(self, model: Model, env: str) -> Text:
        environment = model.environments[env]
        place = model.places[env]
        # Of one that was not loaded, only what changed since is held.
        count = len(place.held) if place.held and not place.is_idle else environment.keys
        name = f"{safe_text(env)} ▓" if environment.protected else safe_text(env)
        return _line(name, count, _NAME_CELLS)

    def _follow(self, model: Model) -> None:
        env = model.selection.env
        if env is None or (env, model.selection.namespace) == self._selected:
            return
        branch = self._branches.get((env, None))
        if branch is None:
            return
        self._selected = (env, model.selection.namespace)
        if not branch.is_expanded:
            with self.prevent(Tree.NodeExpanded):
                branch.expand()
        self._fill(model, env)
        chosen = self._branches.get(self._selected, branch)
        self.call_after_refresh(self.move_cursor, chosen)


def _line(name: str, count: int, width: int) -> Text:
    # A Text, because a plain string would be read as markup.
    room = max(width - cell_len(name), 1)
    return Text(f"{name}{' ' * room}{count:>5}", no_wrap=True)
