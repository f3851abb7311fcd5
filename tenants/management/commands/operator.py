"""`manage.py operator`: the people at the console."""

import secrets
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from noctis.commands import Row, VerbCommand
from tenants import totp
from tenants.lookups import operator_called, shell_actor, tenant_called
from tenants.roles import ConsoleRole
from tenants.services import credentials, operators


class Command(VerbCommand):
    help = "The people at the console."
    verbs = {
        "create": "make an operator; prints her password and second factor, once",
        "password": "give her a password that she has to change at once; prints it, once",
        "factor": "give her a second factor and recovery codes anew; prints them, once",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        if verb != "create":
            return
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

    def password(self, options: Mapping[str, Any]) -> Row:
        person = operator_called(options["username"])
        password = credentials.reset_password(operator=person, actor=shell_actor())
        return {"username": person.username, "password": password}

    def factor(self, options: Mapping[str, Any]) -> Row:
        person = operator_called(options["username"])
        secret, codes = credentials.reset_second_factor(operator=person, actor=shell_actor())
        uri = totp.enrolment_uri(secret, account=person.username)
        return {"username": person.username, "second_factor": uri, "codes": " ".join(codes)}
