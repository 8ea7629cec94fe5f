// A program with the AWS SDK for JavaScript, for refresh_test.go: `sign SECONDS`
// on a line of standard input signs at that time, as seconds since 1970, and is
// answered with "ok" or "error TEXT". The clock is told to the SDK; it does not
// wait for it to pass. The argument names the package of the SDK.
import { createInterface } from "node:readline";

const { fromNodeProviderChain } = await import(process.argv[2]);
let clock = 0;
Date.now = () => clock;
const credentials = fromNodeProviderChain();

for await (const line of createInterface({ input: process.stdin })) {
  clock = Number(line.split(" ")[1]) * 1000;
  try {
    const { accessKeyId } = await credentials();
    if (!accessKeyId) throw new Error("there is no key");
    console.log("ok");
  } catch (error) {
    console.log(`error ${error.name}: ${error.message}`.replaceAll("\n", " "));
  }
}
