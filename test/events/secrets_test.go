package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sentence is the signature of every token in the events.
const sentence = "this token is an example that nobody ever signed"

var (
	accessKey = regexp.MustCompile(`A[KS]IA[A-Z0-9]{12,}`)
	token     = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)`)
	signature = regexp.MustCompile(`Signature=([0-9a-f]+)`)
)

// TestNoSecrets: what looks like a secret in the events is seen to be none.
func TestNoSecrets(t *testing.T) {
	files, err := filepath.Glob(eventsDir + "/*")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for _, key := range accessKey.FindAllString(text, -1) {
			if !strings.Contains(key, "EXAMPLE") {
				t.Errorf("%s: %s is not an example's access key", file, key)
			}
		}
		for _, m := range token.FindAllStringSubmatch(text, -1) {
			if got, err := base64.RawURLEncoding.DecodeString(m[1]); err != nil || string(got) != sentence {
				t.Errorf("%s: a token has a signature", file)
			}
		}
		for _, m := range signature.FindAllStringSubmatch(text, -1) {
			if strings.Trim(m[1], "0") != "" {
				t.Errorf("%s: a signature that could be real", file)
			}
		}
	}
}
