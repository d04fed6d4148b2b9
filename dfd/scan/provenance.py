"""What a C2PA manifest in a file claims of where it comes from.

Read with the optional package ``c2pa-python`` (the extra ``provenance``). A manifest is a signed
claim: it says who signed what, not that the picture is true. Most videos have none, and any program
that rewrites a file may drop it, so that its absence proves nothing. See the C2PA Technical
Specification, https://c2pa.org/specifications.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dfd.scan.record import Provenance

# Nothing is fetched: neither manifests that lie elsewhere nor whether a certificate was revoked.
_SETTINGS = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_LONGEST = 200  # characters of a claim that are kept


def read_provenance(path: Path) -> Provenance | None:
    """Return what the manifest in a video says.

    Returns:
        None where the package is not installed, the container is of another kind than MP4, MOV or
        AVI, or there is no manifest that can be read.
    """
    try:
        import c2pa
    except (ImportError, OSError):  # not installed, or its library does not load here
        return None
    try:
        with path.open("rb") as file:
            kind = _kind(file.read(12))
            file.seek(0)
            if kind is None:
                return None
            context = c2pa.Context(c2pa.Settings.from_dict(_SETTINGS))
            with c2pa.Reader(kind, file, context=context) as reader:
                state, manifest = reader.get_validation_state(), reader.get_active_manifest()
    except (c2pa.C2paError, OSError, ValueError):
        return None
    return _provenance(str(state), manifest or {})


def _kind(start: bytes) -> str | None:
    if start[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide"):
        return "video/mp4"
    return "video/avi" if start[:4] == b"RIFF" and start[8:12] == b"AVI " else None


def _provenance(state: str, manifest: dict[str, Any]) -> Provenance:
    signed = manifest.get("signature_info") or {}
    made_by: dict[str, Any] = next(iter(manifest.get("claim_generator_info") or []), {})
    return Provenance(
        state=state,
        signer=_text(signed.get("issuer") or signed.get("common_name")),
        signed_at=_text(signed.get("time")),
        generator=_text(made_by.get("name") or manifest.get("claim_generator")),
        sources=tuple(dict.fromkeys(_sources(manifest))),
    )


def _sources(manifest: dict[str, Any]) -> Iterator[str]:
    """Yield the digital source types of the manifest's actions."""
    for assertion in manifest.get("assertions") or []:
        if str(assertion.get("label")).startswith("c2pa.actions"):
            for action in assertion["data"].get("actions") or []:
                if source := _text(action.get("digitalSourceType")):
                    yield source.rsplit("/", 1)[-1]


def _text(value: Any) -> str | None:
    """Return a claimed value as a line of text that can be shown; anyone may have written it."""
    shown = "".join(sign if sign.isprintable() else "·" for sign in str(value or ""))
    return shown[:_LONGEST] or None
