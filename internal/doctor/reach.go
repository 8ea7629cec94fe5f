package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Reach judges why no answer came. owner has the other end: of the front door it
// is likelier that the caller mistyped the URL, of a target that the allowlist
// names another API.
func Reach(step, rawURL string, err error, owner Side) Step {
	host := rawURL
	if u, parseErr := url.Parse(rawURL); parseErr == nil && u.Host != "" {
		host = u.Host
	}
	if outer, found := errIs[*url.Error](err); found {
		err = outer.Err
	}
	place := Candidate{Cause: WrongURL, Side: Caller, Says: "the URL is mistyped, or of a stack that is gone", Do: "take the URL from the operator: an output of credvend's stack, such as IamUrl"}
	if owner != Caller {
		place = Candidate{Cause: ListedAPI, Side: AccountB, Says: "the allowlist's api or endpoint names an API, region or domain that does not exist", Do: "compare the target's api and endpoint in the allowlist with the output ApiArn of Account A's stack"}
	}
	network := Candidate{Cause: Network, Side: Caller, Says: "this machine's network, VPN, firewall or proxy does not let it through", Do: "try curl -v " + rawURL + " from here and from elsewhere; look at HTTPS_PROXY and NO_PROXY"}
	if dns, found := errIs[*net.DNSError](err); found {
		if dns.IsNotFound {
			place.Cause = NoSuchHost
			if owner != Caller {
				place.Cause = ListedAPI
			}
			return wrong(step, fmt.Sprintf("the host %s does not exist in DNS", host), place, network)
		}
		return wrong(step, fmt.Sprintf("the name %s could not be looked up", host), network, place)
	}
	if s, found := certificate(step, host, err); found {
		return s
	}
	var timeout net.Error
	switch {
	case errors.Is(err, http.ErrSchemeMismatch), strings.Contains(err.Error(), "first record does not look like a TLS handshake"):
		return wrong(step, host+" speaks plain http, not https", place, network)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return wrong(step, host+" did not answer in time", network, place)
	default:
		return wrong(step, host+" cannot be reached: "+clip(reason(err)), place, network)
	}
}

// reason is the part of an error that holds nothing of what was sent.
func reason(err error) string {
	if op, found := errIs[*net.OpError](err); found {
		return op.Error()
	}
	return "it broke off, or gave no HTTP answer"
}

// certificate judges a TLS failure.
func certificate(step, host string, err error) (Step, bool) {
	invalid, expired := errIs[x509.CertificateInvalidError](err)
	_, unknown := errIs[x509.UnknownAuthorityError](err)
	_, other := errIs[x509.HostnameError](err)
	_, failed := errIs[*tls.CertificateVerificationError](err)
	_, alert := errIs[tls.AlertError](err)
	name := Candidate{Cause: Certificate, Side: AccountB, Says: "the custom domain has a certificate of another name, or an expired one", Do: "ask the operator to renew or change the domain's certificate"}
	proxy := Candidate{Cause: Certificate, Side: Caller, Says: "a proxy on the way answers in its place with a certificate of its own, or the root certificates here are old", Do: "give its certificate authority in AWS_CA_BUNDLE (or ca_bundle of the profile), or go around it with NO_PROXY"}
	url := Candidate{Cause: WrongURL, Side: Caller, Says: "the URL's host is not the service's", Do: "take the URL from the operator"}
	switch {
	case expired && invalid.Reason == x509.Expired:
		clock := Candidate{Cause: Clock, Side: Caller, Says: "this machine's clock is wrong, so that the certificate seems to be out of its time", Do: "set the clock: timedatectl set-ntp true, or w32tm /resync"}
		return wrong(step, "the certificate of "+host+" has expired, or is not valid yet", clock, name), true
	case other:
		return wrong(step, "the certificate of "+host+" is for another name", url, name), true
	case unknown, failed, expired:
		return wrong(step, "the certificate of "+host+" is of an authority that is not trusted here", proxy, name), true
	case alert:
		return wrong(step, "the TLS handshake with "+host+" fails", proxy, url), true
	}
	return Step{}, false
}
