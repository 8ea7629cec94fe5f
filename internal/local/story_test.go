package local

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/local/sts"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestStory: what `make demo` prints is the same in each run, to the letter.
func TestStory(t *testing.T) {
	log := &syncBuffer{}
	o := options(t)
	o.Log = log
	s := start(t, o)
	var told bytes.Buffer
	if err := s.Tour(t.Context(), &told); err != nil {
		t.Fatalf("%v\n%s", err, told.String())
	}
	golden := filepath.Join("testdata", "story.txt")
	if *update {
		if err := os.WriteFile(golden, told.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), told.String()); diff != "" {
		t.Errorf("the story reads otherwise (-want +got; go test -update rewrites it):\n%s", diff)
	}
	// Behind the story each request left a line, its reason with it.
	for _, line := range []string{
		"http-api     GET  /orders/42", "sts us-east-1 AssumeRole", "function-url POST /v1/credentials", "rest-api     POST /prod/v1/credentials",
		"assumed-role/billing-service/billing-service-local", "sub ana", "nobody verified",
	} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log of requests lacks %q:\n%s", line, log.String())
		}
	}
}

// TestStoryTwice: the story can be played again on the same stack, where
// everything is cached.
func TestStoryTwice(t *testing.T) {
	s := start(t, options(t))
	var first, second bytes.Buffer
	if err := errors.Join(s.Tour(t.Context(), &first), s.Tour(t.Context(), &second)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.String(), second.String()); diff != "" {
		t.Errorf("the second time it reads otherwise:\n%s", diff)
	}
}

// TestStoryNoticesFaults plants a fault in what the story tells of, and wants
// the steps that meet it told as wrong, and no others.
func TestStoryNoticesFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		list  func(yaml string) string // bends the story's list
		plant func(s *Stack)
		wrong []string // marks of the lines that must be wrong
		count string
		also  string // must be told
	}{
		{
			name:  "STS is down",
			plant: func(s *Stack) { s.Faults().Order(sts.AnyRegion, sts.Fault{Kind: sts.Internal}) },
			wrong: []string{" 3.", " 4.", " 5.", "10.", "11.", "12.", "14.", "15.", "16.", "18.", "19.", "20."},
			count: "12 of 20 steps", also: "there are no credentials to try",
		},
		{
			name:  "the stranger is let in",
			plant: func(s *Stack) { s.World.Profiles["stranger"] = s.World.Profiles["billing-service"] },
			wrong: []string{" 6.", " 7."},
			count: "2 of 20 steps", also: "(credentials, withheld)",
		},
		{
			name: "the list grants POST too",
			list: func(yaml string) string {
				return strings.Replace(yaml, `["GET /orders", "GET /orders/*"]`, `["GET /orders", "GET /orders/*", "POST /orders"]`, 1)
			},
			wrong: []string{" 5."},
			count: "1 of 20 steps", also: `wanted 403 with "Forbidden"; the answer was: {"method":"POST"`,
		},
		{
			name: "shoppers see each other",
			list: func(yaml string) string { return strings.Replace(yaml, "/users/${claims.sub}/*", "/users/*", 1) },
			// Step 14 goes as told: it does not look at the routes.
			wrong: []string{"16."},
			count: "1 of 20 steps",
		},
		{
			name: "the third account is not on the list",
			list: func(yaml string) string {
				return strings.Replace(yaml, `account: "777788889999"`, `account: "999988887777"`, 1)
			},
			wrong: []string{"18.", "19.", "20."},
			count: "3 of 20 steps",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.list != nil {
				original := storyAllowlist
				t.Cleanup(func() { storyAllowlist = original })
				storyAllowlist = []byte(c.list(string(original)))
				if bytes.Equal(storyAllowlist, original) {
					t.Fatal("the case bends nothing")
				}
			}
			s := start(t, options(t))
			if c.plant != nil {
				c.plant(s)
			}
			var told bytes.Buffer
			err := s.Tour(t.Context(), &told)
			if err == nil || !strings.Contains(err.Error(), c.count) {
				t.Errorf("error %v, want %s", err, c.count)
			}
			var wrong []string
			for line := range strings.Lines(told.String()) {
				if strings.HasSuffix(line, "WRONG\n") {
					wrong = append(wrong, line[2:5])
				}
			}
			if diff := cmp.Diff(c.wrong, wrong); diff != "" {
				t.Errorf("steps told as wrong (-want +got):\n%s\n%s", diff, told.String())
			}
			if !strings.Contains(told.String(), c.also) {
				t.Errorf("not told: %s\n%s", c.also, told.String())
			}
			for _, secret := range profileSecrets(s) {
				if strings.Contains(told.String(), secret) {
					t.Error("the story tells a secret")
				}
			}
		})
	}
}

// TestTourNeedsTheStory: the story's steps mean nothing with another list.
func TestTourNeedsTheStory(t *testing.T) {
	s := startWith(t, string(storyAllowlist))
	var told bytes.Buffer
	if err := s.Tour(t.Context(), &told); err == nil || !strings.Contains(err.Error(), "leave --allowlist out") || told.Len() > 0 {
		t.Errorf("%v, told %q", err, told.String())
	}
}

// profileSecrets are the secret keys and session tokens of all profiles.
func profileSecrets(s *Stack) (all []string) {
	for _, session := range s.World.Profiles {
		k := session.keys()
		all = append(all, k.SecretAccessKey)
		if k.SessionToken != "" {
			all = append(all, k.SessionToken)
		}
	}
	return all
}
