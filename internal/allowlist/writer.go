package allowlist

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
)

// writer writes canonical JSON: what encoding/json writes without escaping
// HTML, to the byte (a property test says so), at a tenth of the time.
type writer struct {
	to    io.Writer // takes everything and never fails: a buffer or a hash
	text  []byte
	comma bool // a member or an item stands before
}

func (w *writer) document(d *Document) {
	w.open('{')
	w.key("version")
	w.text = strconv.AppendInt(w.text, int64(d.Version), 10)
	w.key("targets")
	object(w, d.Targets, w.target)
	w.key("callers")
	object(w, d.Callers, w.caller)
	w.key("rules")
	if d.Rules == nil {
		w.text = append(w.text, "null"...)
	} else {
		w.open('[')
		for i := range d.Rules {
			w.item()
			w.rule(&d.Rules[i])
		}
		w.close(']')
	}
	w.close('}')
	w.text = append(w.text, '\n')
	w.flush()
}

func (w *writer) target(t Target) {
	w.open('{')
	w.key("role")
	w.string(t.Role)
	w.key("api")
	w.string(t.API)
	w.some("endpoint", t.Endpoint)
	w.some("external_id", t.ExternalID)
	w.some("default_duration", t.DefaultDuration)
	w.some("max_duration", t.MaxDuration)
	if t.RequireRoutes {
		w.flag("require_routes", &t.RequireRoutes)
	}
	w.flag("source_identity", t.SourceIdentity)
	w.flag("session_tags", t.SessionTags)
	w.close('}')
}

func (w *writer) caller(k Caller) {
	w.open('{')
	if k.IAM != nil {
		w.key("iam")
		w.open('{')
		w.some("role", k.IAM.Role)
		w.some("role_id", k.IAM.RoleID)
		w.some("user", k.IAM.User)
		w.some("user_id", k.IAM.UserID)
		w.some("account", k.IAM.Account)
		w.close('}')
	}
	if k.JWT != nil {
		w.key("jwt")
		w.open('{')
		w.key("issuer")
		w.string(k.JWT.Issuer)
		w.key("audience")
		w.string(k.JWT.Audience)
		if len(k.JWT.Claims) > 0 {
			w.key("claims")
			object(w, k.JWT.Claims, w.strings)
		}
		w.close('}')
	}
	if len(k.Tags) > 0 {
		w.key("tags")
		object(w, k.Tags, w.string)
	}
	w.close('}')
}

func (w *writer) rule(r *Rule) {
	w.open('{')
	w.key("id")
	w.string(r.ID)
	w.some("effect", r.Effect)
	w.key("callers")
	w.strings(r.Callers)
	w.key("target")
	w.string(r.Target)
	if len(r.Routes) > 0 {
		w.key("routes")
		w.strings(r.Routes)
	}
	w.some("max_duration", r.MaxDuration)
	w.close('}')
}

// object writes a map, by its keys.
func object[V any](w *writer, all map[string]V, value func(V)) {
	if all == nil {
		w.text = append(w.text, "null"...)
		return
	}
	w.open('{')
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w.key(name)
		value(all[name])
		w.comma = true
	}
	w.close('}')
}

func (w *writer) strings(all []string) {
	if all == nil {
		w.text = append(w.text, "null"...)
		return
	}
	w.open('[')
	for _, s := range all {
		w.item()
		w.string(s)
	}
	w.close(']')
}

// some writes a member that is left out when it is empty.
func (w *writer) some(key, value string) {
	if value != "" {
		w.key(key)
		w.string(value)
	}
}

func (w *writer) flag(key string, on *bool) {
	if on != nil {
		w.key(key)
		w.text = strconv.AppendBool(w.text, *on)
	}
}

func (w *writer) open(mark byte) {
	w.text = append(w.text, mark)
	w.comma = false
}

func (w *writer) close(mark byte) {
	w.text = append(w.text, mark)
	w.comma = true
}

func (w *writer) key(name string) {
	w.item()
	w.string(name)
	w.text = append(w.text, ':')
}

// item begins the next member or item.
func (w *writer) item() {
	if w.comma {
		w.text = append(w.text, ',')
	}
	w.comma = true
	if len(w.text) > 1<<15 {
		w.flush()
	}
}

func (w *writer) flush() {
	_, _ = w.to.Write(w.text)
	w.text = w.text[:0]
}

func (w *writer) string(s string) {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			plain = false
			break
		}
	}
	if plain {
		w.text = append(w.text, '"')
		w.text = append(w.text, s...)
		w.text = append(w.text, '"')
		return
	}
	// Escapes are encoding/json's own.
	quoted := appender{w.text}
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string; into memory
	w.text = quoted.text[:len(quoted.text)-len("\n")]
}

type appender struct{ text []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.text = append(a.text, p...)
	return len(p), nil
}
