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


class StressRefused(errors.Forbidden):
    row = errors.registered(
        "stress_not_allowed",
        403,
        "No stress run in production",
        "A stress run takes the platform's capacity from those who use it.",
        "Run it elsewhere, or set `STRESS_IN_PRODUCTION`.",
    )


class StressRunning(errors.Conflict):
    row = errors.registered(
        "stress_running",
        409,
        "A stress run is under way",
        "Two at a time would measure each other.",
        "Wait for its end, or look at it: `GET /internal/stress/runs/{id}`.",
    )


class StressOver(errors.Conflict):
    row = errors.registered(
        "stress_over",
        409,
        "The stress run has ended",
        "Only a run that is under way, and not cancelled already, can be cancelled.",
        "Ask for a new one.",
    )
