package lint

import (
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/route"
)

// account is that of an IAM caller.
func account(k *allowlist.IAMCaller) string {
	if k.Account != "" {
		return k.Account
	}
	parts := strings.SplitN(principal(k), ":", 6)
	if len(parts) < 6 {
		return "" // not so: it compiled
	}
	return parts[4]
}

// principal is the ARN that an IAM caller names, if it names one.
func principal(k *allowlist.IAMCaller) string {
	if k.Role != "" {
		return k.Role
	}
	return k.User
}

// principalName is what stands behind role/ or user/.
func principalName(k *allowlist.IAMCaller) string {
	_, name, _ := strings.Cut(principal(k), "/")
	return name
}

func uniqueID(k *allowlist.IAMCaller) string { return k.RoleID + k.UserID }

// vicinity is what two callers must share to be one identity at all.
func vicinity(k allowlist.Caller) string {
	switch {
	case k.IAM != nil:
		return account(k.IAM)
	case k.JWT != nil:
		return k.JWT.Issuer
	default:
		return ""
	}
}

// holds reports whether everybody who is k is wide too.
func holds(wide, k allowlist.Caller) bool {
	switch {
	case wide.IAM != nil && k.IAM != nil:
		w, n := wide.IAM, k.IAM
		switch {
		case account(w) != account(n):
			return false
		case w.Account != "": // a guest, whom an account leaves out, is barred by it still
			return true
		case n.Account != "" || prefix(w) != prefix(n) || uniqueID(w) != "" && uniqueID(w) != uniqueID(n):
			return false
		}
		return segmentsMatch(principalName(w), principalName(n))
	case wide.JWT != nil && k.JWT != nil:
		if wide.JWT.Issuer != k.JWT.Issuer || wide.JWT.Audience != k.JWT.Audience {
			return false
		}
		for claim, values := range wide.JWT.Claims {
			have := k.JWT.Claims[claim]
			if len(have) == 0 || slices.ContainsFunc(have, func(v string) bool { return !slices.Contains(values, v) }) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// prefix is all of a principal's ARN before its name.
func prefix(k *allowlist.IAMCaller) string {
	before, _, _ := strings.Cut(principal(k), "/")
	return before
}

// mayOverlap reports whether one identity can be both callers. Of tokens it
// says so whenever issuers agree: audiences and claims may be lists.
func mayOverlap(a, b allowlist.Caller) bool {
	switch {
	case a.IAM != nil && b.IAM != nil:
		x, y := a.IAM, b.IAM
		switch {
		case account(x) != account(y):
			return false
		case x.Account != "" || y.Account != "":
			return true
		case prefix(x) != prefix(y) || uniqueID(x) != "" && uniqueID(y) != "" && uniqueID(x) != uniqueID(y):
			return false
		}
		return segmentsShare(principalName(x), principalName(y))
	case a.JWT != nil && b.JWT != nil:
		return a.JWT.Issuer == b.JWT.Issuer
	default:
		return false
	}
}

// segmentsMatch reports whether pattern matches all that name does, a star in
// each stopping at slashes.
func segmentsMatch(pattern, name string) bool {
	return bySegment(pattern, name, func(p, n route.Route) bool { return p.Contains(n) })
}

// segmentsShare reports whether some name is matched by both.
func segmentsShare(a, b string) bool {
	return bySegment(a, b, func(x, y route.Route) bool { return x.Overlaps(y) })
}

// bySegment compares segment by segment, as globs of routes. A letter before
// each keeps out the segments that no path may have.
func bySegment(a, b string, compare func(x, y route.Route) bool) bool {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	if len(as) != len(bs) {
		return false
	}
	for i := range as {
		x, errX := route.Parse("GET /-" + as[i])
		y, errY := route.Parse("GET /-" + bs[i])
		if errX != nil || errY != nil {
			if as[i] != bs[i] { // a letter that stands in no URL: such a name is literal
				return false
			}
			continue
		}
		if !compare(x, y) {
			return false
		}
	}
	return true
}
