"""What is looked at, put into carts, ordered and paid back: the data of shopping."""

from __future__ import annotations

from events.kinds import EventData, Number, Text


class Item(EventData):
    """One line of an order or a cart."""

    sku: Text
    name: Text | None = None
    category: Text | None = None
    department: Text | None = None
    brand: Text | None = None
    quantity: Number | None = 1
    price: Number | None = None


class OrderCompleted(EventData):
    """An order was paid."""

    order_id: Text
    total: Number
    currency: Text | None = None
    coupon: Text | None = None
    discount: Number | None = None
    store_id: Text | None = None
    items: list[Item] | None = None


class OrderRefunded(EventData):
    """An order, or part of it, was paid back."""

    order_id: Text
    total: Number
    reason: Text | None = None


class Cart(EventData):
    """A cart as it was after a change."""

    cart_id: Text | None = None
    total: Number | None = None
    items: list[Item] | None = None


class CartUpdated(Cart):
    """Something was put into a cart or taken out."""


class CheckoutStarted(Cart):
    """The customer began to pay."""


class ProductViewed(EventData):
    """A product's page was looked at."""

    sku: Text
    name: Text | None = None
    category: Text | None = None
    price: Number | None = None


class CouponRedeemed(EventData):
    """A coupon was used."""

    code: Text
    campaign_id: Text | None = None
    amount: Number | None = None
