// Package openapiroutes reads the routes of an API out of its OpenAPI 3
// document: the methods and paths, and nothing else of it.
//
// It follows no reference out of the document, opens no file and no
// connection, and takes time and memory linear in the size of the text: of
// schemas, parameters and examples, where documents are large, cyclic and
// often slightly wrong, it looks at nothing. It must never be linked into the
// function.
package openapiroutes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/oasdiff/yaml"

	"github.com/credvend/credvend/internal/route"
)

// MaxSize is the longest document that is read, in bytes. A YAML reader takes
// some forty times the size of its text.
const MaxSize = 8 << 20

// maxRefs bounds the references that lead from one path item to another.
const maxRefs = 16

// Spec is what a document says of an API's routes.
type Spec struct {
	Title      string // of the API
	Version    string // of the API, as the document has it
	Server     string // the first server's URL, variables replaced by their defaults; empty if there is none
	operations []operation
	Skipped    []string // what cannot be written as a route, and why
}

// operation is one method of one path, as it stands in the document.
type operation struct {
	method, path string
	server       string // of its own or of its path; empty: the document's
}

type server struct {
	URL       string `json:"url"`
	Variables map[string]struct {
		Default string `json:"default"`
	} `json:"variables"`
}

type document struct {
	OpenAPI    string                     `json:"openapi"`
	Swagger    string                     `json:"swagger"`
	Info       map[string]json.RawMessage `json:"info"`
	Servers    []server                   `json:"servers"`
	Paths      map[string]json.RawMessage `json:"paths"`
	Components struct {
		PathItems map[string]json.RawMessage `json:"pathItems"`
	} `json:"components"`
}

// Parse reads a document, in YAML or JSON.
func Parse(text []byte) (*Spec, error) {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	switch {
	case len(text) > MaxSize:
		return nil, fmt.Errorf("the document is longer than %d MiB; take the schemas and examples out, only the paths are read", MaxSize>>20)
	case len(trimmed) == 0:
		return nil, errors.New("the document is empty; name an OpenAPI 3 document in YAML or JSON")
	case bytes.IndexByte(text, 0) >= 0:
		return nil, errors.New("the document is not text; name an OpenAPI 3 document in YAML or JSON, in UTF-8")
	}
	if trimmed[0] != '{' || !json.Valid(trimmed) {
		var err error
		if trimmed, err = yaml.YAMLToJSON(trimmed); err != nil {
			return nil, fmt.Errorf("the document cannot be read: %s", short(strings.TrimPrefix(err.Error(), "yaml: ")))
		}
	}
	var doc document
	if err := json.Unmarshal(trimmed, &doc); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return nil, fmt.Errorf("this is no OpenAPI document: %s must not be %s", short(wrong.Field), wrong.Value)
		}
		return nil, errors.New("this is no OpenAPI document: it begins with openapi: 3.0.3 or the like, and has paths")
	}
	switch {
	case doc.Swagger != "":
		return nil, fmt.Errorf("this is Swagger %s; convert it to OpenAPI 3 first, for example with swagger2openapi", short(doc.Swagger))
	case !strings.HasPrefix(doc.OpenAPI, "3."):
		return nil, fmt.Errorf("openapi is %q; documents of version 3 are read", short(doc.OpenAPI))
	case len(doc.Paths) == 0:
		return nil, errors.New("the document has no paths, so there are no routes in it")
	}
	s := &Spec{Server: first(doc.Servers)}
	_ = json.Unmarshal(doc.Info["title"], &s.Title) // for a comment alone
	_ = json.Unmarshal(doc.Info["version"], &s.Version)
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		if !strings.HasPrefix(path, "x-") {
			s.path(&doc, path)
		}
	}
	return s, nil
}

// anyMethod is API Gateway's extension for a path that takes every method.
const anyMethod = "x-amazon-apigateway-any-method"

// path reads the operations of one path.
func (s *Spec) path(doc *document, path string) {
	item, err := resolve(doc, doc.Paths[path])
	if err != nil {
		s.skip("%s: %v", path, err)
		return
	}
	var servers []server
	_ = json.Unmarshal(item["servers"], &servers) // wrong ones are as none
	for _, key := range slices.Sorted(maps.Keys(item)) {
		method := strings.ToUpper(key)
		switch {
		case key == anyMethod:
			method = route.AnyMethod
		case slices.Contains(route.Methods(), method) && key == strings.ToLower(key):
		case slices.Contains([]string{"trace", "query", "additionalOperations"}, key):
			s.skip("%s: a route cannot name the method of %s", path, key)
			continue
		case strings.HasPrefix(key, "x-") || slices.Contains([]string{"$ref", "summary", "description", "servers", "parameters"}, key):
			continue
		default:
			s.skip("%s: %s is no method", path, key)
			continue
		}
		var own struct {
			Servers []server `json:"servers"`
		}
		_ = json.Unmarshal(item[key], &own)
		s.operations = append(s.operations, operation{method, path, first(slices.Concat(own.Servers, servers))})
	}
}

func (s *Spec) skip(format string, args ...any) {
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = short(text)
		}
	}
	s.Skipped = append(s.Skipped, fmt.Sprintf(format, args...))
}

// resolve reads a path item, and follows its references inside the document.
func resolve(doc *document, raw json.RawMessage) (map[string]json.RawMessage, error) {
	whole := map[string]json.RawMessage{}
	for range maxRefs {
		var item map[string]json.RawMessage
		if err := json.Unmarshal(raw, &item); err != nil {
			return nil, errors.New("this is no path item")
		}
		for key, value := range item {
			if _, there := whole[key]; !there && key != "$ref" {
				whole[key] = value
			}
		}
		var ref string
		if item["$ref"] == nil {
			return whole, nil
		}
		if err := json.Unmarshal(item["$ref"], &ref); err != nil {
			return nil, errors.New("$ref is no text")
		}
		next, err := lookUp(doc, ref)
		if err != nil {
			return nil, err
		}
		raw = next
	}
	return nil, fmt.Errorf("its $ref leads on more than %d times, perhaps in a circle", maxRefs)
}

func lookUp(doc *document, ref string) (json.RawMessage, error) {
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for prefix, items := range map[string]map[string]json.RawMessage{"#/components/pathItems/": doc.Components.PathItems, "#/paths/": doc.Paths} {
		if name, ok := strings.CutPrefix(ref, prefix); ok {
			if plain, err := url.PathUnescape(name); err == nil {
				name = plain
			}
			if item, there := items[unescape.Replace(name)]; there {
				return item, nil
			}
			return nil, fmt.Errorf("$ref %s leads nowhere", short(ref))
		}
	}
	return nil, fmt.Errorf("$ref %s leads out of the document's paths; references to other files are not followed, bundle the document first", short(ref))
}

// first is the URL of the first server, its variables replaced by their
// defaults.
func first(servers []server) string {
	if len(servers) == 0 {
		return ""
	}
	text := servers[0].URL
	for _, name := range slices.Sorted(maps.Keys(servers[0].Variables)) {
		text = strings.ReplaceAll(text, "{"+name+"}", servers[0].Variables[name].Default)
	}
	return text
}

// short makes text of the document fit for a message: one line, clipped.
func short(s string) string {
	const limit = 120
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}
