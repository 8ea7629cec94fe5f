// newman, which is Postman without its window, against the local stack: the
// collection of postman/ as a user runs it, then the cases of README.md.
//
// Prints a line for each check, "ok DOOR: WHAT" or "FAIL DOOR: WHAT: why". No
// line holds a secret, and newman's own output is kept silent. run.sh installs
// newman beside a copy of this file and says where the checkout's files are.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import newman from "newman";

const env = process.env;
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const HOUR = 3600;
const VEND = "/v1/credentials";
const ASK = JSON.stringify({ target: "orders" });
const FORM = "application/x-www-form-urlencoded";
const REFUSALS = new Map(
  readFileSync(env.REFUSALS, "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => line.split("\t"))
    .map(([door, name, status, error, body]) => [`${door}: ${name}`, { status, error, body }]),
);

// report prints a check; only an assertion's text is shown.
function report(name, error) {
  if (error) process.exitCode = 1;
  console.log(error ? `FAIL ${name}: ${error.name === "AssertionError" || error.test ? error.message : error.name}` : `ok ${name}`);
}

function keysOf(profile) {
  const [, section = ""] = readFileSync(env.AWS_SHARED_CREDENTIALS_FILE, "utf8").split(`[${profile}]\n`);
  const value = (key) => section.split("\n[")[0].match(new RegExp(`^${key} = (.*)$`, "m"))?.[1] ?? "";
  if (!value("aws_session_token")) report(`sts: profile ${profile}`, new TypeError());
  return { accessKey: value("aws_access_key_id"), secretKey: value("aws_secret_access_key"), sessionToken: value("aws_session_token") };
}

const run = (options) =>
  new Promise((resolve, reject) =>
    newman.run({ timeoutRequest: 20_000, reporters: [], color: "off", ...options }, (error, summary) => (error ? reject(error) : resolve(summary))));

// walk is what postman/README.md tells, first by its command, then for the
// credentials that it leaves in the environment.
async function walk() {
  const collection = join(env.POSTMAN, "credvend.postman_collection.json");
  const environment = read(join(env.POSTMAN, "credvend.postman_environment.json"));
  const secrets = environment.values.filter(({ key, type }) => /secret|token/i.test(key) !== (type === "secret") || (type === "secret" && type.value));
  report("http-api: the committed environment holds no secret", secrets.length ? new TypeError(secrets.map(({ key }) => key).join()) : null);
  const { accessKey, secretKey, sessionToken } = keysOf("billing-service");
  const mine = { credvendUrl: env.CREDVEND_URL, accessKeyId: accessKey, secretAccessKey: secretKey, sessionToken };
  for (const variable of environment.values) variable.value = mine[variable.key] ?? variable.value;

  const dir = mkdtempSync(join(tmpdir(), "newman-"));
  try {
    const file = join(dir, "mine.postman_environment.json");
    writeFileSync(file, JSON.stringify(environment), { mode: 0o600 });
    const program = createRequire(import.meta.url).resolve("newman/bin/newman.js");
    const { stdout } = await promisify(execFile)(process.execPath, [program, "run", collection, "-e", file]).catch((error) => error);
    for (const text of ["credentials are vended", "the API answers", "the API refuses", "the API refuses an unsigned call"]) {
      report(`target: newman run: ${text}`, stdout?.includes(`√  ${text}\n`) || stdout?.includes(`✓  ${text}\n`) ? null : new TypeError());
    }
    const leaked = [secretKey, sessionToken, "SecretAccessKey"].some((secret) => stdout?.includes(secret));
    report("target: newman run: shows no secret", leaked ? new TypeError() : null);
  } finally {
    rmSync(dir, { recursive: true });
  }
  const summary = await run({ collection, environment });
  const value = (key) => summary.environment.get(key) ?? "";
  const failed = summary.run.failures.length || !value("vendedSessionToken");
  report("http-api: the collection leaves the vended keys in the environment", failed ? new TypeError() : null);
  return { accessKey: value("vendedAccessKeyId"), secretKey: value("vendedSecretAccessKey"), sessionToken: value("vendedSessionToken") };
}

async function token(sub, claims = {}) {
  const response = await fetch(`${env.CREDVEND_ISSUER_URL}/token`, { method: "POST", body: new URLSearchParams({ sub, groups: "shoppers", ...claims }) });
  return response.text();
}

// rows are the data of one newman run: a request each, and what must come back.
const rows = { 0: [], [-240]: [], [-HOUR]: [], [HOUR]: [] }; // by how far the clock is off, in seconds

function add(name, request, { skew = 0, want = REFUSALS.get(name) } = {}) {
  if (!want) return report(name, new TypeError("refusals.tsv does not have it"));
  rows[skew].push({
    name, want, signed: Boolean(request.accessKey), method: "POST", contentType: "application/json", body: "", region: env.AWS_REGION, service: "execute-api",
    ...request,
  });
}

// sevenCases adds those of README.md at an endpoint that takes signatures.
function sevenCases(door, request, { keys, otherService, tampered, allowed, refused }) {
  const answered = { status: "200", error: "-", body: allowed };
  const signed = { ...request, ...keys };
  add(`${door}: allowed`, signed, { want: answered });
  add(`${door}: a clock that is four minutes behind is allowed`, signed, { want: answered, skew: -240 });
  add(`${door}: unsigned`, request);
  add(`${door}: refused`, refused);
  add(`${door}: expired`, { ...request, ...keysOf("expired") });
  add(`${door}: tampered`, { ...signed, tampered });
  add(`${door}: clock-behind`, signed, { skew: -HOUR });
  add(`${door}: clock-ahead`, signed, { skew: HOUR });
  add(`${door}: wrong-service`, { ...signed, service: otherService });
  add(`${door}: wrong-region`, { ...signed, region: "eu-nowhere-1" });
}

function doors(vended) {
  const ask = (action) => ({ url: `${env.AWS_ENDPOINT_URL_STS}/`, service: "sts", contentType: FORM, body: `Action=${action}&Version=2011-06-15` });
  const whoami = ask("GetCallerIdentity");
  const billing = keysOf("billing-service");
  const role = encodeURIComponent("arn:aws:iam::111122223333:role/orders-invoke");
  sevenCases("sts", whoami, {
    keys: billing,
    otherService: "execute-api",
    tampered: { url: whoami.url, body: `${whoami.body}&Extra=1` },
    allowed: "*<Arn>arn:aws:sts::444455556666:assumed-role/billing-service/*",
    refused: { ...ask(`AssumeRole&RoleSessionName=direct&RoleArn=${role}`), ...billing },
  });
  const front = (door, base, service, otherService, profile, refused) => {
    const request = { url: base + VEND, service, body: ASK };
    // newman signs the body's hash as a header of its own, so that a changed body
    // is refused before signatures are compared: the query is changed instead.
    const tampered = { url: `${request.url}?extra=1`, body: ASK };
    sevenCases(door, request, { keys: keysOf(profile), otherService, tampered, allowed: '*"SecretAccessKey"*', refused: { ...request, ...refused } });
  };
  front("function-url", env.CREDVEND_FUNCTION_URL, "lambda", "execute-api", "outsider", vended);
  front("rest-api", env.CREDVEND_REST_URL, "execute-api", "lambda", "outsider", vended);
  front("http-api", env.CREDVEND_URL, "execute-api", "lambda", "billing-service", keysOf("outsider"));
  const order = { method: "GET", url: `${env.CREDVEND_TARGET_URL}/orders/42` };
  sevenCases("target", order, {
    keys: vended,
    otherService: "lambda",
    tampered: { url: `${env.CREDVEND_TARGET_URL}/orders/43` },
    allowed: "*",
    refused: { url: `${env.CREDVEND_TARGET_URL}/orders`, body: "{}", ...vended },
  });
}

async function jwt() {
  const vend = (bearer) => ({ url: env.CREDVEND_JWT_URL + VEND, body: ASK, bearer });
  const mine = await token("shopper-1");
  const [head, , signature] = mine.split(".");
  const [, others] = (await token("shopper-2")).split(".");
  add("jwt: allowed", vend(mine), { want: { status: "200", error: "-", body: '*"SecretAccessKey"*' } });
  const cases = {
    unsigned: undefined,
    refused: await token("shopper-1", { groups: "nobody" }),
    expired: await token("shopper-1", { exp: -60 }),
    tampered: [head, others, signature].join("."),
    "clock-behind": await token("shopper-1", { iat: -2 * HOUR, exp: -HOUR }),
    "clock-ahead": await token("shopper-1", { iat: HOUR, nbf: HOUR, exp: 2 * HOUR }),
    "wrong-service": await token("shopper-1", { aud: "another-app" }),
    "wrong-region": await token("shopper-1", { iss: "https://issuer.example.com" }),
  };
  for (const [name, bearer] of Object.entries(cases)) add(`jwt: ${name}`, vend(bearer));
}

// withClock runs body as on a machine whose clock is off. newman's signer asks
// for the time in this process.
async function withClock(seconds, body) {
  const Time = globalThis.Date;
  globalThis.Date = class extends Time {
    constructor(...given) {
      super(...(given.length ? given : [Time.now() + seconds * 1000]));
    }
    static now() {
      return Time.now() + seconds * 1000;
    }
  };
  try {
    return await body();
  } finally {
    globalThis.Date = Time;
  }
}

const { version } = createRequire(import.meta.url)("newman/package.json");
console.log(`version newman ${version}, node ${process.versions.node}`);
doors(await walk());
await jwt();
const collection = read(new URL("cases.postman_collection.json", import.meta.url));
for (const [skew, iterationData] of Object.entries(rows)) {
  const { run: done } = await withClock(Number(skew), () => run({ collection, iterationData }));
  const judged = new Map(done.executions.flatMap(({ assertions = [] }) => assertions.map(({ assertion, error }) => [assertion, error])));
  for (const { error, source } of done.failures.filter(({ error }) => !error.test)) report(`target: ${source?.name ?? "a request"} can be sent`, new TypeError(error.name));
  for (const { name } of iterationData) report(name, judged.has(name) ? judged.get(name) : new TypeError("not judged"));
}
