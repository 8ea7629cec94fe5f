// Package invoke runs the events of the folder events/ against the function's
// real bootstrap and compares the answers with what stands beside each event.
// The test, make invoke and make sam-local are this one runner.
//
// It plays Lambda and Account A's STS, on this machine alone. It must not look
// into the function, nor share code with what decides there: an answer is
// judged by its bytes.
package invoke

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Suffixes of the files in the events' folder: NAME.json is an event as AWS
// sends it, NAME.want.json what is expected of it.
const (
	eventSuffix = ".json"
	wantSuffix  = ".want.json"
)

// environmentFile holds the function's variables, in the form of
// `sam local invoke --env-vars`.
const environmentFile = "env.json"

// allowlistFile is the allowlist that the events speak of.
const allowlistFile = "allowlist.yaml"

// Case is an event and what is expected of it.
type Case struct {
	Name  string
	Path  string // of the event
	Event []byte
	Want  *Want // nil: nothing is expected of it
}

// Want is what is expected of an event.
type Want struct {
	About string            `json:"about"`           // one line for people
	STS   STSMood           `json:"sts,omitempty"`   // how Account A's STS takes it
	Env   map[string]string `json:"env,omitempty"`   // variables of the function that differ from env.json
	After []string          `json:"after,omitempty"` // events that the same process gets first

	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"` // all of them
	Body    any               `json:"body"`    // the JSON in the answer's body
}

// STSMood is how the local STS treats the broker.
type STSMood string

// The moods. The zero one issues to whom the role trusts.
const (
	Issues    STSMood = ""
	Refuses   STSMood = "refuses"   // Account A's role does not trust the broker
	Fails     STSMood = "fails"     // InternalFailure, at every attempt
	Throttles STSMood = "throttles" // Throttling, at every attempt
)

// List returns the cases of a folder, by name.
func List(dir string) ([]Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+eventSuffix))
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, file := range files {
		if strings.HasSuffix(file, wantSuffix) || filepath.Base(file) == environmentFile {
			continue
		}
		c, err := load(file)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("there are no events in %s; run this in the folder of the project, or name another with -events", dir)
	}
	return cases, nil
}

// Find returns the case of a name in a folder, or of any file that holds an
// event.
func Find(dir, name string) (Case, error) {
	for _, file := range []string{filepath.Join(dir, name+eventSuffix), name} {
		if _, err := os.Stat(file); err == nil {
			return load(file)
		}
	}
	cases, err := List(dir)
	if err != nil {
		return Case{}, err
	}
	var near []string
	for _, c := range cases {
		if strings.Contains(c.Name, name) {
			near = append(near, c.Name)
		}
	}
	if len(near) > 0 {
		return Case{}, fmt.Errorf("there is no event %q; there are %s", name, strings.Join(near, ", "))
	}
	return Case{}, fmt.Errorf("there is no event %q in %s, and no file of that name; leave it out to see which there are", name, dir)
}

func load(file string) (Case, error) {
	event, err := os.ReadFile(file)
	if err != nil {
		return Case{}, fmt.Errorf("the event cannot be read: %w", err)
	}
	if !json.Valid(event) {
		return Case{}, fmt.Errorf("%s is not JSON", file)
	}
	stem := strings.TrimSuffix(file, eventSuffix)
	c := Case{Name: filepath.Base(stem), Path: file, Event: event}
	text, err := os.ReadFile(stem + wantSuffix)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return Case{}, fmt.Errorf("the expected answer cannot be read: %w", err)
	}
	c.Want = &Want{}
	if err := decode(text, c.Want); err != nil {
		return Case{}, fmt.Errorf("%s: %w", stem+wantSuffix, err)
	}
	if !slices.Contains([]STSMood{Issues, Refuses, Fails, Throttles}, c.Want.STS) {
		return Case{}, fmt.Errorf("%s: sts is %q; write %s, %s or %s, or leave it out", stem+wantSuffix, c.Want.STS, Refuses, Fails, Throttles)
	}
	if err := checkPlaceholders([]any{c.Want.Body, generic(c.Want.Headers)}); err != nil {
		return Case{}, fmt.Errorf("%s: %w", stem+wantSuffix, err)
	}
	return c, nil
}

// decode reads one JSON value, strictly: a misspelt field must not pass for
// something that nobody expects.
func decode(text []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(to); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON")
	}
	return nil
}

// environment reads env.json: the variables of VendFunction.
func environment(dir string) (map[string]string, error) {
	file := filepath.Join(dir, environmentFile)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the function's variables cannot be read: %w", err)
	}
	var byFunction map[string]map[string]string
	if err := decode(text, &byFunction); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	vars, ok := byFunction[functionID]
	if !ok || len(byFunction) != 1 {
		return nil, fmt.Errorf("%s: it holds the variables of %s and of nothing else", file, functionID)
	}
	return vars, nil
}
