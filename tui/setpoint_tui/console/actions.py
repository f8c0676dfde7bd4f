"""Every action of the console as a table: its id for the keymap, its key, its words for footer, help and palette."""

from dataclasses import dataclass

from textual.binding import Binding

__all__ = ["ACTIONS", "Action", "bindings"]


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `run` is what Textual runs: `edit` on the screen, `app.undo` on the app."""

    id: str
    keys: str
    title: str
    help: str
    run: str
    writes: bool = False


_TABLE = (
    Action("help", "question_mark,f1", "Help", "every key, and why one is off now", "app.help"),
    Action("palette", "colon,ctrl+p", "Commands", "find any action by its name", "app.palette"),
    Action("keys", "1", "Keys", "environments, namespaces and keys", "app.go('keys')"),
    Action("fleet", "2", "Fleet", "what each instance runs", "app.go('fleet')"),
    Action("reviews", "3", "Reviews", "changes that wait for approval", "app.go('reviews')"),
    Action("compare", "4,c", "Compare", "two environments side by side", "app.go('compare')"),
    Action("activity", "5", "Activity", "who changed what, as it happens", "app.go('activity')"),
    Action("scope", "o", "Scope", "choose environment and namespace", "app.scope"),
    Action("next_environment", "right_square_bracket", "Next env", "the next environment", "app.environment(1)"),
    Action("previous_environment", "left_square_bracket", "Prev env", "the environment before", "app.environment(-1)"),
    Action("hub", "H", "Hub", "switch to another hub", "app.hub"),
    Action("resync", "ctrl+r", "Resync", "load everything on show anew", "app.resync"),
    Action("retry", "r", "Reconnect", "try the hub again now", "app.retry"),
    Action("undo", "u", "Undo", "take my last change back, within 30 s", "app.undo", writes=True),
    Action("drafts", "D", "Drafts", "edits that were begun and not written", "app.drafts"),
    Action("notices", "N", "Messages", "what was said on the line above the keys", "app.notices"),
    Action("who", "W", "Who am I", "my role, and what I may do in each environment", "app.who"),
    Action("arm", "exclamation_mark", "Arm", "arm a protected environment for ten minutes, or disarm it", "app.arm"),
    Action("acknowledge", "B", "Seen", "the broken glass was seen: take the banner away", "app.acknowledge"),
    Action("quit", "q", "Quit", "leave; nothing is lost", "app.leave"),
    Action("filter", "slash", "Filter", "words AND; re: type: owner: tag: value: changed:<1h !not", "filter"),
    Action("back", "escape", "Back", "close, clear, one step back", "back"),
    Action("open", "enter", "Open", "look closer", "open"),
    Action("edit", "e", "Edit", "change the value", "edit", writes=True),
    Action("editor", "E", "$EDITOR", "change the value in $EDITOR", "edit_outside", writes=True),
    Action("new", "n", "New", "make a key", "new", writes=True),
    Action("delete", "x", "Delete", "take the value away here; history stays", "delete", writes=True),
    Action("reveal", "full_stop", "Reveal", "show a secret for 30 s, on record; again masks it", "reveal"),
    Action("keep_change", "K", "Keep", "confirm a change that waits for it", "keep_change", writes=True),
    Action("diff", "d", "Diff", "what differs, marked row against this one", "diff"),
    Action("versions", "v", "Versions", "every value that it ever had", "versions"),
    Action("promote", "p", "Promote", "take values over into the next environment", "promote", writes=True),
    Action("rollback", "r", "Roll back", "make this version hold again", "rollback", writes=True),
    Action("rollback_all", "R", "Roll back change", "take the whole change set back", "rollback_all", writes=True),
    Action("rollback_set", "r", "Roll back", "take this whole change set back", "rollback_set", writes=True),
    Action("open_change", "enter", "Versions", "every value that the changed key ever had", "open"),
    Action("mine", "m", "Mine", "only what I changed, or all", "mine"),
    Action("here", "t", "Here", "only the selected environment and namespace, or all", "here"),
    Action("copy_id", "y", "Copy id", "copy the change set's id", "copy_id"),
    Action("copy_name", "y", "Copy name", "copy the instance's name", "copy_name"),
    Action("copy", "y", "Copy", "copy the value", "copy"),
    Action("copy_path", "Y", "Copy path", "copy namespace/key", "copy_path"),
    Action("mark", "space", "Mark", "mark this row", "mark"),
    Action("sort", "s", "Sort", "sort by the next column", "sort"),
    Action("freeze", "f", "Freeze", "hold the order while values move", "freeze"),
    Action("zoom", "plus", "Zoom", "give this pane the whole screen", "zoom"),
    Action("mark_all", "a", "Mark all", "mark every row that can be promoted", "mark_all"),
    Action("next_pair", "right_square_bracket", "Next pair", "the next two environments", "pair(1)"),
    Action("previous_pair", "left_square_bracket", "Prev pair", "the two environments before", "pair(-1)"),
    Action("choose_pair", "t", "Choose", "choose which two environments", "choose_pair"),
    Action("swap", "w", "Swap", "turn the two sides round", "swap"),
    Action("review_approve", "a", "Approve", "agree to this very diff", "decide('approve')", writes=True),
    Action("review_reject", "X", "Reject", "say that it is not to be applied", "decide('reject')", writes=True),
    Action("review_comment", "m", "Comment", "say something about it", "decide('comment')", writes=True),
    Action("review_withdraw", "w", "Withdraw", "take my own change back", "decide('withdraw')", writes=True),
    Action("review_rebase", "b", "Rebase", "base my change on what holds now", "decide('rebase')", writes=True),
    Action("review_apply", "A", "Apply", "make the change, now or at a time", "apply", writes=True),
    Action("review_states", "t", "States", "what waits, mine, or all", "states"),
    Action("group", "t", "Group", "group differently", "group"),
    Action("deleted", "X", "Deleted", "keys without a value here, and what they had", "deleted"),
)

ACTIONS = {action.id: action for action in _TABLE}


def bindings(*ids: str) -> list[Binding]:
    """Return the bindings of some actions, none of them a priority binding, all rebindable by their id."""
    return [_binding(ACTIONS[name]) for name in ids]


def _binding(action: Action) -> Binding:
    return Binding(action.keys, action.run, action.title, show=False, id=action.id, tooltip=action.help)
