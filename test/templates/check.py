"""Holds template.yaml and accounts/target.yaml against AWS's own tools.

cfn-lint checks both as they stand, under all of their conditions. SAM's
transform then expands template.yaml for every combination of what opens and
shuts doors, with the rest of the parameters at their defaults and all turned
about, and with all doors open for every combination of the rest; what comes out
is resolved and held to the promises. cfn-lint looks at those results too: at so
many that each resource stands among them in every form that any of them gives
it. --all expands and lints every combination (some hours).

The Go test beside this resolves the templates with code of our own. This one
shares nothing with it, so that a mistake in either shows.
"""

import copy
import functools
import itertools
import json
import multiprocessing
import os
import pathlib
import re
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the transform asks for one

import boto3  # noqa: E402
import cfnlint.api  # noqa: E402
import cfnlint.config  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACCOUNT = "444455556666"
REGION = "us-east-1"
PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
NOTHING = object()  # AWS::NoValue

ALWAYS = {"TargetRoleArns": "arn:aws:iam::111122223333:role/orders-invoke"}
JWT = {"JwtIssuer": "https://issuer.example.com/x", "JwtAudience": "one,two"}
URL = {"FunctionUrl": "on", "ReservedConcurrency": "20"}
DOORS = [
    [{}, {"IamDoor": "off"}],
    [{}, JWT, {**JWT, "CorsOrigins": "https://a.example.com"}],
    [{}, URL, {**URL, "FunctionUrlId": "u1r2l3"}],
    [{}, {"RestApi": "on"}, {"RestApi": "on", "RestAccessLogs": "off"}],
    [{}, {"AdmittedAccounts": "777788889999"}, {"AdmittedAccounts": "777788889999,777788889998,777788889997,777788889996,777788889995"}],
]
REST = [
    [{}, {"Tracing": "on"}],
    [{}, {"AppConfigLayerArn": "arn:aws:lambda:us-east-1:027255383542:layer:AWS-AppConfig-Extension-Arm64:100"}],
    [{}, {"LogFormat": "Text"}],
    [{}, {
        "PermissionsBoundaryArn": "arn:aws:iam::444455556666:policy/boundary",
        "LogKmsKeyArn": "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "AlarmTopicArn": "arn:aws:sns:us-east-1:444455556666:alarms",
        "StsRegions": "us-east-1,us-west-2",
        "Architecture": "x86_64",
    }],
]
TARGET_ALWAYS = {"ApiId": "a1b2c3d4e5", "ExternalId": "orders-7f3c9a", "BrokerRoleArns": "arn:aws:iam::444455556666:role/credvend-broker"}
TARGET = [
    [{}, {"BrokerRoleIds": "AROAEXAMPLEBROKER000"}],
    [{}, {"NextExternalId": "orders-91be02"}],
    [{}, {"Stage": "prod"}],
    [{}, {"ApiRegion": "eu-west-1"}],
    [{}, {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary"}],
]


def combinations(always, choices):
    for chosen in itertools.product(*choices):
        joined = dict(always)
        for one in chosen:
            joined.update(one)
        yield joined


def contradicts(p):
    """What the template's Rules refuse; the Go test shows that they do."""
    others = p.get("FunctionUrl") == "on" or p.get("RestApi") == "on"
    return (p.get("IamDoor") == "off" and not p.get("JwtIssuer") and not others) or (bool(p.get("AdmittedAccounts")) and not others)


class Resolver:
    """Resolves what the transform left: conditions and functions."""

    def __init__(self, template, given):
        self.template = template
        self.parameters = {n: str(given.get(n, p.get("Default", ""))) for n, p in template["Parameters"].items()}

    def holds(self, node):
        (name, arg), = node.items()
        if name == "Condition":
            return self.holds(self.template["Conditions"][arg])
        if name == "Fn::Equals":
            return self.value(arg[0]) == self.value(arg[1])
        if name == "Fn::Not":
            return not self.holds(arg[0])
        return {"Fn::And": all, "Fn::Or": any}[name]([self.holds(a) for a in arg])

    def ref(self, name):
        if name == "AWS::NoValue":
            return NOTHING
        return PSEUDO.get(name, self.parameters.get(name, f"<{name}>"))

    def sub(self, text, variables):
        def one(match):
            name = match.group(1)
            return variables[name] if name in variables else str(self.ref(name))
        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", one, text)

    def value(self, node):
        if isinstance(node, list):
            return [v for v in map(self.value, node) if v is not NOTHING]
        if not isinstance(node, dict):
            return node
        name = next(iter(node), "")
        if name != "Ref" and not name.startswith("Fn::"):
            resolved = {k: self.value(v) for k, v in node.items()}
            return {k: v for k, v in resolved.items() if v is not NOTHING}
        arg = node[name]
        if name == "Ref":
            return self.ref(arg)
        if name == "Fn::If":
            return self.value(arg[1] if self.holds({"Condition": arg[0]}) else arg[2])
        if name == "Fn::Sub":
            return self.sub(arg, {}) if isinstance(arg, str) else self.sub(arg[0], self.value(arg[1]))
        if name == "Fn::GetAtt":
            return "<" + (arg if isinstance(arg, str) else ".".join(arg)) + ">"
        if name == "Fn::Join":
            return arg[0].join(self.value(arg[1]))
        if name == "Fn::Split":
            return self.value(arg[1]).split(arg[0])
        if name == "Fn::Select":
            return self.value(arg[1])[int(arg[0])]
        raise ValueError(f"{name} is not known to this check")

    def resources(self):
        return {
            name: {**{k: v for k, v in r.items() if k != "Condition"}, "Properties": self.value(r.get("Properties", {}))}
            for name, r in self.template["Resources"].items()
            if "Condition" not in r or self.holds({"Condition": r["Condition"]})
        }


class NoManagedPolicies:
    def load(self):
        return {}


# The transform makes a session each time, only to ask it for the region: a
# sixth of its time.
boto3.session.Session = functools.cache(boto3.session.Session)


@functools.cache
def parse(name):
    return yaml_parse((ROOT / name).read_text(encoding="utf-8"))


def expand(parsed, given):
    """template.yaml as CloudFormation gets it from SAM."""
    template = copy.deepcopy(parsed)
    if "Transform" not in template:
        return template
    template["Resources"]["VendFunction"]["Properties"]["CodeUri"] = "s3://bucket/key"
    return transform(template, dict(given), NoManagedPolicies())


def statements(node):
    if isinstance(node, dict):
        if "Statement" in node:
            yield from node["Statement"]
        else:
            for value in node.values():
                yield from statements(value)
    elif isinstance(node, list):
        for value in node:
            yield from statements(value)


def listed(value):
    return value if isinstance(value, list) else [] if value is None else [value]


ROUTES = {"POST /v1/credentials", "GET /v1/credentials/{target}", "GET /v1/targets", "GET /v1/whoami"}
# What else callers may ask for, which the function refuses itself. No route of the
# JWT door takes OPTIONS: a preflight bears no token.
OTHERS = {
    "IamApi": {"$default"},
    "JwtApi": {f"{method} {path}" for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") for path in ("/", "/{proxy+}")},
}
BROKER_MAY = {
    "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity", "logs:CreateLogStream", "logs:PutLogEvents",
    "appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration", "xray:PutTraceSegments", "xray:PutTelemetryRecords",
}
NARROW = re.compile(
    r"arn:aws:logs:us-east-1:444455556666:log-group:<VendLogs>:\*"
    r"|(arn:aws:execute-api:[a-z0-9-]+:[0-9]{12}:(<IamApi>|[a-z0-9]{10})|execute-api:)/(\$default|[a-z]+)/.*"
)


def problems(resources, given):
    """Everything that a resolved stack must not have."""
    tracing = given.get("Tracing") == "on"
    routes = {"IamApi": [], "JwtApi": []}
    for name, resource in resources.items():
        kind, p = resource["Type"], resource["Properties"]
        for s in statements(p):
            if any(k.startswith("Not") for k in s):
                yield f"{name}: a statement has a Not element"
            if s["Effect"] != "Allow":
                continue
            principal = s.get("Principal", {})
            if "*" in listed(principal if isinstance(principal, str) else principal.get("AWS")):
                yield f"{name}: everybody is admitted"
            actions = listed(s.get("Action"))
            if any("*" in a for a in actions):
                yield f"{name}: an action has a wildcard"
            for r in listed(s.get("Resource")):
                traces = tracing and all(a.startswith("xray:Put") for a in actions) and s.get("Condition") == {"StringEquals": {"aws:RequestedRegion": REGION}}
                if "*" in r and not NARROW.fullmatch(r) and not traces:
                    yield f"{name}: the resource {r} has a wildcard"
            if name == "BrokerRole" and "Resource" in s and not set(actions) <= BROKER_MAY:
                yield f"{name}: it may do more"
            if name == "BrokerRole" and "sts:AssumeRole" in actions and "Resource" in s and "lambda:SourceFunctionArn" not in s.get("Condition", {}).get("ArnEquals", {}):
                yield f"{name}: it may be used from any function"
            if name == "TargetRole" and "Principal" in s:
                if "aws:PrincipalArn" not in s.get("Condition", {}).get("ArnEquals", {}):
                    yield f"{name}: every role of Account B is trusted"
                if "sts:AssumeRole" in actions and "sts:ExternalId" not in s.get("Condition", {}).get("StringEquals", {}):
                    yield f"{name}: no external id is asked for"
        if kind == "AWS::Lambda::Permission":
            door = str(p.get("SourceArn", "")).startswith(f"arn:aws:execute-api:{REGION}:{ACCOUNT}:<") and p["Principal"] == "apigateway.amazonaws.com"
            url = re.fullmatch("[0-9]{12}", p["Principal"]) and (
                (p["Action"] == "lambda:InvokeFunctionUrl" and p.get("FunctionUrlAuthType") == "AWS_IAM")
                or (p["Action"] == "lambda:InvokeFunction" and p.get("InvokedViaFunctionUrl") is True))
            if not door and not url:
                yield f"{name}: a permission without source ARN and without condition"
        if kind == "AWS::ApiGatewayV2::Route":
            api = p["ApiId"].strip("<>")
            routes[api].append(p["RouteKey"])
            if p.get("AuthorizationType") != {"IamApi": "AWS_IAM", "JwtApi": "JWT"}[api] or (api == "JwtApi" and not p.get("AuthorizerId")):
                yield f"{name}: an open route"
        if kind == "AWS::ApiGatewayV2::Api" and "CorsConfiguration" in p:
            cors = p["CorsConfiguration"]
            if any("*" in o for o in cors["AllowOrigins"] + cors["AllowHeaders"] + cors["AllowMethods"]) or cors["AllowCredentials"]:
                yield f"{name}: any web page may call"
        if kind == "AWS::ApiGatewayV2::Authorizer" and (p["IdentitySource"] != ["$request.header.Authorization"] or not p["JwtConfiguration"].get("Audience")):
            yield f"{name}: it takes tokens from elsewhere, or for anybody"
        if kind == "AWS::Logs::LogGroup" and not p.get("RetentionInDays"):
            yield f"{name}: logs are kept for ever"
        if kind == "AWS::CloudWatch::Alarm" and bool(p.get("AlarmActions")) != bool(given.get("AlarmTopicArn")):
            yield f"{name}: an alarm that tells nobody"
        if kind == "AWS::Lambda::Url" and p["AuthType"] != "AWS_IAM":
            yield f"{name}: an open function URL"
        if kind == "AWS::ApiGatewayV2::Stage" and not p.get("DefaultRouteSettings", {}).get("ThrottlingRateLimit"):
            yield f"{name}: no throttle"
        if kind == "AWS::ApiGateway::RestApi":
            for path, methods in p["Body"]["paths"].items():
                for method, operation in methods.items():
                    if operation.get("security") != [{"sigv4": []}]:
                        yield f"{name}: {method} {path} is open"
        if kind == "AWS::ApiGateway::Stage":
            for s in p["MethodSettings"]:
                if s["CachingEnabled"] or s["DataTraceEnabled"] or not s["ThrottlingRateLimit"]:
                    yield f"{name}: cache, data trace or no throttle"
        if kind == "AWS::IAM::Role" and int(p.get("MaxSessionDuration", 3600)) != 3600:
            yield f"{name}: sessions of more than an hour"
    for api, others in OTHERS.items():
        if sorted(routes[api]) != sorted(ROUTES | others if api in resources else ()):
            yield f"{api}: routes too many, or too few: {routes[api]}"


def lint(text):
    config = cfnlint.config.ManualArgs(regions=[REGION])
    return [f"{m.rule.id} {m.message} (line {m.linenumber})" for m in cfnlint.api.lint(text, config=config)]


def decided(node, resolver):
    """A piece of a template with its conditions decided, references as they were."""
    if isinstance(node, list):
        return [v for v in (decided(n, resolver) for n in node) if v != {"Ref": "AWS::NoValue"}]
    if not isinstance(node, dict):
        return node
    if list(node) == ["Fn::If"]:
        name, then, otherwise = node["Fn::If"]
        return decided(then if resolver.holds({"Condition": name}) else otherwise, resolver)
    kept = {k: decided(v, resolver) for k, v in node.items()}
    return {k: v for k, v in kept.items() if v != {"Ref": "AWS::NoValue"}}


def decided_resources(resolver, resources):
    return {n: decided({k: v for k, v in resolver.template["Resources"][n].items() if k != "Condition"}, resolver) for n in resources}


def lint_resolved(resolver, resources, given):
    """cfn-lint on one result."""
    template = resolver.template
    found = lint(json.dumps({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {n: {**p, "Default": given[n]} if n in given else p for n, p in template["Parameters"].items()},
        "Resources": decided_resources(resolver, resources),
    }))
    return [m for m in found if not m.startswith("W2001")]  # parameters that one combination leaves unused


def covering(forms):
    """Indices of so many sets that they hold together what all of them hold."""
    chosen, missing = [], set().union(*forms)
    while missing:
        best = max(range(len(forms)), key=lambda i: len(forms[i] & missing))
        chosen.append(best)
        missing -= forms[best]
    return chosen


PLANTED = [
    ("template.yaml", "a wildcard", "Resource: !Split [',', !Ref TargetRoleArns]", "Resource: '*'", "wildcard"),
    ("template.yaml", "a missing condition", "lambda:SourceFunctionArn:", "aws:SourceArn:", "any function"),
    ("template.yaml", "a permission without condition", "      InvokedViaFunctionUrl: true\n", "", "without condition"),
    ("template.yaml", "an open route", "AuthorizationType: AWS_IAM", "AuthorizationType: NONE", "an open route"),
    ("template.yaml", "an open function URL", "      AuthType: AWS_IAM", "      AuthType: NONE", "open function URL"),
    ("template.yaml", "an open REST method", "              security: [sigv4: []]\n", "", "is open"),
    ("template.yaml", "one action more", "sts:SetSourceIdentity]", "sts:SetSourceIdentity, iam:PassRole]", "may do more"),
    ("template.yaml", "a route without authorization", "      AuthorizationType: JWT\n      AuthorizerId: !Ref JwtAuthorizer\n", "", "an open route"),
    ("template.yaml", "a route too many", "RouteKey: GET /v1/targets", "RouteKey: ANY /{proxy+}", "IamApi: routes"),
    ("template.yaml", "an open catch-all", "RouteKey: $default\n      AuthorizationType: AWS_IAM", "RouteKey: $default\n      AuthorizationType: NONE", "an open route"),
    ("template.yaml", "a preflight behind the authorizer", "RouteKey: GET /{proxy+}", "RouteKey: ANY /{proxy+}", "JwtApi: routes"),
    ("template.yaml", "a preflight for anybody", "RouteKey: DELETE /{proxy+}", "RouteKey: OPTIONS /{proxy+}", "JwtApi: routes"),
    ("template.yaml", "no catch-all", "RouteKey: $default\n", "RouteKey: GET /v1\n", "IamApi: routes"),
    ("template.yaml", "a permission without source ARN", "      SourceArn: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${JwtApi}/$default/*\n", "", "without source ARN"),
    ("template.yaml", "a public permission", "      Principal: !Select [0, !Split [',', !Sub '${AdmittedAccounts},,,,']]\n", "      Principal: '*'\n", "without condition"),
    ("template.yaml", "a public REST API", "Principal: {AWS: !Split [',', !Ref AdmittedAccounts]}", "Principal: {AWS: ['*']}", "everybody is admitted"),
    ("template.yaml", "a cache", "CachingEnabled: false", "CachingEnabled: true", "cache, data trace or no throttle"),
    ("template.yaml", "data trace", "DataTraceEnabled: false", "DataTraceEnabled: true", "cache, data trace or no throttle"),
    ("template.yaml", "no throttle", "DefaultRouteSettings:\n        ThrottlingRateLimit: !Ref ThrottleRate\n", "DefaultRouteSettings:\n", "no throttle"),
    ("template.yaml", "any web page", "AllowOrigins: !Split [',', !Ref CorsOrigins]", "AllowOrigins: ['*']", "any web page"),
    ("template.yaml", "a token from the query", "$request.header.Authorization", "$request.querystring.token", "tokens from elsewhere"),
    ("template.yaml", "logs for ever", "      RetentionInDays: !Ref LogRetentionDays\n", "", "kept for ever"),
    ("template.yaml", "traces to anywhere", "aws:RequestedRegion: !Ref AWS::Region", "aws:SourceAccount: !Ref AWS::AccountId", "wildcard"),
    ("template.yaml", "every log group", "log-group:${VendLogs}:*", "*", "wildcard"),
    ("accounts/target.yaml", "everybody", "                - arn:${Partition}:iam::${Account}:root\n", "                - '*'\n", "everybody is admitted"),
    ("accounts/target.yaml", "every role of Account B", "aws:PrincipalArn:", "aws:PrincipalOrgID:", "every role of Account B"),
    ("accounts/target.yaml", "any action of the API", "Action: execute-api:Invoke", "Action: execute-api:*", "an action has a wildcard"),
    ("accounts/target.yaml", "a 12-hour session", "MaxSessionDuration: 3600", "MaxSessionDuration: 43200", "more than an hour"),
    ("accounts/target.yaml", "a wildcard", "${ApiId}/${Stage}/*\n                  - Region", "*\n                  - Region", "wildcard"),
    ("accounts/target.yaml", "a missing condition", "sts:ExternalId:", "aws:Referer:", "no external id"),
]


def look(task):
    """What is wrong with one combination, and the forms its resources have."""
    name, given = task
    resolver = Resolver(expand(parse(name), given), given)
    resources = resolver.resources()
    forms = {f"{n} {json.dumps(r, sort_keys=True)}" for n, r in decided_resources(resolver, resources).items()}
    return [f"{name} {given}: {p}" for p in problems(resources, given)], frozenset(map(hash, forms))


def look_with_lint(task):
    """What cfn-lint says of one combination."""
    name, given = task
    resolver = Resolver(expand(parse(name), given), given)
    return [f"{name} {given}: {p}" for p in lint_resolved(resolver, resolver.resources(), given)]


def main():
    every = "--all" in sys.argv[1:]
    failed = []
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("template.yaml", "accounts/target.yaml")}
    for name, text in texts.items():
        failed.extend(f"{name}: {problem}" for problem in lint(text))

    about = {k: v for choice in REST for k, v in choice[1].items()}
    given_all = list(combinations(ALWAYS, DOORS + (REST if every else [[{}, about]])))
    given_all += [] if every else combinations({**ALWAYS, **{k: v for choice in DOORS[1:] for k, v in choice[-1].items()}}, REST)
    broker = [("template.yaml", p) for p in given_all if not contradicts(p)]
    target = [("accounts/target.yaml", p) for p in combinations(TARGET_ALWAYS, TARGET)]
    linted = 0
    with multiprocessing.get_context("fork").Pool() as pool:  # forked, so that hashes of one are those of all
        for tasks in (broker, target):
            found = pool.map(look, tasks, chunksize=20)
            failed.extend(problem for problems_of_one, _ in found for problem in problems_of_one)
            chosen = tasks if every else [tasks[i] for i in covering([forms for _, forms in found])]
            linted += len(chosen)
            failed.extend(problem for problems_of_one in pool.map(look_with_lint, chosen, chunksize=1) for problem in problems_of_one)

    for name, what, old, new, want in PLANTED:
        if old not in texts[name]:
            failed.append(f"planted mistake {what}: {name} no longer has {old!r}; mend this case")
            continue
        given = {**ALWAYS, **DOORS[1][2], **URL, "RestApi": "on", "AdmittedAccounts": "777788889999", "Tracing": "on"} if name == "template.yaml" else TARGET_ALWAYS
        found = list(problems(Resolver(expand(yaml_parse(texts[name].replace(old, new)), given), given).resources(), given))
        if not any(want in problem for problem in found):
            failed.append(f"planted mistake {what} in {name} was not noticed: {found}")

    for problem in failed[:40]:
        print(problem, file=sys.stderr)
    print(f"templates: {len(broker)} + {len(target)} combinations expanded and checked, {linted} of them linted, {len(PLANTED)} planted mistakes; {len(failed)} problems")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
