"""The provider, through the real SDK: the scenarios of OpenFeature's evaluation suite, without those that target."""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode, ProviderFatalError, ProviderNotReadyError
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagEvaluationOptions, Reason
from openfeature.hook import Hook, HookContext, HookHints
from openfeature.provider import ProviderStatus

from client.conftest import MakeClient
from client.scripted_hub import ScriptedHub
from setpoint import ConfigClient
from setpoint.openfeature import SetpointProvider
from setpoint.testing import LocalConfig

FLAGS: dict[str, Any] = {
    "boolean": True,
    "string": "hi",
    "integer": 10,
    "float": 0.5,
    "object": {"showImages": True, "title": "Pictures", "imagesPerPage": 100},
    "boolean-zero": False,
    "string-zero": "",
    "integer-zero": 0,
    "float-zero": 0.0,
    "object-zero": {},
    "list": [1, 2],
}
OTHERS: dict[str, Any] = {"boolean": True, "string": "other", "integer": 77, "float": 7.5, "object": {"a": 1}}
KINDS = tuple(OTHERS)


@pytest.fixture(autouse=True)
def clean_api() -> Iterator[None]:
    yield
    api.clear_hooks()
    api.shutdown()
    api.clear_providers()


@pytest.fixture
def local() -> LocalConfig:
    return ConfigClient.for_testing({"flags": FLAGS})


@pytest.fixture
def flags(local: LocalConfig) -> OpenFeatureClient:
    api.set_provider_and_wait(SetpointProvider(local))
    return api.get_client()


def evaluate(flags: OpenFeatureClient, kind: str, key: str, default: Any) -> FlagEvaluationDetails[Any]:
    found: FlagEvaluationDetails[Any] = getattr(flags, f"get_{kind}_details")(key, default)
    return found


async def evaluate_async(flags: OpenFeatureClient, kind: str, key: str, default: Any) -> FlagEvaluationDetails[Any]:
    found: FlagEvaluationDetails[Any] = await getattr(flags, f"get_{kind}_details_async")(key, default)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["", "-zero"])
async def test_values_and_zero_values_are_resolved(flags: OpenFeatureClient, kind: str, suffix: str) -> None:
    key = f"flags/{kind}{suffix}"
    # A default that would show: it is none of the values.
    default = not FLAGS[f"{kind}{suffix}"] if kind == "boolean" else OTHERS[kind]
    for found in (evaluate(flags, kind, key, default), await evaluate_async(flags, kind, key, default)):
        assert (found.value, found.reason) == (FLAGS[f"{kind}{suffix}"], Reason.STATIC)
        assert (found.flag_key, found.error_code, found.error_message, found.variant) == (key, None, None, None)
        assert found.flag_metadata == {"revision": 2}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_flag_that_is_not_there_gives_the_default(flags: OpenFeatureClient, kind: str) -> None:
    for key in ("flags/absent", "elsewhere/boolean", "no-namespace", ""):
        sync, later = evaluate(flags, kind, key, OTHERS[kind]), await evaluate_async(flags, kind, key, OTHERS[kind])
        for found in (sync, later):
            assert (found.value, found.reason) == (OTHERS[kind], Reason.ERROR)
            assert (found.error_code, found.error_message) == (ErrorCode.FLAG_NOT_FOUND, "the key has no value")


WRONG = [
    ("string", "boolean"), ("boolean", "string"), ("integer", "string"), ("object", "string"), ("integer", "boolean"),
    ("boolean", "integer-zero"), ("float", "boolean"), ("integer", "float"), ("string", "object"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "key"), WRONG)
async def test_a_flag_of_another_type_gives_the_default(
    flags: OpenFeatureClient, local: LocalConfig, kind: str, key: str
) -> None:
    default = OTHERS[kind]
    sync = evaluate(flags, kind, f"flags/{key}", default)
    for found in (sync, await evaluate_async(flags, kind, f"flags/{key}", default)):
        assert (found.value, found.reason, found.error_code) == (default, Reason.ERROR, ErrorCode.TYPE_MISMATCH)
    assert local.status().mismatches == 2


