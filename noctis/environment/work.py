"""Settings of the work: tokens, retention, backups, models, operators, limits."""

from noctis import rates
from noctis.environment.setting import Setting
from noctis.kinds import (
    boolean,
    cache_seconds,
    keys_of_32_bytes,
    limits,
    natural,
    positive,
    seconds,
    share,
    threshold,
)

WORK = (
    Setting("JWT_MAX_TTL_SECONDS", 86_400, positive, "Longest life of a service token."),
    Setting("JWT_LEEWAY_SECONDS", 30, natural, "Clock difference that is forgiven in a token."),
    Setting(
        "KEY_CACHE_SECONDS",
        5.0,
        cache_seconds,
        "How long a process trusts a key it has read; a revoked key stops working within it. "
        "More than 0, at most 5.",
    ),
    Setting(
        "EPOCHS_RETENTION_DAYS",
        90,
        positive,
        "How long epochs are kept; a tenant may keep less, never more. Deleting follows only once "
        "`manage.py storage apply` has said so.",
    ),
    Setting(
        "PREDICTIONS_RETENTION_DAYS",
        180,
        positive,
        "The same for the log of predictions; never shorter than the epochs', whatever it says.",
    ),
    Setting(
        "EPOCHS_COMPRESSION_AFTER_DAYS",
        7,
        positive,
        "When epochs are compressed, where the server's edition of TimescaleDB can.",
    ),
    Setting("BACKUP_DIR", None, str, "Where scheduled backups go; `var/backups` when not set."),
    Setting("BACKUP_KEEP", 7, positive, "How many scheduled backups are kept."),
    Setting(
        "BACKUP_ENCRYPTION_KEYS",
        (),
        keys_of_32_bytes,
        "Key ring of backups, 32 bytes in base64url each, comma-separated; the first encrypts, all "
        "decrypt. Without it backups are not encrypted.",
        secret=True,
    ),
    Setting("BACKUP_TOOLS_DIR", None, str, "Where pg_dump and pg_restore are, if not in `PATH`."),
    Setting(
        "CACHE_MAX_ITEMS",
        5_000,
        natural,
        "Answers that a web worker remembers, of all but the simplest models; 0 for none.",
    ),
    Setting("CACHE_MAX_BYTES", 32 * 1024 * 1024, natural, "Memory that they may take in a worker."),
    Setting("CACHE_TTL_SECONDS", 300.0, seconds, "How long each is remembered, used or not."),
    Setting("MODELS_DIR", None, str, "Folder of the models' artifacts; `models` when not set."),
    Setting(
        "NOCTIS_DATA_DIR",
        None,
        str,
        "Folder of scored nights to train and judge models by, a folder for each format in it; "
        "nothing that serves reads it.",
    ),
    Setting(
        "DATASETS_DIR",
        None,
        str,
        "Folder of snapshots of labelled nights and of training runs at work; `var/datasets` when "
        "not set. Workers and web processes need the same one.",
    ),
    Setting(
        "TRAINING_TIME_LIMIT_SECONDS",
        3_000,
        positive,
        "How long a training run may take; then its process group is killed and the run fails.",
    ),
    Setting(
        "TRAINING_MEMORY_LIMIT_MB",
        8_192,
        positive,
        "Address space that a training run may take; then it fails.",
    ),
    Setting(
        "ACTIVE_MODEL_VERSION",
        None,
        str,
        "Pins the model version that serves, for every pass that it offers; while it is set, "
        "promotion and rollback are refused. Without it the registry decides.",
    ),
    Setting(
        "ACTIVE_LIVE_MODEL_VERSION",
        None,
        str,
        "Pins the model version of the live pass, over `ACTIVE_MODEL_VERSION`.",
    ),
    Setting("DRIFT_CURRENT_DAYS", 14, positive, "Newest nights that a drift run looks at."),
    Setting("DRIFT_BASELINE_DAYS", 28, positive, "Days before those that they are held against."),
    Setting("DRIFT_PSI_THRESHOLD", 0.2, threshold, "PSI of a feature from which drift is MEDIUM."),
    Setting("DRIFT_KL_THRESHOLD", 0.1, threshold, "The same for the divergence of the stage mix."),
    Setting("DRIFT_Z_THRESHOLD", 3.0, threshold, "The same for means, in standard errors."),
    Setting(
        "SLO_INFERENCE_P95_MS",
        350.0,
        threshold,
        "Objective: 95 of 100 answers with predictions take no longer.",
    ),
    Setting("SLO_INFERENCE_P99_MS", 700.0, threshold, "Objective: 99 of 100 of them."),
    Setting(
        "SLO_INGEST_FAILURE_RATE",
        0.01,
        share,
        "Objective: no larger share of batches is lost to failures of the platform.",
    ),
    Setting(
        "SLO_DB_COMMIT_P95_MS",
        200.0,
        threshold,
        "Objective: 95 of 100 commits of a batch take no longer.",
    ),
    Setting(
        "SLO_MODEL_RELOAD_SUCCESS_RATE",
        0.99,
        share,
        "Objective: at least this share of the tries to load a model succeeds.",
    ),
    Setting("GATE_NIGHTS", 20, positive, "Labelled nights that gates take; with fewer, unknown."),
    Setting("GATE_PEOPLE", 5, positive, "People that they have to be of."),
    Setting("GATE_KAPPA", 0.35, threshold, "Least kappa of a version that may serve."),
    Setting("GATE_MACRO_F1", 0.45, threshold, "Least macro-F1."),
    Setting("GATE_SMALLEST_RECALL", 0.3, threshold, "Least recall of the stage it finds least."),
    Setting("GATE_CALIBRATION_ERROR", 0.1, threshold, "Most expected calibration error."),
    Setting("GATE_OVER_NULL", 0.15, threshold, "Least kappa above `null-clock`'s."),
    Setting(
        "GATE_BEHIND_INCUMBENT",
        0.03,
        threshold,
        "How far below the kappa of what serves the 95 % interval of the difference may reach.",
    ),
    Setting(
        "AUDIT_POLL_INTERVAL_SECONDS",
        21_600,
        positive,
        "How often the stored data is audited for what must be true of it.",
    ),
    Setting(
        "STRESS_IN_PRODUCTION",
        False,
        boolean,
        "Allow stress runs in production, where they take capacity from those who use it.",
    ),
    Setting("OPERATOR_ACCESS_MINUTES", 15, natural, "Life of an operator's access token."),
    Setting("OPERATOR_REFRESH_HOURS", 12, natural, "Life of an operator's refresh token."),
    Setting(
        "SECOND_FACTOR_REQUIRED",
        None,
        boolean,
        "Operators need a one-time code; on in production, off elsewhere, unless set.",
    ),
    Setting(
        "RATE_LIMITS",
        rates.USUAL,
        limits,
        "Calls per client and route class, `class=number/second|minute|hour`; `class=off` lifts.",
    ),
)
