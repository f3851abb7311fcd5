"""May this caller do this? Every route declares its policy; a route without one is refused."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from noctis import errors
from tenants.callers import DEVICE_CAPABILITIES, Caller
from tenants.roles import Capability

PUBLIC = "public"
# A method without an action, and OPTIONS, which DRF calls an action of its own.
UNANSWERED = (None, "metadata")


class UndeclaredPolicy(Exception):
    """A route was added without saying who may call it: a bug, so it surfaces as one."""


def capability_for(view: Any) -> Capability | str | None:
    """What the view's action asks for; None where no action answers (a 405 follows)."""
    action = getattr(view, "action", None)
    if action in UNANSWERED:
        return None
    declared = getattr(view, "policy", {}).get(action)
    if declared == PUBLIC or isinstance(declared, Capability):
        return declared
    raise UndeclaredPolicy(f"{type(view).__name__}.{action} declares no policy")


class PolicyPermission(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        capability = capability_for(view)
        # Where nobody can say who she is, a method without an action is a 405 for everybody.
        if capability == PUBLIC or (capability is None and not request.authenticators):
            return True
        caller = request.user
        if not isinstance(caller, Caller):
            raise errors.MissingToken
        if caller.tenant.is_suspended:
            raise errors.TenantSuspended
        if isinstance(capability, Capability):
            require(caller, capability)
        return True


def require(caller: Caller, capability: Capability) -> None:
    if caller.device_uuid and capability not in DEVICE_CAPABILITIES:
        raise errors.Missing
    if not caller.may(capability):
        raise errors.Forbidden
