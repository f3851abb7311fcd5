"""Why an artifact is not taken: each reason by name. Nothing of it was loaded."""

from noctis import errors

_REMEDY = "Import the version again from an unchanged copy; docs/models/format.md has the format."


def _named(code: str, title: str, meaning: str) -> errors.Code:
    return errors.registered(code, 422, title, meaning, _REMEDY)


class BadArtifact(errors.Invalid):
    row = _named(
        "artifact_invalid",
        "The artifact cannot be used",
        "A model's files are not as they must be.",
    )


class ArtifactMissing(BadArtifact):
    row = _named(
        "artifact_missing", "There is no such artifact", "The store has no folder of this version."
    )


class Pickled(BadArtifact):
    row = _named(
        "artifact_pickle",
        "An artifact holds a pickle",
        "A pickle runs code when it is read; models are plain arrays or ONNX.",
    )


class OutOfFolder(BadArtifact):
    row = _named(
        "artifact_path", "A name leads elsewhere", "A version and its files are names, never paths."
    )


class Linked(BadArtifact):
    row = _named(
        "artifact_symlink",
        "An artifact holds a link",
        "A link may lead anywhere, and elsewhere tomorrow: only plain files are read.",
    )


class FileMissing(BadArtifact):
    row = _named(
        "artifact_file_missing", "A file is missing", "The manifest or its head needs a file."
    )


class FileUnexpected(BadArtifact):
    row = _named(
        "artifact_unexpected_file",
        "An artifact holds more than its manifest",
        "Every file is named by the manifest, with its size and hash.",
    )


class WrongSize(BadArtifact):
    row = _named(
        "artifact_wrong_size",
        "A file has another size",
        "A file is longer or shorter than written.",
    )


class WrongHash(BadArtifact):
    row = _named(
        "artifact_wrong_hash",
        "A file holds other bytes",
        "The SHA-256 of a file, or of the whole, is not the one that was written.",
    )


class BadManifest(BadArtifact):
    row = _named(
        "artifact_bad_manifest",
        "The manifest cannot be read",
        "metadata.json, label_map.json or feature_schema.json is not as the format says.",
    )


class WrongSchema(BadArtifact):
    row = _named(
        "artifact_wrong_schema",
        "The model speaks another schema",
        "Its feature schema is not one of the platform's, or not with the same content.",
    )


class GoldenMissing(BadArtifact):
    row = _named(
        "artifact_golden_missing",
        "No golden vectors",
        "For each pass that it offers, a model brings inputs with the outputs expected.",
    )


class GoldenFailed(BadArtifact):
    row = _named(
        "artifact_golden_mismatch",
        "The self-test failed",
        "The model does not answer its golden vectors within 1e-6.",
    )


class ArtifactTaken(errors.Conflict):
    row = errors.registered(
        "artifact_exists",
        409,
        "The version has another artifact",
        "A version keeps its artifact for good, and this one has other bytes.",
        "Give what is new a new version.",
    )
