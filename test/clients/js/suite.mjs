// The AWS SDK for JavaScript v3 against the local stack.
//
// Prints a line for each check, "ok DOOR: WHAT" or "FAIL DOOR: WHAT: why". No
// line holds a secret: of an answer only the status, the code and the message
// are shown. run.sh installs the packages beside a copy of this file, and names
// the table of refusals.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sha256 } from "@aws-crypto/sha256-js";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { SignatureV4 } from "@smithy/signature-v4";

const env = process.env;
const [HTTP, JWT, FUNCTION, REST] = [env.CREDVEND_URL, env.CREDVEND_JWT_URL, env.CREDVEND_FUNCTION_URL, env.CREDVEND_REST_URL];
const [TARGET, ISSUER, REGION, STS] = [env.CREDVEND_TARGET_URL, env.CREDVEND_ISSUER_URL, env.AWS_REGION, env.AWS_ENDPOINT_URL_STS];
const VEND = "/v1/credentials";
const ASK = JSON.stringify({ target: "orders" });
const HOUR = 3600;
const REFUSALS = new Map(
  readFileSync(env.REFUSALS, "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => line.split("\t"))
    .map(([door, name, ...want]) => [`${door}: ${name}`, want]),
);

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

// request signs as `how` says, in headers or in the query, and sends. skew is how
// far the clock is off, in seconds; tamper is a pair of texts: the second takes
// the first one's place, in URL and body, once it is signed.
async function request(method, address, how = {}) {
  const { keys, service = "execute-api", region = REGION, body, headers = {}, presign = false, skew = 0, tamper } = how;
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
    const signingDate = new Date(Date.now() + skew * 1000);
    signed = presign ? await signer.presign(signed, { signingDate, expiresIn: 60 }) : await signer.sign(signed, { signingDate });
  }
  url.search = new URLSearchParams(signed.query).toString().replaceAll("+", "%20");
  const { host, ...sent } = signed.headers; // fetch sets Host itself, to the same
  const changed = (text) => (tamper && text ? text.replace(...tamper) : text);
  const response = await fetch(changed(url.href), { method, headers: sent, body: changed(body), signal: AbortSignal.timeout(20_000) });
  const text = await response.text();
  const answer = { status: response.status, text, doc: {} };
  if (text.startsWith("<")) {
    // STS
    answer.kind = text.match(/<Code>(.*)<\/Code>/)?.[1];
    answer.body = text.match(/<Message>.*<\/Message>/)?.[0].replaceAll("&#39;", "'");
  } else {
    answer.doc = JSON.parse(text || "{}");
    answer.kind = response.headers.get("www-authenticate") ?? response.headers.get("x-amzn-ErrorType") ?? "-";
    answer.body = text;
  }
  return answer;
}

