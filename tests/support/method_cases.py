"""How each method of the protocol is called by who may, and by who may not: a method without a case fails the walk.

Everywhere a token reaches the environments staging and development and the namespace pay, and there are also the
environment production and the namespace payments, which it does not reach.
"""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

__all__ = [
    "CASES",
    "ENVIRONMENT",
    "HIDDEN_ENVIRONMENT",
    "HIDDEN_NAMESPACE",
    "NAMESPACE",
    "OTHER_ENVIRONMENT",
    "MethodCase",
]

ENVIRONMENT, OTHER_ENVIRONMENT, HIDDEN_ENVIRONMENT = "staging", "development", "production"
NAMESPACE, HIDDEN_NAMESPACE = "pay", "payments"

Params = dict[str, Any]


@dataclass(frozen=True)
class MethodCase:
    """One method: the least role, params within reach, and params that name what is not, where it names such things.

    `whole` is for what every namespace shares: it takes a token that reaches them all.
    """

    role: str
    params: Params
    elsewhere: Params | None = None
    other_namespace: Params | None = None
    whole: bool = False

    @property
    def namespaces(self) -> list[str]:
        """What a token has to reach for `params`."""
        return ["*"] if self.whole else [NAMESPACE]


def _set(env: str, *namespaces: str) -> Params:
    changes = [{"namespace": namespace, "key": "limit", "value": 5} for namespace in namespaces]
    return {"env": env, "changes": changes, "note": ""}


def _key(namespace: str, **others: Any) -> Params:
    return {"namespace": namespace, "key": "limit", **others}


def _secret(namespace: str) -> Params:
    return {"namespace": namespace, "key": "api_key"}


def _watch(env: str, *namespaces: str) -> Params:
    return {"client_id": "walker", "service": "walker", "env": env, "namespaces": list(namespaces)}


def _token(env: str, namespace: str) -> Params:
    reach = {"environments": [env], "namespaces": [namespace]}
    return {"user": "walker", "role": "reader", "create_user": True, **reach}


def _two(**others: Any) -> Params:
    return {"source": ENVIRONMENT, "target": OTHER_ENVIRONMENT, **others}


_HERE = {"env": ENVIRONMENT}
_THERE = {"env": HIDDEN_ENVIRONMENT}
_OPEN = {"protected": False}
_VERSION = str(uuid4())

