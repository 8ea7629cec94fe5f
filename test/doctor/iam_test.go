package doctor_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/credvend/credvend/internal/local/cfn"
)

// The accounts' readers: access keys that nothing else knows.
var readers = map[string]string{"AKIAREADERA000000000": "111122223333", "AKIAREADERB000000000": "444455556666"}

// role is a role as the stand-in tells it.
type role struct {
	arn, id string
	trust   string
	inline  map[string]string
	managed map[string]string
}

// standIn answers IAM's queries of both accounts, and tells whose the readers'
// keys are. It is made of the same templates as the local accounts.
type standIn struct {
	mu      sync.Mutex      // a test changes it while its server is up
	roles   map[string]role // by account and name
	refuses string          // an action that no reader may do
	sts     http.Handler
}

// resolve reads the roles of a template.
func resolve(t *testing.T, path, account string, parameters map[string]string, into map[string]role) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := cfn.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := parsed.Resolve(cfn.Options{
		Parameters: parameters,
		Pseudo:     cfn.Pseudo{AccountID: account, Region: "us-east-1", Partition: "aws", URLSuffix: "amazonaws.com", StackName: "s", StackID: "arn:aws:cloudformation:us-east-1:" + account + ":stack/s/1"},
		Attribute:  func(r cfn.Reference) (any, error) { return "x-" + r.LogicalID, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	document := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, r := range stack.Resources {
		name, isText := r.Properties["RoleName"].(string)
		if r.Type != "AWS::IAM::Role" || !isText {
			continue
		}
		out := role{arn: "arn:aws:iam::" + account + ":role/" + name, id: "AROAEXAMPLE" + account, trust: document(r.Properties["AssumeRolePolicyDocument"]), inline: map[string]string{}}
		policies, _ := r.Properties["Policies"].([]any)
		for _, p := range policies {
			p, isObject := p.(map[string]any)
			if !isObject {
				continue
			}
			out.inline[fmt.Sprint(p["PolicyName"])] = document(p["PolicyDocument"])
		}
		into[account+"/"+name] = out
	}
}

// operator is the environment of a caller who has readers of both accounts.
func (w *world) operator(t *testing.T, s *standIn) map[string]string {
	t.Helper()
	s.roles = map[string]role{}
	resolve(t, filepath.Join(w.dir, target), "111122223333", map[string]string{
		"ApiId": "a1b2c3d4e5", "BrokerRoleArns": "arn:aws:iam::444455556666:role/credvend-broker", "ExternalId": "orders-7f3c9a",
	}, s.roles)
	resolve(t, filepath.Join(w.dir, broker), "444455556666", map[string]string{
		"IamDoor": "on", "JwtIssuer": "https://issuer.example.com", "JwtAudience": "orders-app", "TargetRoleArns": "arn:aws:iam::111122223333:role/orders-invoke",
	}, s.roles)
	s.sts = proxy(t, w.World.STSURL, nil)
	at := serve(t, s)
	own, err := os.ReadFile(w.World.Files.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	credentials := filepath.Join(t.TempDir(), "credentials")
	more := "\n[reader-a]\naws_access_key_id = AKIAREADERA000000000\naws_secret_access_key = EXAMPLEsecretOfReaderA\n" +
		"\n[reader-b]\naws_access_key_id = AKIAREADERB000000000\naws_secret_access_key = EXAMPLEsecretOfReaderB\n"
	if err := os.WriteFile(credentials, append(own, more...), 0o600); err != nil {
		t.Fatal(err)
	}
	return with(w.environment("iam", "billing-service"), "AWS_ENDPOINT_URL_IAM", at, "AWS_ENDPOINT_URL_STS", at, "AWS_SHARED_CREDENTIALS_FILE", credentials)
}

var scope = regexp.MustCompile(`Credential=(\w+)/\d{8}/us-east-1/(iam|sts)/aws4_request, .*Signature=[0-9a-f]{64}$`)

// change changes what it tells from now on.
func (s *standIn) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// ServeHTTP implements http.Handler.
func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	m := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	if err != nil || m == nil {
		refuse(w, http.StatusForbidden, "IncompleteSignature", "no signature for IAM or STS in us-east-1")
		return
	}
	account := readers[m[1]]
	action := form.Get("Action")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case m[2] == "sts" && account == "":
		s.sts.ServeHTTP(w, r)
	case m[2] == "sts":
		answer(w, action, "<Arn>arn:aws:iam::"+account+":user/reader</Arn>")
	case account == "":
		refuse(w, http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	case action == s.refuses:
		refuse(w, http.StatusForbidden, "AccessDenied", "User: arn:aws:iam::"+account+":user/reader is not authorized to perform: iam:"+action)
	default:
		s.tell(w, action, account, form)
	}
}

// tell answers one of IAM's questions.
func (s *standIn) tell(w http.ResponseWriter, action, account string, form url.Values) {
	if action == "GetPolicy" {
		answer(w, action, "<Policy><DefaultVersionId>v3</DefaultVersionId></Policy>")
		return
	}
	if action == "GetPolicyVersion" {
		for _, r := range s.roles {
			if text, found := r.managed[form.Get("PolicyArn")]; found && form.Get("VersionId") == "v3" {
				answer(w, action, "<PolicyVersion><Document>"+escape(text)+"</Document></PolicyVersion>")
				return
			}
		}
	}
	r, found := s.roles[account+"/"+form.Get("RoleName")]
	if !found {
		refuse(w, http.StatusNotFound, "NoSuchEntity", "The role with name "+form.Get("RoleName")+" cannot be found.")
		return
	}
	switch action {
	case "GetRole":
		answer(w, action, "<Role><Arn>"+r.arn+"</Arn><RoleId>"+r.id+"</RoleId><MaxSessionDuration>3600</MaxSessionDuration><AssumeRolePolicyDocument>"+escape(r.trust)+"</AssumeRolePolicyDocument></Role>")
	case "ListRolePolicies": // one a page
		names := []string{}
		for name := range r.inline {
			names = append(names, name)
		}
		page := paged(names, form.Get("Marker"))
		answer(w, action, "<PolicyNames>"+page)
	case "GetRolePolicy":
		answer(w, action, "<PolicyDocument>"+escape(r.inline[form.Get("PolicyName")])+"</PolicyDocument>")
	case "ListAttachedRolePolicies":
		members := ""
		for arn := range r.managed {
			members += "<member><PolicyArn>" + arn + "</PolicyArn></member>"
		}
		answer(w, action, "<AttachedPolicies>"+members+"</AttachedPolicies><IsTruncated>false</IsTruncated>")
	default:
		refuse(w, http.StatusBadRequest, "InvalidAction", action)
	}
}

// paged is a page of one name, in order, and where the next begins.
func paged(names []string, marker string) string {
	next, least := "", ""
	for _, name := range names {
		if name > marker && (least == "" || name < least) {
			least = name
		}
	}
	for _, name := range names {
		if name > least {
			next = least
		}
	}
	more := "<IsTruncated>false</IsTruncated>"
	if next != "" {
		more = "<IsTruncated>true</IsTruncated><Marker>" + next + "</Marker>"
	}
	member := ""
	if least != "" {
		member = "<member>" + least + "</member>"
	}
	return member + "</PolicyNames>" + more
}

// escape is how IAM writes documents: percent-encoded, blanks too.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func answer(w http.ResponseWriter, action, inner string) {
	w.Header().Set("Content-Type", "text/xml")
	_, _ = fmt.Fprintf(w, `<%sResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><%sResult>%s</%sResult></%sResponse>`, action, action, inner, action, action)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(message)) // into memory
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, code, text.String())
}
