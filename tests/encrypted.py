"""The broker behind TLS, with a certificate made for the moment."""

import ssl
import subprocess
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from django.conf import settings

from tests.faults.proxy import Proxy

OURS, ANOTHER = "IP:127.0.0.1", "DNS:another.example"


@contextmanager
def encrypted(folder, name):
    """Yield the URL of a broker with this name, and its certificate's file."""
    certificate, key = folder / "broker.pem", folder / "key.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=broker", "-addext", f"subjectAltName={name}"]
    words += ["-out", certificate, "-keyout", key]
    subprocess.run(["openssl", *words], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    there = urlsplit(settings.AMQP_URL)
    with closing(Proxy(there.port, tls=context)) as between:
        netloc = there.netloc.replace(f":{there.port}", f":{between.port}")
        yield there._replace(scheme="amqps", netloc=netloc).geturl(), certificate
