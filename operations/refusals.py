"""What upkeep refuses by name."""

from noctis import errors


class PlanStale(errors.Conflict):
    row = errors.registered(
        "plan_stale",
        409,
        "The plan is no longer the one that was reviewed",
        "Settings or the server's state have changed since, or it was applied already.",
        "Ask for a new plan, review it, and apply that one.",
    )
