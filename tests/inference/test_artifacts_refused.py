"""Every way in which a folder can be wrong has a name, and nothing of it is used."""

import hashlib
import json
import os
import pickle
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.artifacts import arrays, faults, load
from tests.inference import drafts

Tampering = Callable[[Path], None]
RAN: list[str] = []


class Trap:
    """Says so if anybody unpickles it."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return RAN.append, ("a pickle ran",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    drafts.written(tmp_path)
    return tmp_path / "test-1"


def said(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metadata.json").read_text())


def say(folder: Path, metadata: dict[str, Any]) -> None:
    (folder / "metadata.json").write_text(json.dumps(metadata))


def changed(**members: object) -> Tampering:
    return lambda folder: say(folder, said(folder) | members)


def without(member: str) -> Tampering:
    return lambda folder: say(folder, {k: v for k, v in said(folder).items() if k != member})


def with_file(name: str, raw: bytes) -> Tampering:
    """Put a file there and into the manifest, so that only what is in it is wrong."""

    def tamper(folder: Path) -> None:
        metadata = said(folder)
        (folder / name).write_bytes(raw)
        entry = {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
        say(folder, metadata | {"files": metadata["files"] | {name: entry}})

    return tamper


def with_entry(name: str) -> Tampering:
    def tamper(folder: Path) -> None:
        metadata = said(folder)
        entry = metadata["files"]["bias.npy"]
        say(folder, metadata | {"files": metadata["files"] | {name: entry}})

    return tamper


def with_unit(unit: str) -> Tampering:
    def tamper(folder: Path) -> None:
        schema = json.loads((folder / "feature_schema.json").read_text())
        schema["features"][0]["unit"] = unit
        with_file("feature_schema.json", json.dumps(schema).encode())(folder)

    return tamper


def with_seed(seed: int) -> Tampering:
    return lambda folder: say(
        folder, said(folder) | {"training": said(folder)["training"] | {"seed": seed}}
    )


def with_bytes(name: str, change: Callable[[bytes], bytes]) -> Tampering:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes())) and None


def linked(folder: Path) -> None:
    (folder / "bias.npy").rename(folder.parent / "bias.npy")
    (folder / "bias.npy").symlink_to(folder.parent / "bias.npy")


def linked_whole(folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")


def golden_off(folder: Path) -> None:
    metadata = said(folder)
    metadata["golden"][0]["probabilities"][0][0] += 2e-6
    say(folder, metadata)


def golden_of_one_pass(folder: Path) -> None:
    metadata = said(folder)
    say(folder, metadata | {"golden": [g for g in metadata["golden"] if g["pass"] == "night"]})


def array(raw: object, dtype: str = "float32") -> bytes:
    file = BytesIO()
    np.save(file, np.array(raw, dtype=dtype), allow_pickle=True)
    return file.getvalue()


PROMISING = array([1.0] * 4).replace(b"(4,)", b"(4" + b"0" * 9 + b",)", 1)


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


CASES: list[tuple[str, Tampering, type[faults.BadArtifact]]] = [
    ("a pickle for weights", with_file("bias.npy", pickle.dumps(Trap())), faults.Pickled),
    ("an array of objects", with_file("bias.npy", array([Trap()], "object")), faults.Pickled),
    ("a pickle beside", with_file("model.pkl", pickle.dumps(Trap())), faults.Pickled),
    ("a joblib file beside", with_file("model.joblib", b"x"), faults.Pickled),
    ("an npz", with_file("weights.npz", b"PK"), faults.Pickled),
    ("a path upwards", with_entry("../bias.npy"), faults.OutOfFolder),
    ("an absolute path", with_entry("/etc/passwd"), faults.OutOfFolder),
    ("a path of Windows", with_entry("..\\bias.npy"), faults.OutOfFolder),
    ("a linked file", linked, faults.Linked),
    ("a linked folder", linked_whole, faults.Linked),
    (
        "a turned bit",
        with_bytes("weights.npy", lambda b: b[:-1] + bytes([b[-1] ^ 1])),
        faults.WrongHash,
    ),
    ("a byte more", with_bytes("weights.npy", lambda b: b + b"\0"), faults.WrongSize),
    ("half a file", with_bytes("weights.npy", lambda b: b[: len(b) // 2]), faults.WrongSize),
    ("a file gone", lambda f: (f / "bias.npy").unlink(), faults.FileMissing),
    ("no metadata", lambda f: (f / "metadata.json").unlink(), faults.FileMissing),
    ("a file more", lambda f: (f / "notes.txt").write_text("x") and None, faults.FileUnexpected),
    ("a hidden file", lambda f: (f / ".x").write_text("x") and None, faults.FileUnexpected),
    ("a folder within", lambda f: (f / "more").mkdir(), faults.FileUnexpected),
    ("a pipe", lambda f: os.mkfifo(f / "pipe"), faults.FileUnexpected),
    ("a network beside weights", with_file("model.onnx", b"x"), faults.FileUnexpected),
    ("another kind of head", changed(head={"kind": "onnx"}), faults.FileMissing),
    ("no JSON", with_bytes("metadata.json", lambda _: b"{"), faults.BadManifest),
    ("not UTF-8", with_bytes("metadata.json", lambda _: b"\xff\xfe"), faults.BadManifest),
    ("deep JSON", with_bytes("metadata.json", lambda _: b"[" * 100_000), faults.BadManifest),
    ("a member more", changed(surprise=1), faults.BadManifest),
    ("a member less", without("window"), faults.BadManifest),
    ("a format to come", changed(format=2), faults.BadManifest),
    ("a head unknown", changed(head={"kind": "pickle"}), faults.BadManifest),
    ("a temperature of nought", changed(temperature=0), faults.BadManifest),
    ("a NUL in a summary", changed(summary="a\0b"), faults.BadManifest),
    ("a NUL in a figure", changed(metrics={"kappa": {"of": ["a\0"]}}), faults.BadManifest),
    ("a NUL in a figure's name", changed(metrics={"kap\0pa": 1}), faults.BadManifest),
    ("a NUL in a histogram", changed(drift_reference={"\0": 1}), faults.BadManifest),
    (
        "a NUL in a label",
        with_file("label_map.json", b'{"0":"W","1":"\\u0000"}'),
        faults.BadManifest,
    ),
    ("a NUL in a unit", with_unit("%\0"), faults.BadManifest),
    ("a NUL in a card", with_file("card.md", b"# A\0"), faults.BadManifest),
    ("a card that is no text", with_file("card.md", b"\xff"), faults.BadManifest),
    ("a card without end", with_file("card.md", b"a" * (16 * 2**20 + 1)), faults.BadManifest),
    (
        "a manifest without end",
        with_bytes("metadata.json", lambda raw: raw + b" " * 2**24),
        faults.BadManifest,
    ),
    ("nights without end", changed(drift_reference={"nights": 10**400}), faults.BadManifest),
    ("a number that no float holds", changed(metrics={"n": -(10**309)}), faults.BadManifest),
    ("a seed that no float holds", with_seed(2**1024), faults.BadManifest),
    ("figures in figures without end", changed(metrics={"a": nested(33)}), faults.BadManifest),
    (
        "a clock that never moves",
        changed(head={"kind": "clock", "epochs_per_bin": 10**20}),
        faults.BadManifest,
    ),
    (
        "a window without end",
        changed(window={"before": 9_999, "after": 0, "minimum_known": 1}),
        faults.BadManifest,
    ),
    ("no evidence", changed(evidence=[]), faults.BadManifest),
    ("evidence unsaid", without("evidence"), faults.BadManifest),
    ("a pass unknown", changed(passes=["day"]), faults.BadManifest),
    ("a pass twice", changed(passes=["live", "live"]), faults.BadManifest),
    ("no pass", changed(passes=[]), faults.BadManifest),
    ("a version that is a path", changed(version="../up"), faults.BadManifest),
    ("a version that is reserved", changed(version="reload"), faults.BadManifest),
    ("another folder's version", changed(version="test-2"), faults.BadManifest),
    (
        "a label that is no stage",
        with_file("label_map.json", b'{"0":"W","1":"Nap"}'),
        faults.BadManifest,
    ),
    ("labels with a hole", with_file("label_map.json", b'{"0":"W","2":"REM"}'), faults.BadManifest),
    ("a label twice", with_file("label_map.json", b'{"0":"W","1":"W"}'), faults.BadManifest),
    ("no schema", with_file("feature_schema.json", b"{}"), faults.BadManifest),
    (
        "a decoder with a short row",
        changed(decoder={"kind": "chain", "transitions": [[1], [1, 2]], "initial": [1, 2]}),
        faults.BadManifest,
    ),
    (
        "a short vector",
        changed(
            golden=[{"pass": "night", "features": [[1]], "stages": [], "probabilities": [[1]]}]
        ),
        faults.BadManifest,
    ),
    (
        "a ragged vector",
        changed(
            golden=[
                {
                    "pass": "night",
                    "features": [[1], [1, 2]],
                    "stages": [0, 0],
                    "probabilities": [[1], [1]],
                }
            ]
        ),
        faults.BadManifest,
    ),
    (
        "a vector of other features",
        changed(
            passes=["night"],
            golden=[
                {"pass": "night", "features": [[1]], "stages": [0], "probabilities": [[1, 0, 0, 0]]}
            ],
        ),
        faults.GoldenFailed,
    ),
    ("doubles", with_file("bias.npy", array([0.0] * 4, "float64")), faults.BadArtifact),
    ("a weight that is none", with_file("bias.npy", array([np.nan] * 4)), faults.BadArtifact),
    ("a header that promises", with_file("bias.npy", PROMISING), faults.BadArtifact),
    ("no array at all", with_file("bias.npy", b"hello"), faults.BadArtifact),
    ("another shape", with_file("bias.npy", array([0.0] * 5)), faults.BadArtifact),
    ("evidence unknown", changed(evidence=["dreams"]), faults.BadArtifact),
    ("columns unknown", changed(columns=["dreams"]), faults.BadArtifact),
    (
        "too few means",
        changed(normalisation={"kind": "fixed", "mean": [0], "scale": [1]}),
        faults.BadArtifact,
    ),
    ("no golden vector", changed(golden=[]), faults.GoldenMissing),
    ("none for a pass", golden_of_one_pass, faults.GoldenMissing),
    ("a golden vector a hair off", golden_off, faults.GoldenFailed),
    ("another bias", with_file("bias.npy", array([0.0] * 4)), faults.GoldenFailed),
]


@pytest.mark.parametrize(("tamper", "fault"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_folder_with_a_fault_is_refused_by_name(
    folder: Path, tamper: Tampering, fault: type[faults.BadArtifact]
) -> None:
    tamper(folder)

    with pytest.raises(faults.BadArtifact) as refused:
        load(folder)

    assert type(refused.value) is fault, refused.value
    assert RAN == []


def test_another_artifact_than_the_registered_is_refused(folder: Path) -> None:
    with pytest.raises(faults.WrongHash, match="registered"):
        load(folder, "0" * 64)


def test_a_backslash_before_zeros_is_no_nul(folder: Path) -> None:
    text = "\\u0000, and \U0001f634"
    with_file("card.md", text.encode())(folder)
    changed(summary=text, metrics={text: [nested(20), 2**128 - 1, -(2**64), 1e308]})(folder)

    assert load(folder).manifest.metadata.summary == text


def test_every_name_of_a_fault_is_met() -> None:
    met = {fault for _, _, fault in CASES}
    # One says that there is no folder, and one is the registry's to say.
    elsewhere = {faults.ArtifactMissing, faults.WrongSchema}

    assert met | elsewhere >= set(faults.BadArtifact.__subclasses__())


@pytest.mark.parametrize("shape", [b"(-2, -2)", b"(True, 4)", b"(-4, -1)"])
def test_a_shape_that_is_none_is_refused_by_name(shape: bytes) -> None:
    """As many values as the bytes hold, and a header as long as before."""
    plain, crafted = b"(4,), }", shape + b", }"
    spaces = b" " * (len(crafted) - len(plain))
    raw = array([1.0] * 4).replace(plain + spaces, crafted, 1)

    with pytest.raises(faults.BadArtifact, match="has no shape"):
        arrays.read("bias.npy", raw)
