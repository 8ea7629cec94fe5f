package vendtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/credvend/credvend/internal/identity"
)

// contract is docs/openapi.yaml, read once: reading it takes longer than most
// tests.
//
//nolint:gochecknoglobals // constant after the first call
var contract = sync.OnceValues(func() (*openapi3.T, error) {
	path, err := contractFile()
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromFile(path)
})

// contractFile finds docs/openapi.yaml from the folder of whichever package is
// under test.
func contractFile() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, "docs", "openapi.yaml")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no docs/openapi.yaml above the folder of the test")
		}
		dir = parent
	}
}

// Contract returns the service's OpenAPI document.
func Contract() (*openapi3.T, error) { return contract() }

// CheckContract reports whether an answer to an event is one that
// docs/openapi.yaml tells of: the status stands at the operation, the body has
// its schema and no field beside it, and exactly its headers are there.
func CheckContract(doors identity.Doors, event []byte, a Answer) error {
	doc, err := contract()
	if err != nil {
		return err
	}
	documented, where := expected(doc, doors, event, a.Status)
	if documented == nil {
		return fmt.Errorf("docs/openapi.yaml tells of no %d for %s", a.Status, where)
	}
	if err := checkHeaders(documented, a.Headers); err != nil {
		return fmt.Errorf("%d for %s: %w", a.Status, where, err)
	}
	media := documented.Content["application/json"]
	if media == nil || len(documented.Content) != 1 {
		return fmt.Errorf("docs/openapi.yaml: the %d for %s must be JSON alone", a.Status, where)
	}
	var body any
	if err := json.Unmarshal([]byte(a.Text), &body); err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	// The error's own text would quote what it does not like, and that may be a
	// secret: its details are left out.
	if err := media.Schema.Value.VisitJSON(body, openapi3.VisitAsResponse(), openapi3.MultiErrors(), openapi3.DisableSchemaErrorDetails()); err != nil {
		return fmt.Errorf("the body of the %d for %s is not what docs/openapi.yaml tells: %w", a.Status, where, err)
	}
	return nil
}

// expected returns the documented answer of one status to an event. An event
// that nobody can be identified from has no operation: its answer is the 401
// of all of them. A path or method that is not documented has the two answers
// that all such have.
func expected(doc *openapi3.T, doors identity.Doors, event []byte, status int) (*openapi3.Response, string) {
	shared := func(status int) *openapi3.Response {
		name := map[int]string{400: "InvalidRequest", 401: "Unauthenticated", 404: "NotFound", 405: "MethodNotAllowed", 413: "TooLarge", 500: "Internal"}[status]
		if r := doc.Components.Responses[name]; r != nil {
			return r.Value
		}
		return nil
	}
	e, err := identity.ParseEvent(event)
	if err != nil {
		return only(shared, status, 401, 500), "an event of no known shape"
	}
	_, door, err := doors.Identify(e)
	if err != nil {
		return only(shared, status, 401, 500), "an unidentified caller"
	}
	path := door.StripPrefix(e)
	where := strconv.Quote(e.Method + " " + path)
	item := pathItem(doc, path)
	if item == nil {
		return only(shared, status, 400, 404, 413, 500), where
	}
	operation := item.Operations()[e.Method]
	if operation == nil || e.Method != strings.ToUpper(e.Method) {
		return only(shared, status, 400, 404, 405, 413, 500), where
	}
	if r := operation.Responses.Status(status); r != nil {
		return r.Value, where
	}
	return nil, where
}

func only(answer func(int) *openapi3.Response, status int, allowed ...int) *openapi3.Response {
	if !slices.Contains(allowed, status) {
		return nil
	}
	return answer(status)
}

// pathItem returns the document's entry for a path: literal, or with one
// segment of its own.
func pathItem(doc *openapi3.T, path string) *openapi3.PathItem {
	if item := doc.Paths.Value(path); item != nil && !strings.Contains(path, "{") {
		return item
	}
	if name, ok := strings.CutPrefix(path, "/v1/credentials/"); ok && name != "" && !strings.Contains(name, "/") {
		return doc.Paths.Value("/v1/credentials/{target}")
	}
	return nil
}

// checkHeaders holds the headers against the documented ones. The content type
// stands in the document as the body's.
func checkHeaders(documented *openapi3.Response, got map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(got)) {
		header := documented.Headers[name]
		if header == nil {
			if name == "Content-Type" {
				continue
			}
			return fmt.Errorf("docs/openapi.yaml tells of no header %s", name)
		}
		if err := header.Value.Schema.Value.VisitJSON(got[name]); err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	for name := range documented.Headers {
		if _, ok := got[name]; !ok {
			return fmt.Errorf("the header %s is missing", name)
		}
	}
	return nil
}