def test_a_float_flag_takes_an_int(flags: OpenFeatureClient) -> None:
    found = flags.get_float_details("flags/integer", 1)
    assert (type(found.value), found.value, found.error_code) == (float, 10.0, None)


def test_an_object_may_be_a_list_and_its_default_null(flags: OpenFeatureClient) -> None:
    assert flags.get_object_value("flags/list", []) == [1, 2]
    nothing: Any = None
    assert flags.get_object_value("flags/object", nothing) == FLAGS["object"]
    assert flags.get_object_value("flags/absent", nothing) is None


def test_a_json_scalar_is_no_object(flags: OpenFeatureClient, local: LocalConfig) -> None:
    local.publish(flags={"object": 5})
    assert flags.get_object_details("flags/object", {"a": 1}).error_code == ErrorCode.TYPE_MISMATCH


@pytest.mark.parametrize("context", [None, EvaluationContext("user", {"email": "a@b"})])
def test_the_context_changes_nothing(flags: OpenFeatureClient, context: EvaluationContext | None) -> None:
    assert flags.get_integer_details("flags/integer", 1, context).value == 10


def test_a_key_may_belong_to_a_default_namespace(local: LocalConfig) -> None:
    local.publish(flags={"deep/key": 5})
    api.set_provider_and_wait(SetpointProvider(local, namespace="flags"))
    flags = api.get_client()
    assert (flags.get_integer_value("integer", 1), flags.get_integer_value("deep/key", 1)) == (10, 5)


def test_the_longest_namespace_decides_where_names_hold_slashes() -> None:
    local = ConfigClient.for_testing({"team": {"app/k": 1}, "team/app": {"k": 2}})
    api.set_provider_and_wait(SetpointProvider(local))
    assert api.get_client().get_integer_value("team/app/k", 0) == 2


class Seen(Hook):
    def __init__(self) -> None:
        self.stages: list[str] = []

    def before(self, hook_context: HookContext, hints: HookHints) -> None:  # noqa: ARG002
        self.stages.append(f"before {hook_context.flag_key}")

    def after(self, hook_context: HookContext, details: FlagEvaluationDetails[Any], hints: HookHints) -> None:  # noqa: ARG002
        self.stages.append(f"after {details.value}")

    def error(self, hook_context: HookContext, exception: Exception, hints: HookHints) -> None:  # noqa: ARG002
        self.stages.append(f"error {type(exception).__name__}")

    def finally_after(self, hook_context: HookContext, details: FlagEvaluationDetails[Any], hints: HookHints) -> None:  # noqa: ARG002
        self.stages.append(f"finally {details.value}")


def test_hooks_run_as_the_sdk_has_them(flags: OpenFeatureClient) -> None:
    seen = Seen()
    flags.get_integer_value("flags/integer", 1, None, FlagEvaluationOptions(hooks=[seen]))
    assert seen.stages == ["before flags/integer", "after 10", "finally 10"]
    seen.stages.clear()
    flags.get_integer_value("flags/string", 1, None, FlagEvaluationOptions(hooks=[seen]))
    assert seen.stages == ["before flags/string", "error TypeMismatchError", "finally 1"]


def test_the_provider_says_its_name(flags: OpenFeatureClient) -> None:
    assert flags.provider.get_metadata().name == "Setpoint"


class Events:
    """What the SDK's handlers heard, in a queue for each event."""

    def __init__(self, flags: OpenFeatureClient) -> None:
        self.heard: dict[ProviderEvent, SimpleQueue[EventDetails]] = {event: SimpleQueue() for event in ProviderEvent}
        for event, queue in self.heard.items():
            handler: Callable[[EventDetails], None] = queue.put
            flags.add_handler(event, handler)

    def next(self, event: ProviderEvent) -> EventDetails:
        return self.heard[event].get(timeout=10)


