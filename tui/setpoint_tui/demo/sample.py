"""The sample: what a shop that takes payments and answers searches might keep in Setpoint. Data, no code."""

from dataclasses import dataclass
from typing import Any

from setpoint.protocol.values import ValueType

__all__ = ["ENVIRONMENTS", "PROPOSAL", "REPAIR", "SAMPLE", "SERVICES", "Proposal", "Repair", "SampleKey", "Service"]

ENVIRONMENTS = ("development", "staging", "production")


@dataclass(frozen=True, slots=True)
class SampleKey:
    """A key and its values in development, staging and production."""

    namespace: str
    key: str
    type: ValueType
    description: str
    values: tuple[Any, Any, Any]
    owner: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of production that waits to be reviewed."""

    namespace: str
    key: str
    value: Any
    author: str
    reason: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Repair:
    """A change of production that could not wait, so that staging does not have it yet."""

    namespace: str
    key: str
    value: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the fleet: how many instances run, and which namespaces they follow."""

    name: str
    instances: int
    namespaces: tuple[str, ...]


SERVICES = (
    Service("checkout-api", 4, ("payments", "global")),
    Service("billing-worker", 3, ("payments", "global")),
    Service("search-api", 3, ("search", "global")),
    Service("edge-gateway", 2, ("payments", "search", "global")),
)

PROPOSAL = Proposal("search", "vector.enabled", True, "dana", "a week in staging without a slower query", "SHOP-214")

REPAIR = Repair("payments", "provider.timeout_seconds", 6.0, "the provider answers late since noon: orders were parked")


def _same(value: Any) -> tuple[Any, Any, Any]:
    return (value, value, value)


_FLAG, _LIMIT, _CONNECTION, _EXPERIMENT = ("flag",), ("limit",), ("connection",), ("experiment",)

_PAYMENTS = (
    ("max_retries", "int", "Attempts at a charge before the order is parked", (5, 4, 3), _LIMIT),
    ("retry.first_delay_seconds", "float", "Pause before the second attempt", (0.1, 0.25, 0.5), _LIMIT),
    ("retry.backoff", "string", "How the pauses grow: constant, linear or exponential", _same("exponential"), ()),
    ("provider", "string", "Who takes the money: sandbox, stripe or adyen", ("sandbox", "sandbox", "stripe"), ()),
    ("provider.timeout_seconds", "float", "Give up on the provider after this long", (30.0, 8.0, 4.5), _LIMIT),
    ("provider.base_url", "string", "Where the provider answers",
     ("http://localhost:9911", "https://sandbox.provider.example/v2", "https://api.provider.example/v2"), _CONNECTION),
    ("ledger.dsn", "string", "The ledger's database, without its password",
     ("postgresql://ledger@localhost/ledger", "postgresql://ledger@pg.staging.internal/ledger",
      "postgresql://ledger@pg-a.internal,pg-b.internal/ledger?target_session_attrs=read-write"), _CONNECTION),
    ("ledger.pool_size", "int", "Connections to the ledger per instance", (2, 8, 24), _CONNECTION),
    ("fraud.check_enabled", "bool", "Ask the fraud service before a charge", (False, True, True), _FLAG),
    ("fraud.threshold", "float", "Refuse a charge that scores above this", (0.99, 0.9, 0.82), ()),
    ("fraud.rules_version", "int", "Which set of rules the fraud service applies", (17, 17, 16), ()),
    ("wallets.enabled", "bool", "Offer wallets at the checkout", (True, True, False), _FLAG),
    ("wallets.providers", "json", "Wallets on offer, in the order of display",
     _same(["apple_pay", "google_pay", "paypal"]), _FLAG),
    ("instalments.enabled", "bool", "Offer payment in instalments", (True, False, False), _FLAG),
    ("limits.per_customer", "json", "Charges that one customer may make",
     ({"per_minute": 100, "per_day": 10_000}, {"per_minute": 20, "per_day": 500}, {"per_minute": 6, "per_day": 60}),
     _LIMIT),
    ("experiment.checkout_layout", "json", "Share of customers per layout of the checkout",
     ({"one_page": 100, "steps": 0}, {"one_page": 50, "steps": 50}, {"one_page": 10, "steps": 90}), _EXPERIMENT),
    ("refunds.automatic_below", "float", "Refund without a person below this amount", (1000.0, 100.0, 25.0), _LIMIT),
    ("refunds.worker_concurrency", "int", "Refunds at once per worker", (1, 4, 16), _LIMIT),
)  # fmt: skip

