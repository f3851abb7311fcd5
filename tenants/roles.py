"""The role table: what each role may do. Pure data that drives permissions, tests and docs."""

from enum import StrEnum


class Capability(StrEnum):
    """One thing a caller may do; a route declares exactly one for each method."""

    WHOAMI = "whoami"
    DEVICES_READ = "devices.read"
    DEVICES_WRITE = "devices.write"
    RECORDINGS_READ = "recordings.read"
    RECORDINGS_WRITE = "recordings.write"
    EPOCHS_READ = "epochs.read"
    EPOCHS_WRITE = "epochs.write"
    SCHEMAS_READ = "schemas.read"
    LABELS_READ = "labels.read"
    LABELS_WRITE = "labels.write"
    REVIEWS_WRITE = "reviews.write"
    PREDICTIONS_READ = "predictions.read"
    PREDICT = "predict"
    MODELS_READ = "models.read"
    EXPERIMENTS_WRITE = "experiments.write"
    ERASE = "erase"
    CREDENTIALS_WRITE = "credentials.write"
    CLIENTS_READ = "clients.read"
    CLIENTS_WRITE = "clients.write"
    AUDIT_READ = "audit.read"
    # Say which version serves one's own tenant.
    MODELS_PIN = "models.pin"
    MODELS_PROMOTE = "models.promote"
    # Let a version serve although gates are unmet.
    MODELS_WAIVE = "models.waive"
    # How the installation itself is: schedules, backups, storage, traffic.
    PLATFORM_READ = "platform.read"
    PLATFORM = "platform"


class Role(StrEnum):
    """What a service client is for."""

    INGEST = "ingest"
    READ = "read"
    REVIEWER = "reviewer"
    ML_OPS = "ml_ops"
    ADMIN = "admin"


class ConsoleRole(StrEnum):
    """What an operator is, in one tenant."""

    PLATFORM_ADMIN = "platform_admin"
    OPERATOR = "operator"
    MODEL_MANAGER = "model_manager"
    TENANT_ADMIN = "tenant_admin"
    TENANT_VIEWER = "tenant_viewer"
    AUDITOR = "auditor"


_C = Capability
_READ = frozenset(
    {
        _C.WHOAMI,
        _C.DEVICES_READ,
        _C.RECORDINGS_READ,
        _C.EPOCHS_READ,
        _C.SCHEMAS_READ,
        _C.LABELS_READ,
        _C.PREDICTIONS_READ,
        _C.PREDICT,
        _C.MODELS_READ,
    }
)
_INGEST = frozenset(
    {
        _C.WHOAMI,
        _C.DEVICES_READ,
        _C.DEVICES_WRITE,
        _C.RECORDINGS_READ,
        _C.RECORDINGS_WRITE,
        _C.EPOCHS_READ,
        _C.EPOCHS_WRITE,
        _C.SCHEMAS_READ,
        _C.LABELS_WRITE,
    }
)

_ALL_OF_THE_PLATFORM = frozenset(
    {_C.MODELS_PROMOTE, _C.MODELS_WAIVE, _C.PLATFORM_READ, _C.PLATFORM}
)

# In a client's own tenant. What concerns everybody is granted below, to the platform tenant alone.
GRANTS: dict[Role, frozenset[Capability]] = {
    Role.INGEST: _INGEST,
    Role.READ: _READ,
    Role.REVIEWER: _READ | {_C.LABELS_WRITE, _C.REVIEWS_WRITE},
    Role.ML_OPS: _READ | {_C.EXPERIMENTS_WRITE, _C.MODELS_PIN},
    Role.ADMIN: frozenset(_C) - _ALL_OF_THE_PLATFORM,
}
PLATFORM_GRANTS: dict[Role, frozenset[Capability]] = {
    Role.ML_OPS: frozenset({_C.MODELS_PROMOTE}),
    Role.ADMIN: _ALL_OF_THE_PLATFORM,
}

# An operator's token at the API stands for this role in the tenant that the token names.
API_ROLES: dict[ConsoleRole, Role] = {
    ConsoleRole.PLATFORM_ADMIN: Role.ADMIN,
    ConsoleRole.OPERATOR: Role.REVIEWER,
    ConsoleRole.MODEL_MANAGER: Role.ML_OPS,
    ConsoleRole.TENANT_ADMIN: Role.ADMIN,
    ConsoleRole.TENANT_VIEWER: Role.READ,
    ConsoleRole.AUDITOR: Role.READ,
}
# Beyond the API role, for the operator alone.
CONSOLE_EXTRAS: dict[ConsoleRole, frozenset[Capability]] = {
    ConsoleRole.OPERATOR: frozenset({_C.DEVICES_WRITE, _C.RECORDINGS_WRITE}),
    ConsoleRole.AUDITOR: frozenset({_C.AUDIT_READ, _C.CLIENTS_READ}),
}
# In the platform tenant, by what the person is and not by her API role: whoever administers that
# tenant's clients and members does not thereby decide for everybody.
CONSOLE_PLATFORM_GRANTS: dict[ConsoleRole, frozenset[Capability]] = {
    ConsoleRole.PLATFORM_ADMIN: _ALL_OF_THE_PLATFORM,
    ConsoleRole.OPERATOR: frozenset({_C.PLATFORM_READ}),
    ConsoleRole.MODEL_MANAGER: frozenset({_C.MODELS_PROMOTE}),
    ConsoleRole.AUDITOR: frozenset({_C.PLATFORM_READ}),
}


def granted(role: Role, *, is_platform: bool) -> frozenset[Capability]:
    """What a client with this role may do; only the platform tenant's may touch everybody's."""
    beyond = PLATFORM_GRANTS.get(role, frozenset()) if is_platform else frozenset()
    return GRANTS[role] | beyond


def granted_to_operator(role: ConsoleRole, *, is_platform: bool) -> frozenset[Capability]:
    """What a person with this role may do, in the console and with her token at the API."""
    own = GRANTS[API_ROLES[role]] | CONSOLE_EXTRAS.get(role, frozenset())
    beyond = CONSOLE_PLATFORM_GRANTS.get(role, frozenset()) if is_platform else frozenset()
    return own | beyond
