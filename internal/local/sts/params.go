package sts

import (
	"cmp"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxBody is the largest request that is read, in bytes: fifty tags of the
// longest keys and values, percent-encoded, with a policy, fit.
const maxBody = 512 << 10

// params are a request's parameters, each given once.
type params map[string]string

type tag struct{ key, value *string }

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request size exceeded the limit")
	}
	return body, nil
}

// parseParams joins the query and a form body. A parameter that stands twice is
// refused: two readers of the request could each take another one.
func parseParams(r *http.Request, body []byte) (params, *refusal) {
	bad := refuse(http.StatusBadRequest, "MalformedQueryString", "The query string contains a syntax error.")
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, bad
	}
	sources := []url.Values{query}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, bad
		}
		sources = append(sources, form)
	}
	p := params{}
	for _, values := range sources {
		for name, v := range values {
			if strings.HasPrefix(strings.ToLower(name), "x-amz-") {
				continue // the presigned form's own parameters
			}
			if _, twice := p[name]; twice || len(v) != 1 || !utf8.ValidString(name) || !utf8.ValidString(v[0]) {
				return nil, bad
			}
			p[name] = v[0]
		}
	}
	return p, nil
}

// get returns nil for a parameter that was not sent.
func (p params) get(name string) *string {
	if v, ok := p[name]; ok {
		return &v
	}
	return nil
}

var memberForm = regexp.MustCompile(`^(\w+)\.member\.([1-9]\d{0,3})(?:\.(\w+))?$`)

// members collects a list's fields in the order of their numbers; field "" is a
// list of plain values.
func (p params) members(list string) []map[string]string {
	byIndex := map[int]map[string]string{}
	for name, value := range p {
		m := memberForm.FindStringSubmatch(name)
		if m == nil || m[1] != list {
			continue
		}
		i, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		if byIndex[i] == nil {
			byIndex[i] = map[string]string{}
		}
		byIndex[i][m[3]] = value
	}
	indexes := make([]int, 0, len(byIndex))
	for i := range byIndex {
		indexes = append(indexes, i)
	}
	slices.SortFunc(indexes, cmp.Compare[int])
	out := make([]map[string]string, 0, len(indexes))
	for _, i := range indexes {
		out = append(out, byIndex[i])
	}
	return out
}

func (p params) strings(list, field string) []string {
	var out []string
	for _, m := range p.members(list) {
		out = append(out, m[field])
	}
	return out
}

func (p params) tags() []tag {
	var out []tag
	for _, m := range p.members("Tags") {
		var t tag
		if v, ok := m["Key"]; ok {
			t.key = &v
		}
		if v, ok := m["Value"]; ok {
			t.value = &v
		}
		out = append(out, t)
	}
	return out
}