_SEARCH = (
    ("index.name", "string", "The index that queries go to",
     ("products-dev", "products-2026-02", "products-2026-01"), _CONNECTION),
    ("index.hosts", "json", "The cluster's entry nodes",
     (["localhost:9200"], ["search-1.staging.internal:9200"], ["search-1.internal:9200", "search-2.internal:9200"]),
     _CONNECTION),
    ("query.timeout_ms", "int", "Give up on a query after this long", (5_000, 800, 450), _LIMIT),
    ("query.max_results", "int", "The longest page of results", (500, 200, 100), _LIMIT),
    ("query.fuzzy", "bool", "Find what is nearly spelled right", (True, True, True), _FLAG),
    ("ranking.model", "string", "The model that orders the results", ("bm25", "ltr-v8", "ltr-v7"), _EXPERIMENT),
    ("ranking.freshness_boost", "float", "Weight of new products over old ones", (0.0, 0.35, 0.2), _EXPERIMENT),
    ("ranking.experiment", "json", "Share of queries per model",
     ({"ltr-v7": 0, "ltr-v8": 100}, {"ltr-v7": 50, "ltr-v8": 50}, {"ltr-v7": 95, "ltr-v8": 5}), _EXPERIMENT),
    ("suggestions.enabled", "bool", "Offer words while people type", (True, True, True), _FLAG),
    ("suggestions.min_characters", "int", "Offer words from this many letters on", (1, 2, 3), ()),
    ("synonyms.source", "string", "Where the synonyms are read from",
     ("file:synonyms.txt", "s3://search-staging/synonyms.txt", "s3://search-production/synonyms.txt"), _CONNECTION),
    ("cache.seconds", "int", "How long an answer may be served again", (0, 30, 120), _LIMIT),
    ("cache.share_of_memory", "float", "Memory for answers, as a share of the instance's", (0.05, 0.2, 0.4), ()),
    ("vector.enabled", "bool", "Ask the vector index too", (True, True, False), _FLAG),
)  # fmt: skip

_GLOBAL = (
    ("maintenance.enabled", "bool", "Show the maintenance page instead of the shop", _same(False), _FLAG),
    ("maintenance.message", "string", "What the maintenance page says",
     _same("We are back in a few minutes. Your basket is safe."), ()),
    ("log.level", "string", "debug, info, warning or error", ("debug", "info", "info"), ()),
    ("log.sample_rate", "float", "Share of requests that are logged in full", (1.0, 0.25, 0.01), ()),
    ("tracing.endpoint", "string", "Where spans are sent",
     ("http://localhost:4318", "http://otel.staging.internal:4318", "http://otel.internal:4318"), _CONNECTION),
    ("tracing.sample_rate", "float", "Share of requests that are traced", (1.0, 0.5, 0.02), ()),
    ("rate_limit.requests_per_second", "int", "What one address may ask for", (1_000, 200, 50), _LIMIT),
    ("rate_limit.exempt", "json", "Networks that no limit holds for", (["0.0.0.0/0"], ["10.0.0.0/8"], ["10.0.0.0/8"]),
     _LIMIT),
    ("circuit_breaker", "json", "When calls to a failing service are cut short, and for how long",
     ({"failures": 50, "open_seconds": 1}, {"failures": 10, "open_seconds": 15}, {"failures": 5, "open_seconds": 30}),
     _LIMIT),
    ("feature.dark_mode", "bool", "Offer the dark theme", (True, True, True), _FLAG),
    ("feature.new_navigation", "bool", "The new navigation bar", (True, True, False), _FLAG),
    ("experiment.free_shipping", "json", "Free shipping above an amount, per group of customers",
     ({"control": None, "test": 1}, {"control": None, "test": 50}, {"control": None, "test": 75}), _EXPERIMENT),
    ("session.minutes", "int", "How long a visitor stays signed in", (1_440, 240, 60), _LIMIT),
    ("currency.default", "string", "The currency that prices are shown in first", _same("EUR"), ()),
)  # fmt: skip


def _keys(namespace: str, owner: str, rows: tuple[tuple[Any, ...], ...]) -> tuple[SampleKey, ...]:
    return tuple(
        SampleKey(namespace, key, value_type, description, values, owner, tags)
        for key, value_type, description, values, tags in rows
    )


SAMPLE = (
    *_keys("payments", "team-payments", _PAYMENTS),
    *_keys("search", "team-search", _SEARCH),
    *_keys("global", "team-platform", _GLOBAL),
)
