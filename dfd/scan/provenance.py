"""Reading the C2PA manifest of a file, a signed claim about where the file comes from.

The optional package ``c2pa-python`` (the extra ``provenance``) reads it. A manifest says who signed
which claims, not that the picture is true. Most videos have no manifest, and any program that
rewrites a file may drop it, so a missing manifest proves nothing. See the C2PA Technical
Specification, https://c2pa.org/specifications.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dfd.scan.record import Provenance

# A scan causes no network traffic, so neither manifests that lie elsewhere nor lists of revoked
# certificates are fetched.
_SETTINGS = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_LONGEST = 200  # characters to keep of a claimed value


def read_provenance(path: Path) -> Provenance | None:
    """Return what the C2PA manifest in a video claims.

    Args:
        path: The file.

    Returns:
        The claims; with the state ``Unreadable`` and nothing else where the reader fails on the
        file or the manifest is not formed as it should be. None where the package is not
        installed, the file is none of MP4, MOV, AVI, JPEG, PNG and WebP, or it has no
        manifest.

    Raises:
        MemoryError: The manifest needs more memory than there is.

    Example:
        >>> read_provenance(Path("samples/videos/ajgbsfvojo.mp4")) is None
        True
    """
    try:
        import c2pa
    except (ImportError, OSError):  # not installed, or its native library does not load here
        return None
    try:
        with path.open("rb") as file:
            media_type = _media_type(file.read(12))
            file.seek(0)
            if media_type is None:
                return None
            context = c2pa.Context(c2pa.Settings.from_dict(_SETTINGS))
            with c2pa.Reader(media_type, file, context=context) as reader:
                manifest = reader.get_active_manifest() or {}
                return _provenance(str(reader.get_validation_state()), manifest)
    except (c2pa.C2paError.ManifestNotFound, OSError):
        return None
    except MemoryError:
        raise
    except Exception:  # of a foreign reader, or of claims that anyone may have formed in any way
        return Provenance(
            state="Unreadable", signer=None, signed_at=None, generator=None, sources=()
        )


def _media_type(start: bytes) -> str | None:
    """Return the media type of a file that begins with these 12 bytes; None for other kinds."""
    if start[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide"):
        return "video/mp4"
    if start[:4] == b"RIFF":
        return {b"AVI ": "video/avi", b"WEBP": "image/webp"}.get(start[8:12])
    if start.startswith(b"\x89PNG"):
        return "image/png"
    return "image/jpeg" if start.startswith(b"\xff\xd8\xff") else None


def _provenance(state: str, manifest: dict[str, Any]) -> Provenance:
    signature = manifest.get("signature_info") or {}
    generator: dict[str, Any] = next(iter(manifest.get("claim_generator_info") or []), {})
    return Provenance(
        state=state,
        signer=_text(signature.get("issuer") or signature.get("common_name")),
        signed_at=_text(signature.get("time")),
        generator=_text(generator.get("name") or manifest.get("claim_generator")),
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
    """Return a claimed value, which anyone may have written, as one line that is safe to show."""
    shown = "".join(sign if sign.isprintable() else "·" for sign in str(value or ""))
    return shown[:_LONGEST] or None
