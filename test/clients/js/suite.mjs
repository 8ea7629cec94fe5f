// The AWS SDK for JavaScript v3 against the local stack.
//
// Prints a line for each check, "ok DOOR: WHAT" or "FAIL DOOR: WHAT: why". No
// line holds a secret: of an answer only the status, the code and the message
// are shown. run.sh installs the packages beside a copy of this file.
import { createRequire } from "node:module";
import { Sha256 } from "@aws-crypto/sha256-js";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { SignatureV4 } from "@smithy/signature-v4";

const env = process.env;
const [HTTP, JWT, FUNCTION, REST] = [env.CREDVEND_URL, env.CREDVEND_JWT_URL, env.CREDVEND_FUNCTION_URL, env.CREDVEND_REST_URL];
const [TARGET, ISSUER, region] = [env.CREDVEND_TARGET_URL, env.CREDVEND_ISSUER_URL, env.AWS_REGION];
const VEND = "/v1/credentials";
const ASK = JSON.stringify({ target: "orders" });

class Mismatch extends Error {}

function want(condition, why) {
  if (!condition) throw new Mismatch(why);
}

async function check(name, body) {
  try {
    await body();
    console.log(`ok ${name}`);
  } catch (error) {
    process.exitCode = 1;
    // The text of any other error may hold a URL with a session token.
    console.log(`FAIL ${name}: ${error instanceof Mismatch ? error.message : error.name}`);
  }
}

const keysOf = (profile) => fromNodeProviderChain({ profile })();
const withWrongSecret = (keys) => ({ ...keys, secretAccessKey: "x".repeat(40) });

// request signs as `how` says, in headers or in the query, and sends.
async function request(method, address, { keys, service = "execute-api", body, headers = {}, presign = false, tamper } = {}) {
  const url = new URL(address);
  let signed = {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    port: Number(url.port),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host, ...(body && { "content-type": "application/json" }), ...headers },
    body,
  };
  if (keys) {
    const signer = new SignatureV4({ credentials: keys, region, service, sha256: Sha256 });
    signed = presign ? await signer.presign(signed, { expiresIn: 60 }) : await signer.sign(signed);
  }
  url.search = new URLSearchParams(signed.query).toString().replaceAll("+", "%20");
  const { host, ...sent } = signed.headers; // fetch sets Host itself, to the same
  const response = await fetch(url, { method, headers: sent, body: tamper ?? body, signal: AbortSignal.timeout(20_000) });
  const doc = await response.json().catch(() => ({}));
  return { status: response.status, doc };
}

function said({ status, doc }) {
  return `${status} ${doc.code ?? ""} ${doc.message ?? doc.Message ?? ""}`;
}

function expect(answer, status, code) {
  want(answer.status === status && (!code || answer.doc.code === code), `got ${said(answer)}, want ${status} ${code ?? ""}`);
  return answer.doc;
}

// The doors refuse in their own words, the service with a code.
function refusedByTheDoor(answer) {
  want(answer.status === 403 && !("code" in answer.doc), `got ${said(answer)}, want the door's own 403`);
}

