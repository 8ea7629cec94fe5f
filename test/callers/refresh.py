"""A program with boto3, for refresh_test.go: `sign SECONDS` on a line of standard
input signs at that time, as seconds since 1970, and is answered with "ok" or
"error TEXT". The clock is told to boto3; it does not wait for it to pass."""

import datetime
import sys

import boto3

clock = None
credentials = None


def sign():
    global credentials
    if credentials is None:
        credentials = boto3.Session().get_credentials()
        credentials._time_fetcher = lambda: clock
    if not credentials.get_frozen_credentials().access_key:
        raise ValueError("there is no key")


for line in sys.stdin:
    clock = datetime.datetime.fromtimestamp(int(line.split()[1]), datetime.timezone.utc)
    try:
        sign()
        print("ok", flush=True)
    except Exception as why:
        print("error", f"{type(why).__module__}.{type(why).__name__}: {why}".replace("\n", " "), flush=True)
