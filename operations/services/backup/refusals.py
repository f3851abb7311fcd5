"""Why there is no backup, or none that can be used: each line says what to do."""

from noctis import errors


class BackupRunning(errors.Conflict):
    row = errors.registered(
        "backup_running",
        409,
        "A backup or a restore test is running",
        "One at a time is taken of a database, and one at a time is tried.",
        "Wait for it to end; the console's page of backups shows when it has.",
    )


class BackupExists(errors.Conflict):
    row = errors.registered(
        "backup_exists",
        409,
        "There is such a file already",
        "A backup never writes over a file.",
        "Choose another name, or move the file away.",
    )


class BackupNotWritten(errors.Unavailable):
    row = errors.registered(
        "backup_not_written",
        503,
        "The backup could not be written",
        "The folder cannot be written, or the disk under it is full.",
        "Make room or choose another folder; nothing half was left.",
    )


class ToolMissing(errors.Unavailable):
    row = errors.registered(
        "backup_tool_missing",
        503,
        "A PostgreSQL program is missing",
        "pg_dump and pg_restore of the server's own major version are needed.",
        "Install PostgreSQL's client programs of that version, or point BACKUP_TOOLS_DIR at them.",
    )


class DumpFailed(errors.Unavailable):
    row = errors.registered(
        "backup_dump_failed",
        503,
        "pg_dump gave up",
        "The database could not be read to its end.",
        "Mend what the detail says and take the backup again; nothing half was left.",
    )


class BackupMissing(errors.Missing):
    row = errors.registered(
        "backup_missing",
        404,
        "There is no such backup",
        "The file is not there.",
        "Check the path; BACKUP_DIR holds the scheduled ones.",
    )


class ManifestMissing(errors.Missing):
    row = errors.registered(
        "backup_manifest_missing",
        404,
        "The backup's manifest is missing",
        "A backup without its manifest cannot be checked, so it is not restored.",
        "Bring the manifest from where the backup came from, into the same folder.",
    )


class ManifestInvalid(errors.Invalid):
    row = errors.registered(
        "backup_manifest_invalid",
        422,
        "The backup's manifest does not hold",
        "The manifest cannot be read, or was changed after the backup.",
        "Bring file and manifest anew from where they came from, or use another backup.",
    )


class ManifestOfAnother(errors.Invalid):
    row = errors.registered(
        "backup_manifest_of_another",
        422,
        "File and manifest do not belong together",
        "The manifest tells of another backup.",
        "Put each backup beside its own manifest; the manifest names its file.",
    )


class BackupCorrupted(errors.Invalid):
    row = errors.registered(
        "backup_corrupted",
        422,
        "The backup's file is damaged",
        "The file is not what was written: bytes were lost or changed.",
        "Use another backup, and check the disk that held this one.",
    )


class WrongKey(errors.Invalid):
    row = errors.registered(
        "backup_key_missing",
        422,
        "The backup's key is not here",
        "The backup is encrypted with a key that BACKUP_ENCRYPTION_KEYS does not have.",
        "Add the key that the detail names to BACKUP_ENCRYPTION_KEYS, at its end.",
    )


class TargetRefused(errors.Conflict):
    row = errors.registered(
        "restore_target_refused",
        409,
        "Nothing is restored into this database",
        "A restore goes into a new or an empty database, never into the live one.",
        "Name a database that does not exist; it is made.",
    )


class VersionMismatch(errors.Conflict):
    row = errors.registered(
        "restore_version_mismatch",
        409,
        "The server cannot take this backup",
        "PostgreSQL is older than the backup's, or TimescaleDB is missing or of another version.",
        "Restore on a server with the versions that the detail names, and upgrade there.",
    )


class RestoreFailed(errors.Unavailable):
    row = errors.registered(
        "restore_failed",
        503,
        "The backup could not be restored",
        "The server gave up on the way.",
        "Mend what the detail says and restore again, into a new database.",
    )


class RestoreDifferent(errors.Conflict):
    row = errors.registered(
        "restore_different",
        409,
        "What was restored is not what was backed up",
        "Rows or values of the restored database differ from the manifest.",
        "Trust another backup, and look into the tables that the detail names.",
    )
