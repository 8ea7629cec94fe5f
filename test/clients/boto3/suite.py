"""boto3 and botocore against the local stack.

Prints a line for each check, "ok DOOR: WHAT" or "FAIL DOOR: WHAT: why". No line
holds a secret: of an answer only the status, the code and the message are shown.
It runs on Debian 12's boto3 1.26 as well as on today's, so that endpoint and
region are given explicitly: the old one reads no AWS_ENDPOINT_URL_STS, and none
of them reads AWS_REGION.
"""

import contextlib
import datetime
import html
import json
import os
import pathlib
import re
import sys
import tempfile
import urllib.parse

import boto3
import botocore
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import ContainerProvider, Credentials
from botocore.exceptions import ClientError, CredentialRetrievalError
from botocore.httpsession import URLLib3Session

HTTP, JWT = os.environ["CREDVEND_URL"], os.environ["CREDVEND_JWT_URL"]
FUNCTION, REST = os.environ["CREDVEND_FUNCTION_URL"], os.environ["CREDVEND_REST_URL"]
TARGET, ISSUER = os.environ["CREDVEND_TARGET_URL"], os.environ["CREDVEND_ISSUER_URL"]
STS, REGION = os.environ["AWS_ENDPOINT_URL_STS"], os.environ["AWS_REGION"]
ORDERS_ROLE = "arn:aws:iam::111122223333:role/orders-invoke"
VEND, ASK = "/v1/credentials", '{"target":"orders"}'
JSON_BODY = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HOUR = 3600
with (pathlib.Path(__file__).parent.parent / "refusals.tsv").open() as table:
    rows = [line.rstrip("\n").split("\t") for line in table if not line.startswith("#")]
REFUSALS = {(door, case): (int(status), kind, body) for door, case, status, kind, body in rows}

failed = False
web = URLLib3Session(timeout=20)


def check(name, body):
    """Runs one check; a failed assertion, and whatever else goes wrong, is its failure."""
    global failed
    try:
        body()
        print(f"ok {name}")
    except AssertionError as why:
        failed = True
        print(f"FAIL {name}: {why}")
    except Exception as why:  # an exception's text may hold a URL with a session token
        failed = True
        print(f"FAIL {name}: {type(why).__name__}")


def keys_of(profile):
    return boto3.Session(profile_name=profile).get_credentials()


class Answer:
    def __init__(self, response):
        self.status = response.status_code
        self.text = response.content.decode()
        self.kind = response.headers.get("www-authenticate") or response.headers.get("x-amzn-ErrorType") or "-"
        self.body = self.text
        if self.text.startswith("<"):  # STS
            self.kind = "".join(re.findall("<Code>(.*)</Code>", self.text))
            self.body = html.unescape("".join(re.findall("<Message>.*</Message>", self.text)))
        try:
            self.doc = json.loads(response.content)
        except ValueError:
            self.doc = {}

    def __str__(self):
        said = {k: self.doc[k] for k in ("code", "message", "Message") if k in self.doc}
        return f"{self.status} {json.dumps(said)}"


class SkewedAuth(SigV4Auth):
    """Signs as a machine does whose clock is off by so many seconds."""

    skew = 0

    def _modify_request_before_signing(self, request):
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.skew)
        request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
        super()._modify_request_before_signing(request)


def send(method, url, keys=None, service="execute-api", data=None, headers=None, presign=False, region=REGION, skew=0, tamper=None):
    """Sends a request. tamper is a pair of texts: the second takes the first one's place, in URL and body, once it is signed."""
    request = AWSRequest(method=method, url=url, data=data, headers=headers or (JSON_BODY if data else {}))
    if keys is not None and presign:
        SigV4QueryAuth(keys, service, region, expires=60).add_auth(request)
    elif keys is not None and skew:
        auth = SkewedAuth(keys, service, region)
        auth.skew = skew
        auth.add_auth(request)
    elif keys is not None:
        SigV4Auth(keys, service, region).add_auth(request)
    if tamper is not None:
        request.url = request.url.replace(*tamper)
        request.data = data.replace(*tamper) if data else data
    return Answer(web.send(request.prepare()))


