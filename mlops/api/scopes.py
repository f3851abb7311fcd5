"""Who may start work over everybody's nights: the platform's people, whom the role table names."""

from mlops.models import Job
from noctis import errors
from tenants.callers import Caller
from tenants.roles import Capability


def check_scope(caller: Caller, scope: str) -> None:
    """Refuse what concerns every tenant to whoever may only do what concerns her own."""
    if scope == Job.Scope.PLATFORM and not caller.may(Capability.MODELS_PROMOTE):
        raise errors.Forbidden("Only the platform's model managers train on everybody's nights.")
