"""The operators' console: its site, its pages' base, its named actions. Knows no single page."""

from tenants.console.actions import NamedAction, Order, ReasonForm
from tenants.console.pages import ConsolePage, TenantFilter
from tenants.console.shown import facts, instant, pill
from tenants.console.site import ConsoleSite

__all__ = [
    "ConsolePage",
    "ConsoleSite",
    "NamedAction",
    "Order",
    "ReasonForm",
    "TenantFilter",
    "facts",
    "instant",
    "pill",
]