// refusedAsAWSDoes holds an answer to refusals.tsv.
function refusedAsAWSDoes(name, { status, kind, body }) {
  const [wantStatus, wantKind, wantBody] = REFUSALS.get(name);
  for (const [what, got, pattern] of [["status", `${status}`, wantStatus], ["error", kind, wantKind], ["body", body, wantBody]]) {
    const parts = pattern.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
    want(new RegExp(`^${parts.join(".*")}$`, "s").test(got), `${what} is ${status === 200 ? "withheld" : `${got}`.slice(0, 300)}, want ${pattern}`);
  }
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

async function token(sub, claims = {}) {
  const response = await fetch(`${ISSUER}/token`, { method: "POST", body: new URLSearchParams({ sub, groups: "shoppers", ...claims }) });
  want(response.status === 200, `the issuer answers ${response.status}`);
  return response.text();
}

// The cases of README.md at an endpoint that takes signatures. call sends as it
// is told to.
async function sevenCases(door, call, { keys, otherService, tamper, allowed, refused }) {
  await check(`${door}: allowed`, async () => allowed(await call({ keys })));
  await check(`${door}: a clock that is four minutes behind is allowed`, async () => allowed(await call({ keys, skew: -240 })));
  const cases = {
    unsigned: () => call({}),
    refused,
    expired: async () => call({ keys: await keysOf("expired") }),
    tampered: () => call({ keys, tamper }),
    "clock-behind": () => call({ keys, skew: -HOUR }),
    "clock-ahead": () => call({ keys, skew: HOUR }),
    "wrong-service": () => call({ keys, service: otherService }),
    "wrong-region": () => call({ keys, region: "eu-nowhere-1" }),
  };
  for (const [name, send] of Object.entries(cases)) {
    await check(`${door}: ${name}`, async () => refusedAsAWSDoes(`${door}: ${name}`, await send()));
  }
}

async function sts() {
  const keys = await keysOf("billing-service");
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const ask = (how, action = "GetCallerIdentity") =>
    request("POST", `${STS}/`, { service: "sts", body: `Action=${action}&Version=2011-06-15`, headers: form, ...how });
  const assume = `AssumeRole&RoleSessionName=direct&RoleArn=${encodeURIComponent("arn:aws:iam::111122223333:role/orders-invoke")}`;
  await sevenCases("sts", ask, {
    keys,
    otherService: "execute-api",
    tamper: ["&Version", "&Extra=1&Version"],
    allowed: ({ status, text }) => want(status === 200 && text.includes("<Arn>arn:aws:sts::444455556666:assumed-role/billing-service/"), `got ${status}`),
    refused: () => ask({ keys }, assume),
  });
  for (const profile of ["billing-service", "stranger"]) {
    await check(`sts: ${profile} is named`, async () => named(await keysOf(profile), `arn:aws:sts::444455556666:assumed-role/${profile}/`));
  }
  await check("sts: orders-invoke cannot be assumed directly", () =>
    fails(
      new STSClient({ credentials: keys }).send(
        new AssumeRoleCommand({ RoleArn: "arn:aws:iam::111122223333:role/orders-invoke", RoleSessionName: "direct" })),
      "AccessDenied"));
  await check("sts: an expired session is ExpiredToken", async () =>
    fails(new STSClient({ credentials: await keysOf("expired") }).send(new GetCallerIdentityCommand({})), "ExpiredToken"));
}

const vendedKeys = async () => vended(await request("POST", HTTP + VEND, { keys: await keysOf("billing-service"), body: ASK }));

// A front door with AWS_IAM. refused gives the keys of somebody whom the door
// turns away.
async function signedDoor(door, base, profile, service, otherService, refused) {
  const call = (how) => request("POST", base + VEND, { service, body: ASK, ...how });
  await sevenCases(door, call, {
    keys: await keysOf(profile),
    otherService,
    // This signer signs the body's hash as a header of its own, so that a changed
    // body is refused before signatures are compared.
    tamper: ["/credentials", "/credentials?extra=1"],
    allowed: vended,
    refused: async () => call({ keys: await refused() }),
  });
  await check(`${door}: a tampered body is refused`, async () =>
    refusedByTheDoor(await call({ keys: await keysOf(profile), tamper: ["orders", "0rders"] })));
}

async function httpAPI() {
  await signedDoor("http-api", HTTP, "billing-service", "execute-api", "lambda", () => keysOf("outsider"));
  const keys = await keysOf("billing-service");
  await check("http-api: stranger is denied", async () => expect(await request("POST", HTTP + VEND, { keys: await keysOf("stranger"), body: ASK }), 403, "denied"));
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
  const forged = async () => {
    const [head, , signature] = (await token("shopper-1")).split(".");
    const [, others] = (await token("shopper-2")).split(".");
    return [head, others, signature].join(".");
  };
  await check("jwt: allowed", async () => vended(await vend(await token("shopper-1"))));
  const cases = {
    unsigned: () => undefined,
    refused: () => token("shopper-1", { groups: "nobody" }),
    expired: () => token("shopper-1", { exp: -60 }),
    tampered: forged,
    "clock-behind": () => token("shopper-1", { iat: -2 * HOUR, exp: -HOUR }),
    "clock-ahead": () => token("shopper-1", { iat: HOUR, nbf: HOUR, exp: 2 * HOUR }),
    "wrong-service": () => token("shopper-1", { aud: "another-app" }),
    "wrong-region": () => token("shopper-1", { iss: "https://issuer.example.com" }),
  };
  for (const [name, bearer] of Object.entries(cases)) {
    await check(`jwt: ${name}`, async () => refusedAsAWSDoes(`jwt: ${name}`, await vend(await bearer())));
  }
}

// The calls that credentials for GET /orders/* can make of Account A's API, and
// those they cannot.
async function grantedAndNoMore(door, keys) {
  await check(`${door}: an allowed route is answered 200`, async () => expect(await request("GET", `${TARGET}/orders/42`, { keys }), 200));
  await check(`${door}: another route is refused 403`, async () => refusedByTheDoor(await request("POST", `${TARGET}/orders`, { keys, body: "{}" })));
}

async function target() {
  const keys = await vendedKeys();
  const read = (how) => request("GET", `${TARGET}/orders/42`, how);
  await sevenCases("target", read, {
    keys,
    otherService: "lambda",
    tamper: ["/42", "/43"],
    allowed: (answer) => expect(answer, 200),
    refused: () => request("POST", `${TARGET}/orders`, { keys, body: "{}" }),
  });
  await check("target: a presigned GET /orders/42 is answered", async () => expect(await read({ keys, presign: true }), 200));
  await check("target: billing-service's own signature is refused", async () => refusedByTheDoor(await read({ keys: await keysOf("billing-service") })));
}

// The call that a shopper's credentials can make, and one that is another's.
async function ownAndNoOthers(door, keys, mine, others) {
  await check(`${door}: an allowed route is answered 200`, async () => expect(await request("GET", `${TARGET}/users/${mine}/x`, { keys }), 200));
  await check(`${door}: another route is refused 403`, async () => refusedByTheDoor(await request("GET", `${TARGET}/users/${others}/x`, { keys })));
}

// A stock client that is pointed at the JWT door, with no code of ours.
async function container() {
  env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `${JWT}${VEND}/orders`;
  env.AWS_CONTAINER_AUTHORIZATION_TOKEN = await token("shopper-1");
  const keys = await fromNodeProviderChain()();
  await check("container: the session is the token's", () => named(undefined, "arn:aws:sts::111122223333:assumed-role/orders-invoke/shopper@"));
  await ownAndNoOthers("container", keys, "shopper-1", "shopper-2");
  delete env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  delete env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
}

// The token in a file, which is another one when the credentials are fetched
// anew.
async function containerFile() {
  const folder = mkdtempSync(join(tmpdir(), "clients-"));
  const file = join(folder, "token");
  writeFileSync(file, await token("shopper-1"), { mode: 0o600 });
  env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `${JWT}${VEND}/orders`;
  env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = file;
  const provider = fromNodeProviderChain();
  await ownAndNoOthers("container-file", await provider(), "shopper-1", "shopper-2");
  writeFileSync(file, await token("shopper-2"));
  const keys = await provider({ forceRefresh: true }); // as it does by itself at the end of the old ones' life
  await check("container-file: the second token is used", async () => expect(await request("GET", `${TARGET}/users/shopper-2/x`, { keys }), 200));
  await check("container-file: the first token is used no more", async () =>
    refusedByTheDoor(await request("GET", `${TARGET}/users/shopper-1/x`, { keys })));
  delete env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  delete env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  rmSync(folder, { recursive: true });
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
  "function-url": () => signedDoor("function-url", FUNCTION, "outsider", "lambda", "execute-api", vendedKeys),
  "rest-api": () => signedDoor("rest-api", REST, "outsider", "execute-api", "lambda", vendedKeys),
  "http-api": httpAPI,
  jwt,
  target,
  container,
  "container-file": containerFile,
  process: processes,
};
for (const [door, suite] of Object.entries(doors)) {
  await suite().catch((error) => check(`${door}: can be reached`, () => Promise.reject(error)));
}
