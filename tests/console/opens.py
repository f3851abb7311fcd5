"""Which page is opened by whom: the roles as the people who gave them know them.

A page that is registered and not in this table fails the tests of all pages."""

from tenants.roles import ConsoleRole

_R = ConsoleRole
EVERYBODY = frozenset(_R)
ACCESS = frozenset({_R.PLATFORM_ADMIN, _R.TENANT_ADMIN, _R.AUDITOR})
INSTALLATION = frozenset({_R.PLATFORM_ADMIN, _R.OPERATOR, _R.AUDITOR})
NOBODY: frozenset[ConsoleRole] = frozenset()
# In the platform tenant these look after everybody; the others see that tenant's own rows.
SEES_EVERY_TENANT = INSTALLATION

# The role in the platform tenant, and in a customer's.
OPENS: dict[str, tuple[frozenset[ConsoleRole], frozenset[ConsoleRole]]] = {
    "tenants.tenant": (EVERYBODY, EVERYBODY),
    "tenants.membership": (ACCESS, ACCESS),
    "tenants.serviceclient": (ACCESS, ACCESS),
    "tenants.serviceclientkey": (ACCESS, ACCESS),
    "tenants.auditentry": (ACCESS, ACCESS),
    "tenants.operator": (ACCESS, ACCESS),
    "tenants.consolesession": (frozenset({_R.PLATFORM_ADMIN}), NOBODY),
    "devices.device": (EVERYBODY, EVERYBODY),
    "recordings.recording": (EVERYBODY, EVERYBODY),
    "recordings.labelset": (EVERYBODY, EVERYBODY),
    "recordings.erasure": (ACCESS, ACCESS),
    "recordings.featureschema": (EVERYBODY, EVERYBODY),
    "inference.hypnogram": (EVERYBODY, EVERYBODY),
    "inference.stagingattempt": (EVERYBODY, EVERYBODY),
    "inference.modelversion": (EVERYBODY, EVERYBODY),
    "inference.tenantpin": (EVERYBODY, EVERYBODY),
    "mlops.evaluation": (EVERYBODY, EVERYBODY),
    "mlops.promotion": (EVERYBODY, EVERYBODY),
    "mlops.replay": (EVERYBODY, EVERYBODY),
    "mlops.driftrun": (EVERYBODY, EVERYBODY),
    "mlops.dataset": (EVERYBODY, EVERYBODY),
    "mlops.experiment": (EVERYBODY, EVERYBODY),
    "mlops.trainingrun": (EVERYBODY, EVERYBODY),
    "mlops.retraining": (EVERYBODY, EVERYBODY),
    "operations.storagepolicy": (INSTALLATION, NOBODY),
    "operations.fault": (frozenset({_R.PLATFORM_ADMIN}), NOBODY),
    "operations.backup": (INSTALLATION, NOBODY),
    "operations.restoration": (INSTALLATION, NOBODY),
    "operations.datafinding": (INSTALLATION, NOBODY),
    "operations.dataaudit": (INSTALLATION, NOBODY),
    "operations.stressrun": (INSTALLATION, NOBODY),
    "operations.objective": (INSTALLATION, NOBODY),
    "django_celery_beat.periodictask": (INSTALLATION, NOBODY),
    "noctis.taskoutcome": (INSTALLATION, NOBODY),
}
