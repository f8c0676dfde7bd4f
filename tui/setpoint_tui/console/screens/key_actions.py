"""What can be done to a key, from the screen that lists them."""

from setpoint_tui.console.actions import ACTIONS
from setpoint_tui.console.keeping import keep_change
from setpoint_tui.console.screens.filtered import FilteredScreen
from setpoint_tui.console.secrets import reveal_secret
from setpoint_tui.intents import Done, SentForReview
from setpoint_tui.model.keys import KeyId
from setpoint_tui.model.link_state import writes_refused_because
from setpoint_tui.model.risk import role_refuses_because
from setpoint_tui.model.temporary import Due

__all__ = ["KeyActions"]

_NEEDS_KEY = ("open", "edit", "editor", "delete", "versions", "diff", "promote", "copy", "copy_path")


class KeyActions(FilteredScreen):
    """The actions about the key that the model holds as selected, and about those that are marked."""

    @property
    def marked(self) -> list[KeyId]:
        """The keys that are marked, from top to bottom."""
        raise NotImplementedError

    def why_off(self, action_id: str) -> str | None:
        if action_id in _NEEDS_KEY and self._here is None:
            return "no key is selected"
        if ACTIONS[action_id].writes:
            # A new key and a promotion are not about the environment on show.
            where = None if action_id in ("new", "promote") else self.model.selection.env
            refused = role_refuses_because(self.model, where)
            if refused is not None:
                return refused
        if action_id == "reveal":
            return self._why_not_revealed
        if action_id == "keep_change" and self._to_confirm is None:
            return "no change of this key waits for confirmation"
        # An edit can be begun without a connection: it becomes a draft.
        return None if action_id in ("edit", "editor") else super().why_off(action_id)

    @property
    def _here(self) -> tuple[str, KeyId] | None:
        """The environment and the key that actions are about: those that the model holds as selected."""
        selection = self.model.selection
        if selection.env is None or selection.key is None or selection.key not in self.model.facts:
            return None
        return selection.env, selection.key

    @property
    def _why_not_revealed(self) -> str | None:
        here = self._here
        if here is None or self.model.held(*here) is None:
            return "there is no value here"
        if not self.model.facts[here[1]].secret:
            return "this key is no secret: its value is on show"
        who = self.model.whoami
        if who is not None and who.role == "reader":
            return "your token's role is reader: revealing a secret takes the role editor"
        return writes_refused_because(self.model.link)

    def action_reveal(self) -> None:
        """Show the secret for a while."""
        if not self.refuse("reveal") and self._here is not None:
            self.console.bridge.run_write(reveal_secret(self.console, *self._here))

    @property
    def _to_confirm(self) -> Due | None:
        return None if self._here is None else self.model.temporary.to_confirm(*self._here)

    def action_keep_change(self) -> None:
        """Confirm the change that waits for it."""
        due = self._to_confirm
        if not self.refuse("keep_change") and due is not None:
            self.console.bridge.run_write(keep_change(self.console, due.change))

    def action_edit(self) -> None:
        """Change the value."""
        if not self.refuse("edit") and self._here is not None:
            self.console.bridge.run_write(self.console.acting.edit(*self._here))

    def action_edit_outside(self) -> None:
        """Change the value in $EDITOR."""
        if not self.refuse("editor") and self._here is not None:
            self.console.bridge.run_write(self.console.acting.edit_outside(*self._here))

    def action_new(self) -> None:
        """Make a key."""
        env = self.model.selection.env
        if not self.refuse("new") and env is not None:
            key = self.model.selection.key
            namespace = self.model.selection.namespace or (None if key is None else key[0])
            self.console.bridge.run_write(self.console.acting.create(env, namespace))

    def action_delete(self) -> None:
        """Take the values of the marked keys away, or of the selected one."""
        if not self.refuse("delete") and self._here is not None:
            env, key = self._here
            self.console.bridge.run_write(self._delete(env, self.marked or [key]))

    def forget_marks(self) -> None:
        """Mark nothing: what was asked for the marked keys is done."""
        raise NotImplementedError

    async def _delete(self, env: str, keys: list[KeyId]) -> None:
        if isinstance(await self.console.acting.delete(env, keys), Done | SentForReview):
            self.forget_marks()

    def action_diff(self) -> None:
        """Show what differs: from the marked keys, or between the environments."""
        if not self.refuse("diff") and self._here is not None:
            self.console.bridge.run_write(self.console.acting.differences(*self._here, self.marked))

    def action_versions(self) -> None:
        """Show every value that the key ever had here."""
        if not self.refuse("versions") and self._here is not None:
            self.console.open_versions(*self._here)

    def action_promote(self) -> None:
        """Compare the key's namespace with the next environment."""
        if not self.refuse("promote") and self._here is not None:
            env, key = self._here
            self.model.select(env=env, namespace=key[0], key=key)
            self.console.action_go("compare")
