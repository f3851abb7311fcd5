"""What upkeep refuses by name."""

from noctis import errors


class FaultsDisabled(errors.Conflict):
    row = errors.registered(
        "faults_disabled",
        409,
        "Faults on purpose are not allowed here",
        "FAULTS_ENABLED is off, so nothing can be made to fail.",
        "Set FAULTS_ENABLED and restart where drills are held; not where people depend on it.",
    )


class PlanStale(errors.Conflict):
    row = errors.registered(
        "plan_stale",
        409,
        "The plan is no longer the one that was reviewed",
        "Settings or the server's state have changed since, or it was applied already.",
        "Ask for a new plan, review it, and apply that one.",
    )
