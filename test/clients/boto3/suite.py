"""boto3 and botocore against the local stack.

Prints a line for each check, "ok DOOR: WHAT" or "FAIL DOOR: WHAT: why". No line
holds a secret: of an answer only the status, the code and the message are shown.
It runs on Debian 12's boto3 1.26 as well as on today's, so that endpoint and
region are given explicitly: the old one reads no AWS_ENDPOINT_URL_STS, and none
of them reads AWS_REGION.
"""

import json
import os
import sys
import urllib.parse

import boto3
import botocore
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

HTTP, JWT = os.environ["CREDVEND_URL"], os.environ["CREDVEND_JWT_URL"]
FUNCTION, REST = os.environ["CREDVEND_FUNCTION_URL"], os.environ["CREDVEND_REST_URL"]
TARGET, ISSUER = os.environ["CREDVEND_TARGET_URL"], os.environ["CREDVEND_ISSUER_URL"]
STS, REGION = os.environ["AWS_ENDPOINT_URL_STS"], os.environ["AWS_REGION"]
ORDERS_ROLE = "arn:aws:iam::111122223333:role/orders-invoke"
VEND, ASK = "/v1/credentials", '{"target":"orders"}'
JSON_BODY = {"Content-Type": "application/json"}

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


def with_wrong_secret(keys):
    return Credentials(keys.access_key, "x" * 40, keys.token)


class Answer:
    def __init__(self, response):
        self.status = response.status_code
        try:
            self.doc = json.loads(response.content)
        except ValueError:
            self.doc = {}

    def __str__(self):
        said = {k: self.doc[k] for k in ("code", "message", "Message") if k in self.doc}
        return f"{self.status} {json.dumps(said)}"


def send(method, url, keys=None, service="execute-api", data=None, headers=None, presign=False, tamper=None):
    request = AWSRequest(method=method, url=url, data=data, headers=headers or (JSON_BODY if data else {}))
    if keys is not None and presign:
        SigV4QueryAuth(keys, service, REGION, expires=60).add_auth(request)
    elif keys is not None:
        SigV4Auth(keys, service, REGION).add_auth(request)
    if tamper is not None:
        request.data = tamper
    return Answer(web.send(request.prepare()))


def refused_by_the_door(answer):
    """API Gateway and Lambda refuse in their own words, the service with a code."""
    assert answer.status == 403 and "code" not in answer.doc, f"got {answer}, want the door's own 403"


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


def token_for(sub):
    form = urllib.parse.urlencode({"sub": sub, "groups": "shoppers"})
    response = web.send(AWSRequest(method="POST", url=ISSUER + "/token", data=form, headers={"Content-Type": "application/x-www-form-urlencoded"}).prepare())
    assert response.status_code == 200, f"the issuer answers {response.status_code}"
    return response.content.decode()


def sts():
    def named(profile):
        arn = sts_client(boto3.Session(profile_name=profile)).get_caller_identity()["Arn"]
        expect_arn(arn, f"arn:aws:sts::444455556666:assumed-role/{profile}/")

    def wrong_secret():
        wrong = with_wrong_secret(keys_of("billing-service"))
        expect_error(sts_client(boto3.Session(), wrong).get_caller_identity, "SignatureDoesNotMatch")

    def direct():
        client = sts_client(boto3.Session(profile_name="billing-service"))
        expect_error(lambda: client.assume_role(RoleArn=ORDERS_ROLE, RoleSessionName="direct"), "AccessDenied")

    def presigned():
        client = sts_client(boto3.Session(profile_name="billing-service"))
        url = client.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
        response = web.send(AWSRequest(method="GET", url=url).prepare())
        assert response.status_code == 200, f"got {response.status_code}, want 200"
        assert b"assumed-role/billing-service/" in response.content, "the answer does not name billing-service"

    check("sts: billing-service is named", lambda: named("billing-service"))
    check("sts: stranger is named", lambda: named("stranger"))
    check("sts: a wrong secret is SignatureDoesNotMatch", wrong_secret)
    check("sts: orders-invoke cannot be assumed directly", direct)
    check("sts: a presigned GetCallerIdentity is answered", presigned)


def signed_door(door, url, profile, service, other_service):
    """What holds at each door with AWS_IAM."""
    keys = keys_of(profile)
    check(f"{door}: {profile} vends", lambda: vended(send("POST", url + VEND, keys, service, ASK)))
    check(f"{door}: unsigned is refused", lambda: refused_by_the_door(send("POST", url + VEND, data=ASK)))
    check(f"{door}: a wrong secret is refused", lambda: refused_by_the_door(send("POST", url + VEND, with_wrong_secret(keys), service, ASK)))
    check(f"{door}: another service's signature is refused", lambda: refused_by_the_door(send("POST", url + VEND, keys, other_service, ASK)))
    check(f"{door}: a tampered body is refused", lambda: refused_by_the_door(send("POST", url + VEND, keys, service, ASK, tamper='{"target":"0rders"}')))