def test_changes_are_told(flags: OpenFeatureClient, local: LocalConfig) -> None:
    events = Events(flags)
    local.publish(flags={"integer": 11})
    assert events.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED).flags_changed == ["flags/integer"]
    assert flags.get_integer_value("flags/integer", 1) == 11


def test_ready_and_stale_are_told(flags: OpenFeatureClient, local: LocalConfig) -> None:
    events = Events(flags)
    events.next(ProviderEvent.PROVIDER_READY)
    local.fail("stale")
    assert events.next(ProviderEvent.PROVIDER_STALE).message == "the test made it stale"
    assert flags.get_provider_status() == ProviderStatus.STALE
    found = flags.get_integer_details("flags/integer", 1)
    assert (found.value, found.reason) == (10, Reason.STALE)
    local.fail("live")
    events.next(ProviderEvent.PROVIDER_READY)
    assert flags.get_provider_status() == ProviderStatus.READY


def test_without_data_the_provider_is_in_error_until_there_are() -> None:
    local = ConfigClient.for_testing()
    local.fail("starting")
    with pytest.raises(ProviderNotReadyError):
        api.set_provider_and_wait(SetpointProvider(local))
    flags = api.get_client()
    assert flags.get_provider_status() == ProviderStatus.ERROR
    found = flags.get_integer_details("flags/integer", 1)
    assert (found.value, found.error_code) == (1, ErrorCode.PROVIDER_NOT_READY)
    events = Events(flags)
    local.publish(flags={"integer": 10})
    events.next(ProviderEvent.PROVIDER_READY)
    assert flags.get_integer_value("flags/integer", 1) == 10


def test_before_it_is_initialized_it_is_not_ready(local: LocalConfig) -> None:
    class Slow(SetpointProvider):
        def initialize(self, evaluation_context: EvaluationContext) -> None:
            entered.put(None)
            go_on.get(timeout=10)
            super().initialize(evaluation_context)

    entered: SimpleQueue[None] = SimpleQueue()
    go_on: SimpleQueue[None] = SimpleQueue()
    api.set_provider(Slow(local))
    entered.get(timeout=10)
    flags = api.get_client()
    found = flags.get_integer_details("flags/integer", 1)
    assert (found.value, found.reason, found.error_code) == (1, Reason.ERROR, ErrorCode.PROVIDER_NOT_READY)
    events = Events(flags)
    go_on.put(None)
    events.next(ProviderEvent.PROVIDER_READY)
    assert flags.get_integer_value("flags/integer", 1) == 10


def test_it_starts_and_closes_a_client_and_a_refused_token_is_fatal(make_client: MakeClient) -> None:
    client = make_client(token="wrong")
    with pytest.raises(ProviderFatalError):
        api.set_provider_and_wait(SetpointProvider(client))
    flags = api.get_client()
    assert flags.get_provider_status() == ProviderStatus.FATAL
    assert flags.get_integer_details("payments/max_retries", 1).error_code == ErrorCode.PROVIDER_FATAL
    api.shutdown()
    assert client.status().state == "closed"


def test_with_a_hub_it_follows(hub: ScriptedHub, make_client: MakeClient) -> None:
    client = make_client()
    api.set_provider_and_wait(SetpointProvider(client))
    flags = api.get_client()
    assert flags.get_integer_details("payments/max_retries", 1).reason == Reason.STATIC
    events = Events(flags)
    hub.publish(max_retries=9)
    assert events.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED).flags_changed == ["payments/max_retries"]
    assert flags.get_integer_value("payments/max_retries", 1) == 9


def test_a_client_that_was_started_elsewhere_stays_open(make_client: MakeClient) -> None:
    client = make_client()
    client.start()
    api.set_provider_and_wait(SetpointProvider(client))
    api.shutdown()
    assert client.status().state == "live"
