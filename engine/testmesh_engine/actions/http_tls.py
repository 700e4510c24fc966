"""TLS of ``http_request``: whom to trust, who we are, and what went wrong in a handshake, in words."""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError

_Loaded = TypeVar("_Loaded")
_PEM = "-----BEGIN "


@dataclass(frozen=True, slots=True)
class Tls:
    """What a step says about TLS. The three texts are PEM, or the path of a file that holds it; "" for none."""

    verify: bool = True
    ca: str = ""
    certificate: str = ""
    key: str = ""

    def __repr__(self) -> str:
        return "<Tls>"  # it may hold a private key


def is_pem(text: str) -> bool:
    """Whether ``text`` is the PEM itself, and no path."""
    return _PEM in text


def context_of(tls: Tls, alpn: list[str]) -> ssl.SSLContext:
    """The context for a client's connections. Raises ``UsageError`` where a certificate or key can't be read."""
    context = _trust(tls)
    context.set_alpn_protocols(alpn)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate:
        _load_certificate(context, tls)
    elif tls.key:
        raise UsageError("client_key has no client_cert to go with")
    return context


def _trust(tls: Tls) -> ssl.SSLContext:
    """Without ``ca_cert``, what this machine trusts and what Mozilla does: an image may lack the one."""
    if not tls.ca:
        import certifi  # noqa: PLC0415 - only flows that use TLS pay for it

        context = ssl.create_default_context()
        if tls.verify:
            context.load_verify_locations(certifi.where())
        return context
    if is_pem(tls.ca):
        return _loaded("ca_cert", lambda: ssl.create_default_context(cadata=tls.ca))
    return _loaded(f"ca_cert {tls.ca}", lambda: ssl.create_default_context(cafile=tls.ca))


def _load_certificate(context: ssl.SSLContext, tls: Tls) -> None:
    given = [text for text in (tls.certificate, tls.key) if text]
    paths = [_as_file(text) if is_pem(text) else text for text in given]
    shown = ["as text" if is_pem(text) else text for text in given]
    what = f"client_cert {shown[0]}" + (f" with client_key {shown[1]}" if tls.key else "")
    key = paths[1] if tls.key else None
    asked: list[str] = []

    def passphrase() -> str:
        # Without this, OpenSSL would ask the terminal.
        asked.append("a passphrase")
        return ""

    try:
        _loaded(what, lambda: context.load_cert_chain(paths[0], key, password=passphrase))
    except UsageError as error:
        if asked:
            raise UsageError(
                f"{what} can't be used: the key is encrypted", hint="Give it without a passphrase."
            ) from error
        raise
    finally:
        for text, path in zip(given, paths, strict=True):
            if is_pem(text):
                Path(path).unlink(missing_ok=True)


def _as_file(pem: str) -> str:
    """A file that only we may read: OpenSSL takes a certificate of our own from files alone."""
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(pem)
    return path


def _loaded(what: str, load: Callable[[], _Loaded]) -> _Loaded:
    try:
        return load()
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(f"{what} can't be used: {_why_not_loaded(error)}", hint=_PEM_HINT) from error
    except OSError as error:
        raise UsageError(f"{what} can't be read: {error.strerror or error}") from error


def _why_not_loaded(error: Exception) -> str:
    if "KEY_VALUES_MISMATCH" in str(error).upper().replace(" ", "_"):
        return "the key does not belong to the certificate"
    return "it holds no certificate or key in PEM form that can be read"


_PEM_HINT = "PEM is text between -----BEGIN …----- and -----END …-----; in YAML a literal block (|) keeps its lines."


@dataclass(frozen=True, slots=True)
class Explained:
    """What is wrong, and what to do."""

    message: str
    hint: str = ""


_CERTIFICATE_FAULTS = {
    9: ("the server's certificate is not valid yet", "Compare its dates with this machine's clock."),
    10: ("the server's certificate has expired", "Renew it; or, to test in spite of it, write verify_ssl: false."),
    18: ("the server's certificate is self-signed", "Give it as ca_cert; or write verify_ssl: false."),
    19: ("the certificate's issuer is not trusted", "Give the issuer's certificate as ca_cert."),
    20: ("the certificate's issuer is not known", "Give the issuer's certificate as ca_cert."),
    21: ("the certificate's issuer is not known", "Give the issuer's certificate as ca_cert."),
    23: ("the server's certificate was revoked", ""),
}
"""By OpenSSL's X509_V_ERR codes: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/."""
_OTHER_NAME = frozenset({62, 64})


_OWN_CERTIFICATE = "Give the client's certificate and key as client_cert and client_key."
_ALERTS = (
    ("CERTIFICATE_REQUIRED", "the server asks for a client certificate, and none was sent", _OWN_CERTIFICATE),
    ("ALERT_UNKNOWN_CA", "the server does not know the issuer of the client's certificate", "Use one that it trusts."),
    ("CERTIFICATE_EXPIRED", "the server says that the client's certificate has expired", "Renew client_cert."),
    ("CERTIFICATE_REVOKED", "the server says that the client's certificate was revoked", "Use another client_cert."),
    ("BAD_CERTIFICATE", "the server refuses the client's certificate, or that there is none", _OWN_CERTIFICATE),
    ("CERTIFICATE_UNKNOWN", "the server refuses the client's certificate", "Use a client_cert that it trusts."),
    (
        "HANDSHAKE_FAILURE",
        "the server refuses the handshake: it shares no cipher with us, or wants a client certificate",
        _OWN_CERTIFICATE,
    ),
    ("UNRECOGNIZED_NAME", "the server has no certificate for this host name", "Write the name that it serves."),
    (
        "WRONG_VERSION_NUMBER",
        "the server does not speak TLS on this port",
        "Write http:// in the URL, or another port.",
    ),
    (
        "RECORD_LAYER_FAILURE",
        "the server does not speak TLS on this port",
        "Write http:// in the URL, or another port.",
    ),
    ("HTTP_REQUEST", "the server does not speak TLS on this port", "Write http:// in the URL, or another port."),
    ("PROTOCOL_VERSION", "the server speaks no version of TLS that is still safe (1.2 or later)", ""),
    ("UNSUPPORTED_PROTOCOL", "the server speaks no version of TLS that is still safe (1.2 or later)", ""),
    ("NO_APPLICATION_PROTOCOL", "the server speaks neither HTTP/1.1 nor HTTP/2 on this port", ""),
)


def explain(error: Exception, host: str = "") -> Explained:
    """What a failed handshake, or a connection that broke under TLS, means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error, host)
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError)):
        return Explained(
            "the server closed the connection during TLS",
            "It may speak no TLS on this port, or want a client certificate (client_cert).",
        )
    said = str(error).upper().replace(" ", "_")
    for sign, message, hint in _ALERTS:
        if sign in said:
            return Explained(message, hint)
    return Explained(f"TLS failed: {_bare(error)}")


def _of_certificate(error: ssl.SSLCertVerificationError, host: str) -> Explained:
    if error.verify_code in _OTHER_NAME:
        return Explained(
            f"the server's certificate is for another name than {host}",
            "Write the name that it is for, or add this one to the certificate (subjectAltName).",
        )
    message, hint = _CERTIFICATE_FAULTS.get(error.verify_code, ("", ""))
    return Explained(message or f"the server's certificate is refused: {error.verify_message}", hint)


def _bare(error: Exception) -> str:
    """OpenSSL's reason without the place in its source."""
    return re.sub(r"^\[[^\]]*\] | \(_ssl\.c:\d+\)$", "", str(getattr(error, "strerror", None) or error))