def refused_by_the_door(answer):
    """API Gateway and Lambda refuse in their own words, the service with a code."""
    assert answer.status == 403 and "code" not in answer.doc, f"got {answer}, want the door's own 403"


def refused_as_aws_does(door, case, answer):
    status, kind, body = REFUSALS[door, case]
    for what, got, want in (("status", str(answer.status), str(status)), ("error", answer.kind, kind), ("body", answer.body, body)):
        pattern = ".*".join(re.escape(part) for part in want.split("*"))
        assert re.fullmatch(pattern, got, re.DOTALL), f"{what} is {got[:300] if answer.status != 200 else 'withheld'}, want {want}"


def expect(answer, status, code=None):
    assert answer.status == status and (code is None or answer.doc.get("code") == code), f"got {answer}, want {status} {code or ''}"
    return answer.doc


def vended(answer):
    doc = expect(answer, 200)
    return Credentials(doc["AccessKeyId"], doc["SecretAccessKey"], doc["SessionToken"])


def sts_client(session, keys=None):
    given = {} if keys is None else dict(
        aws_access_key_id=keys.access_key, aws_secret_access_key=keys.secret_key, aws_session_token=keys.token)
    return session.client("sts", endpoint_url=STS, region_name=REGION, config=Config(connect_timeout=5, read_timeout=20), **given)


def expect_text(answer, text):
    assert answer.status == 200 and text in answer.text, f"got {answer}, want 200 and {text}"


def expect_arn(arn, prefix):
    assert arn.startswith(prefix), f"STS names {arn}, want {prefix}…"


def expect_error(call, code):
    try:
        call()
    except ClientError as refusal:
        got = refusal.response["Error"]["Code"]
        assert got == code, f"got {got}, want {code}"
    else:
        raise AssertionError(f"it was answered, want {code}")


def token_for(sub, **claims):
    form = urllib.parse.urlencode({"sub": sub, "groups": "shoppers", **claims})
    response = web.send(AWSRequest(method="POST", url=ISSUER + "/token", data=form, headers=FORM).prepare())
    assert response.status_code == 200, f"the issuer answers {response.status_code}"
    return response.content.decode()


def sts():
    def named(profile):
        arn = sts_client(boto3.Session(profile_name=profile)).get_caller_identity()["Arn"]
        expect_arn(arn, f"arn:aws:sts::444455556666:assumed-role/{profile}/")

    def direct():
        client = sts_client(boto3.Session(profile_name="billing-service"))
        expect_error(lambda: client.assume_role(RoleArn=ORDERS_ROLE, RoleSessionName="direct"), "AccessDenied")

    def presigned():
        client = sts_client(boto3.Session(profile_name="billing-service"))
        url = client.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
        response = web.send(AWSRequest(method="GET", url=url).prepare())
        assert response.status_code == 200, f"got {response.status_code}, want 200"
        assert b"assumed-role/billing-service/" in response.content, "the answer does not name billing-service"

    def ask(keys=None, action="GetCallerIdentity", **how):
        return send("POST", STS + "/", keys, service=how.pop("service", "sts"), data=f"Action={action}&Version=2011-06-15", headers=FORM, **how)

    assume = "AssumeRole&RoleSessionName=direct&RoleArn=" + urllib.parse.quote(ORDERS_ROLE, safe="")
    seven_cases("sts", ask, keys_of("billing-service"), other_service="execute-api", tamper=("&Version", "&Extra=1&Version"),
                allowed=lambda answer: expect_text(answer, "<Arn>arn:aws:sts::444455556666:assumed-role/billing-service/"),
                refused=lambda: ask(keys_of("billing-service"), assume))
    check("sts: billing-service is named", lambda: named("billing-service"))
    check("sts: stranger is named", lambda: named("stranger"))
    check("sts: orders-invoke cannot be assumed directly", direct)
    check("sts: a presigned GetCallerIdentity is answered", presigned)


