package vendtest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
)

// mark stands in every secret that is planted.
const mark = "PLANTED"

// PresignedMark stands for the session token and the signature of a request
// that Plant has signed.
const PresignedMark = mark + "presignedTOKEN"

// Plant signs a request in every way at once: a caller's secrets stand in its
// headers and in its query, as they do in real requests.
func Plant(r Request) Request {
	headers := map[string]string{
		"authorization":        "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLECALLER000/20261122/us-east-1/execute-api/aws4_request, Signature=" + PresignedMark,
		"x-amz-security-token": PresignedMark,
		"cookie":               "session=" + PresignedMark,
	}
	maps.Copy(headers, r.Headers)
	r.Headers = headers
	if r.Query != "" {
		r.Query += "&"
	}
	r.Query += "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAEXAMPLECALLER000&X-Amz-Security-Token=" + PresignedMark + "%2F1&x-amz-signature=" + PresignedMark
	return r
}

// Leaks returns where planted secrets stand in text, whole or in part, plain or
// as base64. It does not quote them.
func Leaks(text string) (found []string) {
	for i, form := range leakForms() {
		if at := strings.Index(text, form); at >= 0 {
			found = append(found, fmt.Sprintf("form %d of a planted secret at byte %d", i, at))
		}
	}
	return found
}

// leakForms are what the mark looks like: as it is, lower-cased, and as base64
// at each of its three alignments.
func leakForms() []string {
	forms := []string{mark, strings.ToLower(mark)}
	for shift := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte("xx"[:shift] + mark))
		// The first characters hold bits of what stands before, the last of what
		// stands behind.
		forms = append(forms, encoded[(shift*8+5)/6:(shift+len(mark))*8/6])
	}
	return forms
}

// checkSecrets looks for planted secrets in all that was written since the last
// look, and in the answer, unless it is one that vends.
func (h *Harness) checkSecrets(tb TB, a Answer) {
	tb.Helper()
	vends := a.Status == 200 && a.Field("SecretAccessKey") != ""
	if !vends && len(Leaks(a.Text)) > 0 {
		tb.Errorf("the body of the %d holds %v", a.Status, Leaks(a.Text))
	}
	if found := Leaks(fmt.Sprint(a.Headers)); len(found) > 0 {
		tb.Errorf("the headers of the %d hold %v", a.Status, found)
	}
	trail, log := h.Trail.Text(), h.Log()
	h.mu.Lock()
	newTrail, newLog := trail[min(h.trailSeen, len(trail)):], log[min(h.logSeen, len(log)):]
	h.trailSeen, h.logSeen = len(trail), len(log)
	h.mu.Unlock()
	if found := Leaks(newTrail); len(found) > 0 {
		tb.Errorf("the audit trail holds %v", found)
	}
	if found := Leaks(newLog); len(found) > 0 {
		tb.Errorf("the operator's log holds %v", found)
	}
}
