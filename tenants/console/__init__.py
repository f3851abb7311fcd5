"""The operators' console: its site, its pages' base, its named actions. Knows no single page."""

from tenants.console.actions import NamedAction, Order, ReasonForm, calling
from tenants.console.pages import ConsolePage, PlatformPage, TenantFilter
from tenants.console.shown import facts, instant, pill
from tenants.console.site import ConsoleSite
from tenants.console.standing import StandingPage

__all__ = [
    "ConsolePage",
    "ConsoleSite",
    "NamedAction",
    "Order",
    "PlatformPage",
    "ReasonForm",
    "StandingPage",
    "TenantFilter",
    "calling",
    "facts",
    "instant",
    "pill",
]