def seven_cases(door, call, keys, other_service, tamper, allowed, refused):
    """The cases of README.md at an endpoint that takes signatures; call sends as its arguments say."""
    check(f"{door}: allowed", lambda: allowed(call(keys)))
    check(f"{door}: a clock that is four minutes behind is allowed", lambda: allowed(call(keys, skew=-240)))
    cases = {
        "unsigned": call,
        "refused": refused,
        "expired": lambda: call(keys_of("expired")),
        "tampered": lambda: call(keys, tamper=tamper),
        "clock-behind": lambda: call(keys, skew=-HOUR),
        "clock-ahead": lambda: call(keys, skew=HOUR),
        "wrong-service": lambda: call(keys, service=other_service),
        "wrong-region": lambda: call(keys, region="eu-nowhere-1"),
    }
    for case, body in cases.items():
        check(f"{door}: {case}", lambda: refused_as_aws_does(door, case, body()))


def signed_door(door, url, profile, service, other_service, refused):
    """A front door with AWS_IAM. refused gives the keys of somebody whom the door turns away."""
    def call(keys=None, service=service, **how):
        return send("POST", url + VEND, keys, service, ASK, **how)

    seven_cases(door, call, keys_of(profile), other_service, tamper=("orders", "0rders"), allowed=vended, refused=lambda: call(refused()))


def vended_keys():
    return vended(send("POST", HTTP + VEND, keys_of("billing-service"), data=ASK))


def whoami(answer):
    doc = expect(answer, 200)
    assert doc["principal"] == "arn:aws:iam::444455556666:role/billing-service", f"it names {doc['principal']}"


def http_api():
    signed_door("http-api", HTTP, "billing-service", "execute-api", "lambda", lambda: keys_of("outsider"))
    billing = keys_of("billing-service")
    check("http-api: stranger is denied", lambda: expect(send("POST", HTTP + VEND, keys_of("stranger"), data=ASK), 403, "denied"))

    def one_route():
        # botocore signs a URL's query as it stands, so that what AWS escapes must
        # be escaped: with "/" for "%2F" the signature would not match.
        doc = expect(send("GET", HTTP + VEND + "/orders?route=GET%20%2Forders%2F42", billing), 200)
        assert doc["Grant"]["routes"] == ["GET /orders/42"], f"granted {doc['Grant']['routes']}"

    check("http-api: a GET with a route vends that route alone", one_route)
    check("http-api: whoami names the caller", lambda: whoami(send("GET", HTTP + "/v1/whoami", billing)))
    check("http-api: a presigned whoami is answered", lambda: whoami(send("GET", HTTP + "/v1/whoami", billing, presign=True)))


def jwt():
    def vend(token=None):
        headers = dict(JSON_BODY, **({"Authorization": "Bearer " + token} if token else {}))
        return send("POST", JWT + VEND, data=ASK, headers=headers)

    def forged():
        head, claims, signature = token_for("shopper-1").split(".")
        other = token_for("shopper-2").split(".")[1]
        assert claims != other
        return ".".join((head, other, signature))

    check("jwt: allowed", lambda: vended(vend(token_for("shopper-1"))))
    cases = {
        "unsigned": lambda: None,
        "refused": lambda: token_for("shopper-1", groups="nobody"),
        "expired": lambda: token_for("shopper-1", exp=-60),
        "tampered": forged,
        "clock-behind": lambda: token_for("shopper-1", iat=-2 * HOUR, exp=-HOUR),
        "clock-ahead": lambda: token_for("shopper-1", iat=HOUR, nbf=HOUR, exp=2 * HOUR),
        "wrong-service": lambda: token_for("shopper-1", aud="another-app"),
        "wrong-region": lambda: token_for("shopper-1", iss="https://issuer.example.com"),
    }
    for case, token in cases.items():
        check(f"jwt: {case}", lambda: refused_as_aws_does("jwt", case, vend(token())))


def granted_and_no_more(door, keys):
    """The calls that credentials for GET /orders/* can make of Account A's API, and those they cannot."""
    check(f"{door}: an allowed route is answered 200", lambda: expect(send("GET", TARGET + "/orders/42", keys), 200))
    check(f"{door}: another route is refused 403", lambda: refused_by_the_door(send("POST", TARGET + "/orders", keys, data="{}")))


