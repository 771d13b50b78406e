"""Tokens of a real little issuer on this machine: which are taken, and what happens to its keys."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi.testclient import TestClient
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from features.errors import SettingsError
from features.settings import Settings
from serving.access.caller import Caller
from serving.access.oidc import Issuer
from serving.access.roles import ROLES
from serving.api import create_app
from serving.errors import IssuerUnavailable, Unidentified
from serving.store import ScoreStore

AUDIENCE = "healthscore"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


class LittleIssuer(ThreadingHTTPServer):
    """Publishes its discovery document and its keys, and counts how often they are asked for."""

    def __init__(self) -> None:
        self.published: dict[str, Any] = {"rsa": RSA, "ec": EC}
        self.asked = 0
        super().__init__(("127.0.0.1", 0), _Documents)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def token(self, key: object = RSA, kid: str = "rsa", algorithm: str = "RS256", **claims: object) -> str:
        """A token as this issuer would give it out, with some claims changed (None: left out)."""
        now = datetime.now(UTC)
        usual = {
            "iss": self.url, "aud": AUDIENCE, "sub": "u-17", "iat": now, "exp": now + timedelta(minutes=5),
            "role": "renewals",
        }  # fmt: skip
        given = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(given, key, algorithm, headers={"kid": kid})  # type: ignore[arg-type]


class _Documents(BaseHTTPRequestHandler):
    server: LittleIssuer

    def do_GET(self) -> None:
        if self.path == "/keys":
            self.server.asked += 1
            keys = [
                json.loads(
                    (ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm).to_jwk(
                        key.public_key()
                    )
                )
                | {"kid": kid, "use": "sig"}
                for kid, key in self.server.published.items()
            ]
            body = {"keys": keys}
        else:
            body = {"issuer": self.server.url, "jwks_uri": f"{self.server.url}/keys"}
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def usual() -> Iterator[LittleIssuer]:
    """A running issuer whose keys stay as they are."""
    yield from _running()


@pytest.fixture(scope="module")
def service(unchanging: ScoreStore, usual: LittleIssuer) -> Iterator[TestClient]:
    """The service on the cast, which takes that issuer's tokens and has no key."""
    app = create_app(unchanging, Settings(oidc_issuer=usual.url, oidc_audience=AUDIENCE))
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def issuer() -> Iterator[LittleIssuer]:
    """A running issuer whose keys a test may change."""
    yield from _running()


def _running() -> Iterator[LittleIssuer]:
    with LittleIssuer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(client_of: Callable[..., TestClient], published: ScoreStore, issuer: LittleIssuer) -> TestClient:
    """The service on the cast, which takes the issuer's tokens and has no key."""
    return client_of(published, oidc_issuer=issuer.url, oidc_audience=AUDIENCE)


def ask(client: TestClient, token: str, path: str = "/v1/accounts") -> Any:
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


def _minutes(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "claims, status",
    [
        ({}, 200),
        ({"key": EC, "kid": "ec", "algorithm": "ES256"}, 200),
        ({"aud": ["another", AUDIENCE]}, 200),
        ({"nbf": _minutes(-1)}, 200),
        ({"role": ["guest", "renewals"]}, 200),
        ({"exp": _minutes(-2)}, 401),
        ({"exp": None}, 401),
        ({"nbf": _minutes(600)}, 401),
        ({"iat": _minutes(600)}, 401),
        ({"aud": "another"}, 401),
        ({"aud": None}, 401),
        ({"iss": "https://elsewhere.example"}, 401),
        ({"iss": None}, 401),
        ({"sub": None}, 401),
        ({"key": OTHER}, 401),  # signed by somebody else
        ({"kid": "unknown"}, 401),
        ({"kid": "ec"}, 401),  # a key of another kind
        ({"key": "x" * 64, "algorithm": "HS256"}, 401),
        ({"key": None, "algorithm": "none"}, 401),
        ({"algorithm": "RS512"}, 401),  # sound, and not on the list
        ({"role": None}, 403),
        ({"role": "guest"}, 403),
        ({"role": 7}, 403),
        ({"role": "csm"}, 403),  # of no owner
        ({"role": "job"}, 403),
    ],
)
def test_which_tokens_are_taken(service: TestClient, usual: LittleIssuer, claims: dict[str, Any], status: int) -> None:
    answer = ask(service, usual.token(**claims))
    assert answer.status_code == status
    assert (answer.headers.get("www-authenticate") == 'Bearer error="invalid_token"') == (status == 401)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ey.ey.ey", "hs_", "\x00", "…".encode().decode("latin-1")])