function vended(answer) {
  const { AccessKeyId, SecretAccessKey, SessionToken } = expect(answer, 200);
  want(AccessKeyId && SecretAccessKey && SessionToken, "the answer lacks credentials");
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

async function named(credentials, prefix) {
  const { Arn } = await new STSClient({ credentials }).send(new GetCallerIdentityCommand({}));
  want(Arn.startsWith(prefix), `STS names ${Arn}, want ${prefix}…`);
}

async function fails(promise, code) {
  const name = await promise.then(() => "success", (error) => error.name);
  want(name === code, `got ${name}, want ${code}`);
}

async function token(sub) {
  const response = await fetch(`${ISSUER}/token`, { method: "POST", body: new URLSearchParams({ sub, groups: "shoppers" }) });
  want(response.status === 200, `the issuer answers ${response.status}`);
  return response.text();
}

async function sts() {
  for (const profile of ["billing-service", "stranger"]) {
    await check(`sts: ${profile} is named`, async () => named(await keysOf(profile), `arn:aws:sts::444455556666:assumed-role/${profile}/`));
  }
  const billing = await keysOf("billing-service");
  await check("sts: a wrong secret is SignatureDoesNotMatch", () =>
    fails(new STSClient({ credentials: withWrongSecret(billing) }).send(new GetCallerIdentityCommand({})), "SignatureDoesNotMatch"));
  await check("sts: orders-invoke cannot be assumed directly", () =>
    fails(
      new STSClient({ credentials: billing }).send(
        new AssumeRoleCommand({ RoleArn: "arn:aws:iam::111122223333:role/orders-invoke", RoleSessionName: "direct" })),
      "AccessDenied"));
}

// What holds at each door with AWS_IAM.
async function signedDoor(door, base, profile, service, otherService) {
  const keys = await keysOf(profile);
  const vend = (how) => request("POST", base + VEND, { body: ASK, ...how });
  await check(`${door}: ${profile} vends`, async () => vended(await vend({ keys, service })));
  await check(`${door}: unsigned is refused`, async () => refusedByTheDoor(await vend({})));
  await check(`${door}: a wrong secret is refused`, async () => refusedByTheDoor(await vend({ keys: withWrongSecret(keys), service })));
  await check(`${door}: another service's signature is refused`, async () => refusedByTheDoor(await vend({ keys, service: otherService })));
  await check(`${door}: a tampered body is refused`, async () => refusedByTheDoor(await vend({ keys, service, tamper: '{"target":"0rders"}' })));
}

async function httpAPI() {
  await signedDoor("http-api", HTTP, "billing-service", "execute-api", "lambda");
  const keys = await keysOf("billing-service");
  await check("http-api: stranger is denied", async () => expect(await request("POST", HTTP + VEND, { keys: await keysOf("stranger"), body: ASK }), 403, "denied"));
  await check("http-api: outsider is refused", async () => refusedByTheDoor(await request("POST", HTTP + VEND, { keys: await keysOf("outsider"), body: ASK })));
  await check("http-api: a GET with a route vends that route alone", async () => {
    const { Grant } = expect(await request("GET", `${HTTP}${VEND}/orders?route=GET%20/orders/42`, { keys }), 200);
    want(JSON.stringify(Grant.routes) === '["GET /orders/42"]', `granted ${Grant.routes}`);
  });
  for (const [name, presign] of [["whoami names the caller", false], ["a presigned whoami is answered", true]]) {
    await check(`http-api: ${name}`, async () => {
      const { principal } = expect(await request("GET", `${HTTP}/v1/whoami`, { keys, presign }), 200);
      want(principal === "arn:aws:iam::444455556666:role/billing-service", `it names ${principal}`);
    });
  }
}

async function jwt() {
  const vend = (bearer) => request("POST", JWT + VEND, { body: ASK, headers: bearer && { authorization: `Bearer ${bearer}` } });
  await check("jwt: a token vends", async () => vended(await vend(await token("shopper-1"))));
  await check("jwt: without a token is refused", async () => expect(await vend(), 401));
  await check("jwt: a forged token is refused", async () => {
    const [head, , signature] = (await token("shopper-1")).split(".");
    const [, others] = (await token("shopper-2")).split(".");
    expect(await vend([head, others, signature].join(".")), 401);
  });
}

// The calls that credentials for GET /orders/* can make of Account A's API, and
// those they cannot.
async function grantedAndNoMore(door, keys) {
  await check(`${door}: GET /orders/42 is answered`, async () => expect(await request("GET", `${TARGET}/orders/42`, { keys }), 200));
  await check(`${door}: POST /orders is refused`, async () => refusedByTheDoor(await request("POST", `${TARGET}/orders`, { keys, body: "{}" })));
}

async function target() {
  const billing = await keysOf("billing-service");
  const keys = vended(await request("POST", HTTP + VEND, { keys: billing, body: ASK }));
  const read = (how) => request("GET", `${TARGET}/orders/42`, how);
  await grantedAndNoMore("target", keys);
  await check("target: a presigned GET /orders/42 is answered", async () => expect(await read({ keys, presign: true }), 200));
  await check("target: unsigned is refused", async () => refusedByTheDoor(await read()));
  await check("target: billing-service's own signature is refused", async () => refusedByTheDoor(await read({ keys: billing })));
}

// A stock client that is pointed at the JWT door, with no code of ours.
async function container() {
  env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `${JWT}${VEND}/orders`;
  env.AWS_CONTAINER_AUTHORIZATION_TOKEN = await token("shopper-1");
  const keys = await fromNodeProviderChain()();
  await check("container: the session is the token's", () => named(undefined, "arn:aws:sts::111122223333:assumed-role/orders-invoke/shopper@"));
  await check("container: its own route is answered", async () => expect(await request("GET", `${TARGET}/users/shopper-1/x`, { keys }), 200));
  await check("container: another's route is refused", async () => refusedByTheDoor(await request("GET", `${TARGET}/users/shopper-2/x`, { keys })));
  delete env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  delete env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
}

async function processes() {
  const keys = await keysOf("orders");
  await check("process: the session is billing-service's", () => named(keys, "arn:aws:sts::111122223333:assumed-role/orders-invoke/billing-service@"));
  await grantedAndNoMore("process", keys);
}

const { version } = createRequire(import.meta.url)("@aws-sdk/client-sts/package.json");
console.log(`version @aws-sdk/client-sts ${version}, node ${process.versions.node}`);
const doors = {
  sts,
  "function-url": () => signedDoor("function-url", FUNCTION, "outsider", "lambda", "execute-api"),
  "rest-api": () => signedDoor("rest-api", REST, "outsider", "execute-api", "lambda"),
  "http-api": httpAPI,
  jwt,
  target,
  container,
  process: processes,
};
for (const [door, suite] of Object.entries(doors)) {
  await suite().catch((error) => check(`${door}: can be reached`, () => Promise.reject(error)));
}
