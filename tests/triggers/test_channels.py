"""Which channel a message takes, and why none."""

from __future__ import annotations

import pytest

from tests.triggers.customer import Customer
from tests.triggers.journey import Journey
from tests.triggers.rulebooks import event, rules, trigger
from triggers.channels import NoneUsable, Usable, choose
from triggers.definitions import Policy
from triggers.reasons import Reason

ALL = {(channel, "marketing") for channel in ("email", "sms", "whatsapp", "push", "mail")}


@pytest.mark.parametrize(
    ("channel", "field"),
    [("email", "email"), ("sms", "phone"), ("whatsapp", "phone"), ("push", "push_token"), ("mail", "mail")],
)
def test_each_channel_has_its_own_field_of_the_profile(channel: str, field: str) -> None:
    customer = Customer(consents=ALL, fields={field: "somewhere"})
    assert choose(customer, [channel], "marketing") == Usable(channel=channel, address="somewhere", objections={})


def test_the_first_usable_is_taken_and_says_what_was_wrong_with_those_before() -> None:
    customer = Customer(
        consents={("sms", "marketing"), ("push", "marketing"), ("mail", "marketing")},
        fields={"email": "ann@pets.example", "push_token": "token", "mail": "1 Cat Street"},
        bounced={("push", "token")},
    )
    choice = choose(customer, ["email", "sms", "push", "mail"], "marketing")
    assert choice == Usable(
        channel="mail",
        address="1 Cat Street",
        objections={"email": "consent", "sms": "no_address", "push": "unreachable"},
    )


@pytest.mark.parametrize(
    ("consents", "fields", "bounced", "reason"),
    [
        (set(), {}, set(), Reason.CONSENT),
        ({("email", "newsletter"), ("sms", "marketing")}, {"email": "a"}, set(), Reason.CONSENT),
        (ALL, {}, {("email", "a")}, Reason.NO_ADDRESS),
        (ALL, {"email": None}, set(), Reason.NO_ADDRESS),
        (ALL, {"email": ""}, set(), Reason.NO_ADDRESS),
        (ALL, {"email": "a"}, {("email", "a")}, Reason.UNREACHABLE),
    ],
)
def test_each_channel_is_asked_for_consent_then_address_then_reach(
    consents: set[tuple[str, str]], fields: dict[str, object], bounced: set[tuple[str, str]], reason: Reason
) -> None:
    customer = Customer(consents=consents, fields=fields, bounced=bounced)
    choice = choose(customer, ["email"], "marketing")
    assert choice == NoneUsable(reason=reason, objections={"email": reason.value})


def test_only_the_marked_address_is_unreachable() -> None:
    customer = Customer(bounced={("email", "old@pets.example"), ("sms", "ann@pets.example")})
    assert isinstance(choose(customer, ["email"], "marketing"), Usable)


def test_transactional_needs_no_consent() -> None:
    assert isinstance(choose(Customer(consents=set()), ["email"], "transactional"), Usable)


def test_the_reason_is_that_of_the_first_listed() -> None:
    customer = Customer(consents={("sms", "marketing")}, fields={})
    book = rules(trigger("thanks", event("order_completed"), channels=("sms", "email")))
    (end,) = Journey(book, customer).event("order_completed", "2026-03-01T12:00")
    assert (end.kind, end.reason, end.channel) == ("suppress", "no_address", "")
    assert end.evidence == {"channels": {"sms": "no_address", "email": "consent"}}


def test_the_choice_is_final() -> None:
    # A cap on the channel chosen does not try the next.
    from triggers.definitions import Cap

    policy = Policy(caps=(Cap(at_most=0, per_ms=1, channel="email"),))
    book = rules(trigger("thanks", event("order_completed"), channels=("email", "sms")), policy=policy)
    customer = Customer(consents=ALL, fields={"email": "ann@pets.example", "phone": "1"})
    (end,) = Journey(book, customer).event("order_completed", "2026-03-01T12:00")
    assert (end.reason, end.channel, end.address) == ("cap", "email", "ann@pets.example")