CASES: dict[str, MethodCase] = {
    "watch": MethodCase(
        "reader",
        _watch(ENVIRONMENT, NAMESPACE),
        _watch(HIDDEN_ENVIRONMENT, NAMESPACE),
        _watch(ENVIRONMENT, NAMESPACE, HIDDEN_NAMESPACE),
    ),
    "whoami": MethodCase("reader", {}),
    "hub.status": MethodCase("reader", {}),
    "environment.list": MethodCase("reader", {}),
    "environment.create": MethodCase("admin", _HERE, _THERE, _HERE, whole=True),
    "environment.protect": MethodCase(
        "admin",
        {**_HERE, "protected": False},
        {**_THERE, "protected": False},
        {**_HERE, "protected": False},
        whole=True,
    ),
    "namespace.list": MethodCase("reader", _HERE, _THERE),
    "key.list": MethodCase("reader", _HERE, _THERE, {"namespace": HIDDEN_NAMESPACE}),
    "key.get": MethodCase("reader", _key(NAMESPACE), None, _key(HIDDEN_NAMESPACE)),
    "key.create": MethodCase("editor", _key(NAMESPACE, type="int"), None, _key(HIDDEN_NAMESPACE, type="int")),
    "key.update": MethodCase(
        "editor",
        # Breaks what is active, within reach and beyond it: the refusal must not name what is beyond.
        _key(NAMESPACE, constraints={"maximum": 1}),
        None,
        _key(HIDDEN_NAMESPACE, constraints={"maximum": 1}),
    ),
    "secret.reveal": MethodCase(
        "editor",
        {**_HERE, **_secret(NAMESPACE)},
        {**_THERE, **_secret(NAMESPACE)},
        {**_HERE, **_secret(HIDDEN_NAMESPACE)},
    ),
    "set": MethodCase(
        "editor",
        _set(ENVIRONMENT, NAMESPACE),
        _set(HIDDEN_ENVIRONMENT, NAMESPACE),
        _set(ENVIRONMENT, NAMESPACE, HIDDEN_NAMESPACE),
    ),
    "rollback": MethodCase(
        "editor",
        {**_HERE, **_key(NAMESPACE), "version": _VERSION},
        {**_THERE, "change_set": 1},
        {**_HERE, **_key(HIDDEN_NAMESPACE), "version": _VERSION},
    ),
    "request.status": MethodCase("reader", {"request_id": str(uuid4())}),
    "history": MethodCase(
        "reader",
        {**_HERE, **_key(NAMESPACE)},
        {**_THERE, **_key(NAMESPACE)},
        {**_HERE, **_key(HIDDEN_NAMESPACE)},
    ),
    "snapshot": MethodCase("reader", _HERE, _THERE, {**_HERE, "namespaces": [NAMESPACE, HIDDEN_NAMESPACE]}),
    "compare": MethodCase("reader", _two(), _two(target=HIDDEN_ENVIRONMENT), _two(namespaces=[HIDDEN_NAMESPACE])),
    "promote": MethodCase(
        "editor",
        _two(note=""),
        _two(source=HIDDEN_ENVIRONMENT, note=""),
        _two(keys=[_key(NAMESPACE), _key(HIDDEN_NAMESPACE)], note=""),
    ),
    "review.list": MethodCase("reader", _HERE, _THERE),
    "review.get": MethodCase("reader", {"review": 10**6}),
    "review.create": MethodCase(
        "editor",
        {**_set(ENVIRONMENT, NAMESPACE), "note": "why"},
        {**_set(HIDDEN_ENVIRONMENT, NAMESPACE), "note": "why"},
        {**_set(ENVIRONMENT, NAMESPACE, HIDDEN_NAMESPACE), "note": "why"},
    ),
    "review.approve": MethodCase("approver", {"review": 10**6}),
    "review.reject": MethodCase("approver", {"review": 10**6}),
    "review.comment": MethodCase("editor", {"review": 10**6, "text": "why?"}),
    "review.withdraw": MethodCase("editor", {"review": 10**6}),
    "review.rebase": MethodCase("editor", {"review": 10**6}),
    "review.apply": MethodCase("editor", {"review": 10**6}),
    "temporary.list": MethodCase("reader", _HERE, _THERE),
    "change.confirm": MethodCase("editor", {**_HERE, "revision": 999}, {**_THERE, "revision": 999}),
    "change_set.get": MethodCase("reader", {**_HERE, "revision": 1}, {**_THERE, "revision": 1}),
    "receipt": MethodCase("reader", {**_HERE, "revision": 1}, {**_THERE, "revision": 1}),
    "fleet.list": MethodCase("reader", {}, _THERE),
    "activity.watch": MethodCase("reader", {}, _THERE),
    "audit.log": MethodCase("admin", _HERE, _THERE, _HERE, whole=True),
    "audit.verify": MethodCase("admin", _HERE, _THERE, _HERE, whole=True),
    "audit.export": MethodCase("admin", _HERE, _THERE, _HERE, whole=True),
    "user.create": MethodCase("admin", {"name": "walker"}),
    "user.list": MethodCase("admin", {}),
    "token.create": MethodCase(
        "admin",
        _token(ENVIRONMENT, NAMESPACE),
        _token(HIDDEN_ENVIRONMENT, NAMESPACE),
        _token(ENVIRONMENT, HIDDEN_NAMESPACE),
    ),
    "token.list": MethodCase("admin", {"all": True}),
    "token.revoke": MethodCase("admin", {"id": str(uuid4())}),
}
