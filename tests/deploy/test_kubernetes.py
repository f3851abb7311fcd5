"""The Kubernetes manifests: valid by the schemas, confined, probed, and as compose has it."""

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from noctis import environment
from tests.source_tree import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "kubernetes"
VERSIONS = ("1.30", "1.37")
Json = dict[str, Any]


def manifests() -> list[Json]:
    return [
        found
        for path in sorted(FOLDER.glob("*.yml"))
        for found in yaml.safe_load_all(path.read_text())
    ]


def named(manifest: Json) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def of_kind(*kinds: str) -> list[Json]:
    return [found for found in manifests() if found["kind"] in kinds]


def pods() -> Iterator[tuple[str, Json]]:
    for found in of_kind("Deployment", "Job"):
        yield named(found), found["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", manifests(), ids=named)
def test_a_manifest_is_valid_and_has_no_field_that_is_unknown(manifest: Json, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_validator_sees_a_wrong_field() -> None:
    wrong = of_kind("Deployment")[0]
    wrong["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_there_is_everything_that_runs_the_platform() -> None:
    assert {named(found) for found in manifests()} >= {
        *(f"Deployment noctis-{name}" for name in ("web", "worker", "beat")),
        *(f"HorizontalPodAutoscaler noctis-{name}" for name in ("web", "worker")),
        *(f"PodDisruptionBudget noctis-{name}" for name in ("web", "worker")),
        "Job noctis-migrate",
        "Service noctis-web",
    }


@pytest.mark.parametrize(("name", "pod"), [*pods()])
def test_a_pod_runs_as_nobody_on_a_read_only_root(name: str, pod: Json) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 10_000
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        confined = container["securityContext"]
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_whatever_goes_on_running_is_probed_in_three_ways() -> None:
    for found in of_kind("Deployment"):
        (container,) = found["spec"]["template"]["spec"]["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container), named(found)


def test_there_is_never_a_second_beat() -> None:
    (beat,) = [found for found in of_kind("Deployment") if "beat" in named(found)]

    assert (beat["spec"]["replicas"], beat["spec"]["strategy"]["type"]) == (1, "Recreate")
    assert "beat" not in str(of_kind("HorizontalPodAutoscaler"))


def test_every_variable_is_a_setting_and_no_secret_stands_in_a_file() -> None:
    known = {row.name: row for row in environment.SETTINGS}
    (settings,) = of_kind("ConfigMap")
    given = set(settings["data"])
    for _, pod in pods():
        given |= {row["name"] for found in pod["containers"] for row in found.get("env", [])}

    assert given <= set(known)
    assert not [name for name in given if known[name].secret]
    assert not of_kind("Secret")


def test_the_commands_are_those_of_compose() -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    for name, pod in pods():
        service = compose[name.rpartition("-")[2]]
        (container,) = pod["containers"]
        assert container.get("command") == service.get("command"), name