def whoami(answer):
    doc = expect(answer, 200)
    assert doc["principal"] == "arn:aws:iam::444455556666:role/billing-service", f"it names {doc['principal']}"


def http_api():
    signed_door("http-api", HTTP, "billing-service", "execute-api", "lambda")
    billing = keys_of("billing-service")
    check("http-api: stranger is denied", lambda: expect(send("POST", HTTP + VEND, keys_of("stranger"), data=ASK), 403, "denied"))
    check("http-api: outsider is refused", lambda: refused_by_the_door(send("POST", HTTP + VEND, keys_of("outsider"), data=ASK)))

    def one_route():
        # botocore signs a URL's query as it stands, so that what AWS escapes must
        # be escaped: with "/" for "%2F" the signature would not match.
        doc = expect(send("GET", HTTP + VEND + "/orders?route=GET%20%2Forders%2F42", billing), 200)
        assert doc["Grant"]["routes"] == ["GET /orders/42"], f"granted {doc['Grant']['routes']}"

    check("http-api: a GET with a route vends that route alone", one_route)
    check("http-api: whoami names the caller", lambda: whoami(send("GET", HTTP + "/v1/whoami", billing)))
    check("http-api: a presigned whoami is answered", lambda: whoami(send("GET", HTTP + "/v1/whoami", billing, presign=True)))


def jwt():
    def vend(token):
        headers = dict(JSON_BODY, **({"Authorization": "Bearer " + token} if token else {}))
        return send("POST", JWT + VEND, data=ASK, headers=headers)

    def forged():
        head, claims, signature = token_for("shopper-1").split(".")
        other = token_for("shopper-2").split(".")[1]
        assert claims != other
        expect(vend(".".join((head, other, signature))), 401)

    check("jwt: a token vends", lambda: vended(vend(token_for("shopper-1"))))
    check("jwt: without a token is refused", lambda: expect(vend(None), 401))
    check("jwt: a forged token is refused", forged)


def granted_and_no_more(door, keys):
    """The calls that credentials for GET /orders/* can make of Account A's API, and those they cannot."""
    check(f"{door}: GET /orders/42 is answered", lambda: expect(send("GET", TARGET + "/orders/42", keys), 200))
    check(f"{door}: POST /orders is refused", lambda: refused_by_the_door(send("POST", TARGET + "/orders", keys, data="{}")))


def target():
    keys = vended(send("POST", HTTP + VEND, keys_of("billing-service"), data=ASK))
    granted_and_no_more("target", keys)
    check("target: a presigned GET /orders/42 is answered", lambda: expect(send("GET", TARGET + "/orders/42", keys, presign=True), 200))
    check("target: unsigned is refused", lambda: refused_by_the_door(send("GET", TARGET + "/orders/42")))
    check("target: billing-service's own signature is refused", lambda: refused_by_the_door(send("GET", TARGET + "/orders/42", keys_of("billing-service"))))


def container():
    """A stock client that is pointed at the JWT door, with no code of ours."""
    os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = JWT + VEND + "/orders"
    os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = token_for("shopper-1")
    try:
        session = boto3.Session()
        keys = session.get_credentials()
        assert keys is not None and keys.method == "container-role", "it finds no credentials"
        keys = keys.get_frozen_credentials()
    finally:
        del os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    arn = sts_client(session, keys).get_caller_identity()["Arn"]
    check("container: the session is the token's", lambda: expect_arn(arn, "arn:aws:sts::111122223333:assumed-role/orders-invoke/shopper@"))
    check("container: its own route is answered", lambda: expect(send("GET", TARGET + "/users/shopper-1/x", keys), 200))
    check("container: another's route is refused", lambda: refused_by_the_door(send("GET", TARGET + "/users/shopper-2/x", keys)))


def process():
    session = boto3.Session(profile_name="orders")
    arn = sts_client(session).get_caller_identity()["Arn"]
    check("process: the session is billing-service's", lambda: expect_arn(arn, "arn:aws:sts::111122223333:assumed-role/orders-invoke/billing-service@"))
    granted_and_no_more("process", session.get_credentials().get_frozen_credentials())


print(f"version boto3 {boto3.__version__}, botocore {botocore.__version__}")
doors = (("sts", sts), ("function-url", lambda: signed_door("function-url", FUNCTION, "outsider", "lambda", "execute-api")),
         ("rest-api", lambda: signed_door("rest-api", REST, "outsider", "execute-api", "lambda")),
         ("http-api", http_api), ("jwt", jwt), ("target", target), ("container", container), ("process", process))
for name, suite in doors:
    try:
        suite()
    except Exception as why:
        check(f"{name}: can be reached", lambda: (_ for _ in ()).throw(why))
sys.exit(failed)
