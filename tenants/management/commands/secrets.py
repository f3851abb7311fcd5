"""`manage.py secrets reseal`: moves the secrets at rest under a new key of the ring."""

from collections.abc import Mapping
from typing import Any

from noctis.commands import Row, VerbCommand
from tenants.lookups import shell_actor
from tenants.services import sealing


class Command(VerbCommand):
    help = (
        "The secrets at rest. To replace the key that seals them: put a new key first in "
        "ENCRYPTION_KEYS and restart, run `secrets reseal`, then drop the old key and restart."
    )
    verbs = {"reseal": "seal every secret in use with the first of ENCRYPTION_KEYS"}

    def reseal(self, options: Mapping[str, Any]) -> Row:
        return sealing.reseal_secrets(actor=shell_actor())