def target():
    def call(keys=None, **how):
        return send("GET", TARGET + "/orders/42", keys, **how)

    keys = vended_keys()
    seven_cases("target", call, keys, "lambda", tamper=("/42", "/43"), allowed=lambda answer: expect(answer, 200),
                refused=lambda: send("POST", TARGET + "/orders", keys, data="{}"))
    check("target: a presigned GET /orders/42 is answered", lambda: expect(send("GET", TARGET + "/orders/42", keys, presign=True), 200))
    check("target: billing-service's own signature is refused", lambda: refused_by_the_door(send("GET", TARGET + "/orders/42", keys_of("billing-service"))))


def own_and_no_others(door, keys, mine, others):
    """The call that a shopper's credentials can make, and one that is another's."""
    check(f"{door}: an allowed route is answered 200", lambda: expect(send("GET", f"{TARGET}/users/{mine}/x", keys), 200))
    check(f"{door}: another route is refused 403", lambda: refused_by_the_door(send("GET", f"{TARGET}/users/{others}/x", keys)))


@contextlib.contextmanager
def contained(variable, value):
    """What a program meets that finds the container's variables."""
    given = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": JWT + VEND + "/orders", variable: value}
    os.environ.update(given)
    try:
        yield
    finally:
        for name in given:
            del os.environ[name]


def container():
    """A stock client that is pointed at the JWT door, with no code of ours."""
    with contained("AWS_CONTAINER_AUTHORIZATION_TOKEN", token_for("shopper-1")):
        keys = boto3.Session().get_credentials()
        assert keys is not None and keys.method == "container-role", "it finds no credentials"
        keys = keys.get_frozen_credentials()
    arn = sts_client(boto3.Session(), keys).get_caller_identity()["Arn"]
    check("container: the session is the token's", lambda: expect_arn(arn, "arn:aws:sts::111122223333:assumed-role/orders-invoke/shopper@"))
    own_and_no_others("container", keys, "shopper-1", "shopper-2")


def container_file():
    """The token in a file, which is another one when the credentials are fetched anew."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "token"
        file.write_text(token_for("shopper-1"))
        with contained("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file)):
            if not hasattr(ContainerProvider, "ENV_VAR_AUTH_TOKEN_FILE"):
                # By AWS's table for EKS Pod Identity. An older one asks without a token.
                check("container-file: reads no file before 1.34.41", no_credentials)
                return
            keys = boto3.Session().get_credentials()
            own_and_no_others("container-file", keys.get_frozen_credentials(), "shopper-1", "shopper-2")
            file.write_text(token_for("shopper-2"))
            # As it does by itself at the end of the old ones' life.
            keys._expiry_time = datetime.datetime.now(datetime.timezone.utc)
            renewed = keys.get_frozen_credentials()
        check("container-file: the second token is used", lambda: expect(send("GET", TARGET + "/users/shopper-2/x", renewed), 200))
        check("container-file: the first token is used no more", lambda: refused_by_the_door(send("GET", TARGET + "/users/shopper-1/x", renewed)))


def no_credentials():
    try:
        boto3.Session().get_credentials()
    except CredentialRetrievalError:
        return
    raise AssertionError("it got credentials")


def process():
    session = boto3.Session(profile_name="orders")
    arn = sts_client(session).get_caller_identity()["Arn"]
    check("process: the session is billing-service's", lambda: expect_arn(arn, "arn:aws:sts::111122223333:assumed-role/orders-invoke/billing-service@"))
    granted_and_no_more("process", session.get_credentials().get_frozen_credentials())


print(f"version boto3 {boto3.__version__}, botocore {botocore.__version__}")
doors = (("sts", sts), ("function-url", lambda: signed_door("function-url", FUNCTION, "outsider", "lambda", "execute-api", vended_keys)),
         ("rest-api", lambda: signed_door("rest-api", REST, "outsider", "execute-api", "lambda", vended_keys)),
         ("http-api", http_api), ("jwt", jwt), ("target", target), ("container", container), ("container-file", container_file),
         ("process", process))
for name, suite in doors:
    try:
        suite()
    except Exception as why:
        check(f"{name}: can be reached", lambda: (_ for _ in ()).throw(why))
sys.exit(failed)
