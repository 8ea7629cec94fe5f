package api_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/credvend/credvend/api"
)

const planted = "PLANTEDsecret"

type holder struct {
	inner struct{ secret api.Secret } // unexported on the way: fmt calls no methods there
	list  []api.Secret
	named map[string]api.Secret
	ptr   *api.Secret
	any   any
}

type failure struct{ secret api.Secret }

func (f failure) Error() string { return fmt.Sprintf("failed with %v", f.secret) }

// holders are the ways in which a secret gets into something that is printed.
func holders() map[string]any {
	s := api.NewSecret(planted)
	h := holder{list: []api.Secret{s}, named: map[string]api.Secret{"k": s}, ptr: &s, any: s}
	h.inner.secret = s
	c := api.Credentials{SecretAccessKey: s, SessionToken: s, Token: s}
	return map[string]any{
		"itself": s, "a pointer": &s, "a list": []api.Secret{s}, "a map": map[string]api.Secret{"k": s}, "a map's key": map[any]int{&s: 1},
		"a struct": h, "a struct's pointer": &h, "credentials": c, "their pointer": &c, "an error": failure{s},
		"a wrapped error": fmt.Errorf("outer: %w", failure{s}), "joined errors": errors.Join(failure{s}), "any": []any{s, &s, h},
	}
}

func wantHidden(t *testing.T, how, text string) {
	t.Helper()
	for _, form := range []string{planted, fmt.Sprintf("%x", planted), fmt.Sprintf("%X", planted), fmt.Sprintf("%v", []byte(planted)), "PLANTED"} {
		if strings.Contains(text, form) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	for name, v := range holders() {
		t.Run(name, func(t *testing.T) {
			for _, verb := range strings.Split("v +v #v s q x X d t c U e b o p T 10s .3s -20v +q #x 08d w", " ") {
				wantHidden(t, "%"+verb, fmt.Sprintf("%"+verb, v))
			}
			wantHidden(t, "Sprint", fmt.Sprint(v))
			wantHidden(t, "Errorf", fmt.Errorf("%w %v", errors.New("x"), v).Error())
			if b, err := json.Marshal(v); err == nil {
				wantHidden(t, "JSON", string(b))
			}
			if b, err := xml.Marshal(v); err == nil {
				wantHidden(t, "XML", string(b))
			}
			var out bytes.Buffer
			slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v, slog.Group("g", "v", v))
			if err := template.Must(template.New("").Parse(`{{.}} {{printf "%#v" .}}`)).Execute(&out, v); err != nil {
				t.Fatal(err)
			}
			wantHidden(t, "slog or a template", out.String())
			wantHidden(t, "reflection", walk(reflect.ValueOf(v), 8))
			func() {
				defer func() { wantHidden(t, "a panic", fmt.Sprint(recover())) }()
				panic(v)
			}()
		})
	}
}

// walk prints what reflection reaches, as debugging printers do.
func walk(v reflect.Value, depth int) string {
	if depth == 0 || !v.IsValid() {
		return ""
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return walk(v.Elem(), depth-1)
	case reflect.Struct:
		var all strings.Builder
		for i := range v.NumField() {
			all.WriteString(walk(v.Field(i), depth-1))
		}
		return all.String()
	case reflect.Slice, reflect.Array:
		var all strings.Builder
		for i := range v.Len() {
			all.WriteString(walk(v.Index(i), depth-1))
		}
		return all.String()
	case reflect.Map:
		var all strings.Builder
		for _, key := range v.MapKeys() {
			all.WriteString(walk(key, depth-1) + walk(v.MapIndex(key), depth-1))
		}
		return all.String()
	default:
		return v.String() + " "
	}
}

// TestWalkReachesStrings: the walk above would find a secret that stood in a
// string.
func TestWalkReachesStrings(t *testing.T) {
	s := planted
	if got := walk(reflect.ValueOf([]any{map[string]any{"k": struct{ inner *string }{&s}}}), 8); !strings.Contains(got, planted) {
		t.Errorf("walk: %q", got)
	}
}

func TestSecretReads(t *testing.T) {
	if got := api.NewSecret(planted).Reveal(); got != planted {
		t.Errorf("Reveal: %q", got)
	}
	var s api.Secret
	if s.Reveal() != "" || fmt.Sprint(s) != "[redacted]" {
		t.Error("the zero secret")
	}
	if err := json.Unmarshal([]byte(`"x\u0041"`), &s); err != nil || s.Reveal() != "xA" {
		t.Errorf("%v %q", err, s.Reveal())
	}
	for _, bad := range []string{`{"` + planted + `":1}`, `["` + planted + `"]`, `1`, `true`} {
		err := json.Unmarshal([]byte(bad), &s)
		if err == nil {
			t.Errorf("%s: no error", bad)
			continue
		}
		wantHidden(t, "the error", err.Error())
	}
	if s.Reveal() != "xA" {
		t.Error("a failed read changed the secret")
	}
}
