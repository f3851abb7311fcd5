"""`manage.py operator`: the people at the console."""

import secrets
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from noctis.commands import Row, VerbCommand
from tenants import totp
from tenants.lookups import shell_actor, tenant_called
from tenants.roles import ConsoleRole
from tenants.services import operators


class Command(VerbCommand):
    help = "The people at the console."
    verbs = {"create": "make an operator; prints her password and second factor, once"}

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--tenant", required=True, help="the tenant's slug")
        parser.add_argument("--role", required=True, choices=[role.value for role in ConsoleRole])
        parser.add_argument(
            "--no-second-factor", action="store_true", help="enrol no one-time codes"
        )

    @transaction.atomic  # cut off between the two, she could never sign in
    def create(self, options: Mapping[str, Any]) -> Row:
        tenant, password = tenant_called(options["tenant"]), secrets.token_urlsafe(15)
        person = operators.create_operator(
            username=options["username"],
            password=password,
            tenant=tenant,
            role=options["role"],
            actor=shell_actor(),
        )
        row = {"username": person.username, "password": password, "role": options["role"]}
        if options["no_second_factor"]:
            return row
        secret = operators.enrol_second_factor(operator=person, tenant=tenant, actor=shell_actor())
        return row | {"second_factor": totp.enrolment_uri(secret, account=person.username)}