def test_what_is_no_token(service: TestClient, token: str) -> None:
    headers = {b"Authorization": f"Bearer {token}".encode("latin-1")}
    assert service.get("/v1/accounts", headers=headers).status_code == 401


def test_a_changed_token_is_refused(service: TestClient, usual: LittleIssuer) -> None:
    header, _, signature = usual.token().split(".")
    _, claims, _ = usual.token(role="admin").split(".")
    assert ask(service, f"{header}.{claims}.{signature}").status_code == 401


def test_a_csm_sees_the_accounts_of_the_owner_the_token_names(service: TestClient, usual: LittleIssuer) -> None:
    rows = ask(service, usual.token(role="csm", owner="Ken Osei")).json()["accounts"]
    assert [row["account_id"] for row in rows] == ["thrive"]


def test_claims_may_have_other_names(issuer: LittleIssuer) -> None:
    named = Issuer(issuer.url, AUDIENCE, role_claim="https://acme.example/roles", owner_claim="name")
    token = issuer.token(**{"https://acme.example/roles": ["csm", "admin"], "name": "Ada", "role": None})
    assert named.caller(token) == Caller("oidc:u-17", "admin", ROLES["admin"], "Ada")


def test_nobody_is_let_in_without_a_token(service: TestClient) -> None:
    assert service.get("/v1/accounts").status_code == 401
    assert service.get("/readyz").status_code == 200


def test_keys_are_fetched_once(client: TestClient, issuer: LittleIssuer) -> None:
    assert issuer.asked == 0
    for subject in ("a", "b", "c"):
        assert ask(client, issuer.token(sub=subject)).status_code == 200
    assert issuer.asked == 1
    for _ in range(3):
        assert ask(client, issuer.token(kid="made up")).status_code == 401
    assert issuer.asked == 1  # nobody can make it ask in a loop


def test_a_new_key_is_found_and_an_old_one_is_let_go(issuer: LittleIssuer) -> None:
    known = Issuer(issuer.url, AUDIENCE, cooldown_s=0)
    old = issuer.token()
    assert known.caller(old).who == "oidc:u-17"
    issuer.published = {"new": OTHER}
    assert known.caller(issuer.token(key=OTHER, kid="new")).who == "oidc:u-17"
    with pytest.raises(Unidentified):
        known.caller(old)


def test_an_issuer_that_is_away(client_of: Callable[..., TestClient], published: ScoreStore) -> None:
    with LittleIssuer() as gone:
        token = gone.token()
    client = client_of(published, oidc_issuer=gone.url, oidc_audience=AUDIENCE)
    answer = ask(client, token)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "use an API key" in answer.json()["detail"]
    assert gone.url not in answer.text


def test_known_keys_outlast_a_short_absence(issuer: LittleIssuer) -> None:
    known = Issuer(issuer.url, AUDIENCE)
    known.caller(issuer.token())
    issuer.published = {}
    assert known.caller(issuer.token(sub="another")).who == "oidc:another"


def test_an_issuer_that_calls_itself_something_else(issuer: LittleIssuer) -> None:
    with pytest.raises(IssuerUnavailable, match="another"):
        Issuer(f"{issuer.url}/", AUDIENCE).caller(issuer.token())


@pytest.mark.parametrize(
    "settings, says",
    [
        ({"oidc_issuer": "https://login.example"}, "oidc_audience"),
        ({"oidc_issuer": "http://login.example", "oidc_audience": "a"}, "https://"),
        ({"oidc_issuer": "https://login.example", "oidc_audience": "a", "oidc_jwks_url": "file:///keys"}, "https://"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Issuer.of(Settings(**settings))  # type: ignore[arg-type]
    assert Issuer.of(Settings()) is None
