"""C2PA manifests, signed with a certificate that the test makes."""

import builtins
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dfd.scan.provenance import read_provenance
from dfd.scan.record import Provenance
from tests.data import SAMPLE

c2pa = pytest.importorskip("c2pa", reason="the extra provenance is not installed")

CLIP = min(SAMPLE.glob("*.mp4"))
SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
USAGE = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
UNREADABLE = Provenance(state="Unreadable", signer=None, signed_at=None, generator=None, sources=())
Key = ec.EllipticCurvePrivateKey


def name(common: str) -> x509.Name:
    pairs = ((NameOID.ORGANIZATION_NAME, "Test News\n\u202e"), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in pairs])


def certificate(subject: str, key: Key, issuer_key: Key, usage: str) -> x509.Certificate:
    """Return a certificate issued by ``root``; the C2PA reader insists on every extension."""
    now, ours = datetime.now(UTC), x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    theirs = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("root"))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1))
    for extension, critical in (
        (x509.BasicConstraints(subject == "root", None), True),
        (x509.KeyUsage(**{each: each == usage for each in USAGE}), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
        (ours, False),
        (theirs, False),
    ):
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    chain = (
        certificate("leaf", key, root, "digital_signature"),
        certificate("root", root, root, "key_cert_sign"),
    )
    pem = b"".join(link.public_bytes(serialization.Encoding.PEM) for link in chain)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", pem, private, None))
    made = {"action": "c2pa.created", "digitalSourceType": SOURCE}
    edited = {"action": "c2pa.edited", "digitalSourceType": SOURCE}
    manifest = {
        "claim_generator_info": [{"name": "face maker", "version": "1"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [made, edited]}}],
    }
    path = tmp_path_factory.mktemp("signed") / "signed.mp4"
    c2pa.Builder(json.dumps(manifest)).sign_file(CLIP, path, signer)
    return path


def test_a_manifest_tells_who_signed_and_how_it_was_made(signed: Path) -> None:
    provenance = read_provenance(signed)
    assert (
        provenance.state == "Valid"
    )  # and not Trusted: the certificate is on no list of trusted ones
    assert provenance.signer == "Test News··"
    assert provenance.generator == "face maker"
    assert provenance.sources == ("trainedAlgorithmicMedia",)


def test_a_changed_picture_is_told(signed: Path, tmp_path: Path) -> None:
    content = bytearray(signed.read_bytes())
    content[-3000] ^= 1
    (tmp_path / "changed.mp4").write_bytes(content)
    (tmp_path / "half.mp4").write_bytes(content[:20_000])
    assert read_provenance(tmp_path / "changed.mp4").state == "Invalid"
    assert read_provenance(tmp_path / "half.mp4").state == "Invalid"


def test_files_without_a_manifest_have_none(tmp_path: Path) -> None:
    for file, content in (("text.mp4", b"text" * 100), ("empty.mp4", b"")):
        (tmp_path / file).write_bytes(content)
        assert read_provenance(tmp_path / file) is None
    assert read_provenance(CLIP) is None
    assert read_provenance(tmp_path / "gone.mp4") is None


def test_a_damaged_manifest_is_unreadable(signed: Path, tmp_path: Path) -> None:
    broken = bytearray(signed.read_bytes())
    start = broken.index(b"jumb")
    broken[start : start + 2000 : 97] = bytes(21)
    (tmp_path / "broken.mp4").write_bytes(broken)
    assert read_provenance(tmp_path / "broken.mp4") == UNREADABLE


def test_relabelled_manifests_cost_no_verdict(signed: Path, tmp_path: Path) -> None:
    """Names of manifests in the store, and references to them, changed at random."""
    content = signed.read_bytes()
    names = [match.start() for match in re.finditer(b"urn:c2pa:", content)]
    rng = np.random.default_rng(8)
    states = set()
    for _ in range(50):
        relabelled = bytearray(content)
        for place in rng.integers(-4, 48, int(rng.integers(1, 4))):
            relabelled[names[rng.integers(len(names))] + place] = rng.integers(256)
        (tmp_path / "relabelled.mp4").write_bytes(relabelled)
        states.add(read_provenance(tmp_path / "relabelled.mp4").state)
    assert {"Invalid", "Unreadable"} <= states


@pytest.mark.parametrize("error", [KeyError("Active manifest not found"), RuntimeError()])
def test_whatever_the_reader_raises_is_unreadable(
    signed: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Some releases of the reader raise ``KeyError`` for a store without its active manifest."""

    def fail(reader: c2pa.Reader) -> None:
        raise error

    monkeypatch.setattr(c2pa.Reader, "get_active_manifest", fail)
    assert read_provenance(signed) == UNREADABLE


def test_without_the_package_nothing_is_read(signed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(module: str, *rest: object):
        if module == "c2pa":
            raise ImportError(module)
        return real(module, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    assert read_provenance(signed) is None
