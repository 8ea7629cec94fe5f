package allowlist

// reader reads a document in one pass, for lists of a million rules. It is
// stricter than parseAny and words no errors: what it is not sure of it leaves
// to that, and what it reads that reads alike (FuzzParse holds the two against
// each other). Its texts are parts of the document's own.
type reader struct {
	text   string
	at     int
	failed bool
	room   []string // of lists
}

// read returns the document; false says nothing but that parseAny must look.
func read(text string) (*Document, bool) {
	r := reader{text: text}
	doc := r.document()
	r.space()
	return doc, !r.failed && r.at == len(text)
}

// The keys of each object, with those first that must be there.
var (
	documentKeys  = [...]string{"version", "targets", "callers", "rules"}
	targetKeys    = [...]string{"role", "api", "endpoint", "external_id", "default_duration", "max_duration", "require_routes", "source_identity", "session_tags"}
	callerKeys    = [...]string{"iam", "jwt", "tags"}
	iamCallerKeys = [...]string{"role", "role_id", "user", "user_id", "account"}
	jwtCallerKeys = [...]string{"issuer", "audience", "claims"}
	ruleKeys      = [...]string{"id", "callers", "target", "effect", "routes", "max_duration"}
)

func (r *reader) document() *Document {
	doc := &Document{Targets: map[string]Target{}, Callers: map[string]Caller{}, Rules: []Rule{}}
	r.fields(documentKeys[:], 4, func(key string) {
		switch key {
		case "version":
			doc.Version = r.number()
		case "targets":
			members(r, doc.Targets, r.target)
		case "callers":
			members(r, doc.Callers, r.caller)
		case "rules":
			r.list(func() { doc.Rules = append(doc.Rules, r.rule()) })
		}
	})
	return doc
}

func (r *reader) target() (t Target) {
	r.fields(targetKeys[:], 2, func(key string) {
		switch key {
		case "role":
			t.Role = r.string()
		case "api":
			t.API = r.string()
		case "endpoint":
			t.Endpoint = r.some()
		case "external_id":
			t.ExternalID = r.some()
		case "default_duration":
			t.DefaultDuration = r.some()
		case "max_duration":
			t.MaxDuration = r.some()
		case "require_routes":
			t.RequireRoutes = r.bool()
			r.failed = r.failed || !t.RequireRoutes // false is written by leaving it out
		case "source_identity":
			on := r.bool()
			t.SourceIdentity = &on
		case "session_tags":
			on := r.bool()
			t.SessionTags = &on
		}
	})
	return t
}

func (r *reader) caller() (k Caller) {
	r.fields(callerKeys[:], 0, func(key string) {
		switch key {
		case "iam":
			k.IAM = r.iamCaller()
		case "jwt":
			k.JWT = r.jwtCaller()
		case "tags":
			k.Tags = map[string]string{}
			members(r, k.Tags, r.string)
			r.failed = r.failed || len(k.Tags) == 0
		}
	})
	return k
}

func (r *reader) iamCaller() *IAMCaller {
	k := &IAMCaller{}
	r.fields(iamCallerKeys[:], 0, func(key string) {
		switch value := r.some(); key {
		case "role":
			k.Role = value
		case "role_id":
			k.RoleID = value
		case "user":
			k.User = value
		case "user_id":
			k.UserID = value
		case "account":
			k.Account = value
		}
	})
	return k
}

func (r *reader) jwtCaller() *JWTCaller {
	k := &JWTCaller{}
	r.fields(jwtCallerKeys[:], 2, func(key string) {
		switch key {
		case "issuer":
			k.Issuer = r.string()
		case "audience":
			k.Audience = r.string()
		case "claims":
			k.Claims = map[string][]string{}
			members(r, k.Claims, r.strings)
			r.failed = r.failed || len(k.Claims) == 0
		}
	})
	return k
}

func (r *reader) rule() (u Rule) {
	r.fields(ruleKeys[:], 3, func(key string) {
		switch key {
		case "id":
			u.ID = r.string()
		case "callers":
			u.Callers = r.strings()
		case "target":
			u.Target = r.string()
		case "effect":
			u.Effect = r.some()
		case "routes":
			u.Routes = r.strings()
			r.failed = r.failed || len(u.Routes) == 0
		case "max_duration":
			u.MaxDuration = r.some()
		}
	})
	return u
}
