"""Addresses and the two hashes that hold one."""

from typing import TypedDict

from mock_stripe.params import Params


class Address(TypedDict):
    city: str | None
    country: str | None
    line1: str | None
    line2: str | None
    postal_code: str | None
    state: str | None


class BillingDetails(TypedDict):
    address: Address
    email: str | None
    name: str | None
    phone: str | None
    tax_id: str | None


class Shipping(TypedDict):
    address: Address
    carrier: str | None
    name: str | None
    phone: str | None
    tracking_number: str | None


def read_address(params: Params) -> Address:
    return {
        "city": params.text("city"),
        "country": params.text("country"),
        "line1": params.text("line1"),
        "line2": params.text("line2"),
        "postal_code": params.text("postal_code"),
        "state": params.text("state"),
    }


def read_billing_details(params: Params) -> BillingDetails:
    return {
        "address": read_address(params.hash("address")),
        "email": params.text("email"),
        "name": params.text("name"),
        "phone": params.text("phone"),
        "tax_id": params.text("tax_id"),
    }


def merge_billing_details(current: BillingDetails, params: Params) -> BillingDetails:
    """What is given replaces, the rest stays."""
    given = read_billing_details(params)
    return {
        "address": given["address"] if params.given("address") else current["address"],
        "email": given["email"] if params.given("email") else current["email"],
        "name": given["name"] if params.given("name") else current["name"],
        "phone": given["phone"] if params.given("phone") else current["phone"],
        "tax_id": given["tax_id"] if params.given("tax_id") else current["tax_id"],
    }


def read_shipping(params: Params, name: str = "shipping") -> Shipping | None:
    if not params.hash(name).values:
        return None
    given = params.hash(name)
    return {
        "address": read_address(given.hash("address")),
        "carrier": given.text("carrier"),
        "name": given.text("name"),
        "phone": given.text("phone"),
        "tracking_number": given.text("tracking_number"),
    }
