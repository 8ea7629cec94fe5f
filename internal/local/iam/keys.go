package iam

import (
	"fmt"
	"strings"
)

// checkKey accepts the condition keys that AWS documents for every service and
// for those played here. A key that is spelt wrongly is always absent, so that a
// negated condition on it silently holds: it is an error instead.
func checkKey(key string) error {
	key = strings.ToLower(key)
	prefix, name, ok := strings.Cut(key, ":")
	if !ok || prefix == "" || name == "" {
		return fmt.Errorf("%q is not a condition key: write prefix:name", key)
	}
	if strings.Contains(prefix, ".") {
		return nil // an identity provider's own keys: token.example.com:sub
	}
	if family, tag, ok := strings.Cut(name, "/"); ok {
		if tag != "" && tagFamily(prefix, family) {
			return nil
		}
	} else if knownKey(prefix, name) {
		return nil
	}
	return fmt.Errorf("%q is not a condition key that is known here", key)
}

func tagFamily(prefix, family string) bool {
	switch family {
	case "principaltag", "requesttag":
		return prefix == "aws"
	case "resourcetag":
		return prefix == "aws" || prefix == "iam"
	}
	return prefix == "sts" && family == "requestcontext"
}

func knownKey(prefix, name string) bool {
	switch prefix {
	case "aws":
		switch name {
		case "principalarn", "principalaccount", "principalorgid", "principalorgpaths", "principaltype", "principalisawsservice",
			"principalservicename", "principalservicenameslist", "userid", "username", "assumedroot",
			"federatedprovider", "tokenissuetime", "multifactorauthage", "multifactorauthpresent", "sourceidentity",
			"ec2instancesourcevpc", "ec2instancesourceprivateipv4", "chatbotsourcearn", "signintosessionarn",
			"sourceip", "sourcevpc", "sourcevpce", "sourcevpcarn", "vpcsourceip", "vpceaccount", "vpceorgid", "vpceorgpaths",
			"resourceaccount", "resourceorgid", "resourceorgpaths",
			"calledvia", "calledviafirst", "calledvialast", "calledviaawsmcp", "viaawsservice", "viaawsmcpservice",
			"currenttime", "epochtime", "referer", "requestedregion", "securetransport", "tagkeys", "useragent",
			"sourcearn", "sourceaccount", "sourceorgid", "sourceorgpaths", "isautomatedaction":
			return true
		}
	case "sts":
		switch name {
		case "externalid", "rolesessionname", "sourceidentity", "transitivetagkeys", "awsservicename", "durationseconds",
			"identitytokenaudience", "signingalgorithm", "requestcontextproviders", "taskpolicyarn":
			return true
		}
	case "lambda":
		switch name {
		case "sourcefunctionarn", "functionurlauthtype", "invokedviafunctionurl", "functionarn", "principal":
			return true
		}
	case "execute-api":
		return name == "viadomainarn"
	case "iam":
		switch name {
		case "passedtoservice", "permissionsboundary", "policyarn", "associatedresourcearn", "awsservicename":
			return true
		}
	}
	return false
}
