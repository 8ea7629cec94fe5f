package view

import (
	"path/filepath"
	"strings"
)

// Places are the addresses of a run, for people. It holds no credential.
type Places struct {
	Region   string    `json:"region"`
	Doors    []Door    `json:"doors"`
	Targets  []Target  `json:"targets"`
	Issuer   string    `json:"issuer"` // URL of the OIDC issuer
	STS      string    `json:"sts"`    // URL
	Files    []File    `json:"files"`
	Profiles []Profile `json:"profiles"`
	Notes    []string  `json:"notes,omitempty"` // what is played differently here

	// Commands to try next; nil: those of Commands.
	Commands []Command `json:"commands"`
}

// Door is a front door of Account B.
type Door struct {
	ID   string `json:"id"`   // as apigw.Trace has it
	Name string `json:"name"` // for people: "HTTP API, AWS_IAM"
	URL  string `json:"url"`
	Auth string `json:"auth"` // "AWS_IAM" or "JWT"
}

// Target is an API of Account A.
type Target struct {
	Name string `json:"name"`
	API  string `json:"api"` // the API's id, as apigw.Trace has it
	URL  string `json:"url"`
	Role string `json:"role,omitempty"` // ARN
}

// File is a file that the run wrote.
type File struct {
	Path string `json:"path"`
	What string `json:"what"`
}

// Profile is a profile of the AWS files.
type Profile struct {
	Name string `json:"name"`
	Who  string `json:"who,omitempty"` // ARN, or what it does
}

// Command is something to try, as it is typed into a shell.
type Command struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Note  string `json:"note,omitempty"`
}

// envFile is the file of shell export lines.
const envFile = "local.env"

// Commands are what to try in a run of the story, as far as its profiles are
// there. They hold no secret: the shell gets the keys out of the profiles.
func Commands(p Places) []Command {
	has := map[string]bool{}
	for _, profile := range p.Profiles {
		has[profile.Name] = true
	}
	target := ""
	for _, t := range p.Targets {
		if has[t.Name] {
			target = t.Name
			break
		}
	}
	load := ". " + envFile
	for _, f := range p.Files {
		if filepath.Base(f.Path) == envFile {
			load = ". " + quote(f.Path)
		}
	}
	vends := has["billing-service"] && target != ""
	prelude := load + "\n" + signed
	if vends {
		prelude += vended
	}
	c := []Command{{"First, in each new shell", strings.TrimSuffix(prelude, "\n"), "Points AWS's tools at this machine, and has curl sign as a profile, or with what credvend vends."}}
	add := func(ok bool, title, text, note string) {
		if ok {
			c = append(c, Command{title, text, note})
		}
	}
	add(vends, "Get credentials and use them", "vended "+quote(target)+` "$CREDVEND_TARGET_URL/orders/42"`,
		"billing-service asks credvend; curl signs with what it gets. Watch both requests pass.")
	add(vends, "Step outside the grant", "vended "+quote(target)+` -X DELETE "$CREDVEND_TARGET_URL/orders/42"`,
		"Account A refuses: the session policy does not allow it.")
	add(has["billing-service"], "Ask what you may have", `signed billing-service "$CREDVEND_URL/v1/targets"`, "")
	add(has["stranger"], "Ask as a stranger", `signed stranger "$CREDVEND_URL/v1/credentials/`+first(target, "orders")+`"`,
		"IAM lets it in at the front door; the allowlist does not.")
	add(has["outsider"], "Come from a third account", `signed outsider "$CREDVEND_URL/v1/whoami"`+"\n"+`signed outsider "$CREDVEND_REST_URL/v1/whoami"`,
		"An HTTP API admits its own account alone; a REST API can admit others.")
	add(p.Issuer != "", "Sign in as a shopper, and ask with the token",
		"token=$(curl -s -d sub=ana -d groups=shoppers \"$CREDVEND_ISSUER_URL/token\")\n"+
			"curl -s -H \"Authorization: Bearer $token\" \"$CREDVEND_JWT_URL/v1/targets\"", "")
	add(target != "", "See whose credentials they are, with the AWS CLI",
		"aws sts get-caller-identity --profile "+quote(target)+" --endpoint-url \"$AWS_ENDPOINT_URL_STS\"",
		"The session name ends in the receipt, which joins Account A's logs to the decision.")
	return append(c, Command{"Play the whole story", "make demo", "In a stack of its own, which ends with it; make run starts one that stays."})
}

// signed and vended are shell functions: curl, signing as a profile, and with
// what credvend vends to billing-service. They want curl, awk and sed alone,
// work in shells of their own, and so leave no keys in the reader's.
const signed = `sign() { # ID SECRET TOKEN, what curl is to do
  user=$1:$2 token=$3; shift 3
  curl -s --aws-sigv4 "aws:amz:$AWS_REGION:execute-api" --user "$user" -H "X-Amz-Security-Token: $token" "$@"; echo
}
signed() ( # PROFILE, what curl is to do
  key() { awk -v p="[$profile]" -v k="$1" '/^\[/ { on = $0 == p } on && $1 == k { print $3 }' "$AWS_SHARED_CREDENTIALS_FILE"; }
  profile=$1; shift
  sign "$(key aws_access_key_id)" "$(key aws_secret_access_key)" "$(key aws_session_token)" "$@"
)
`

const vended = `vended() ( # TARGET, what curl is to do
  answer=$(signed billing-service "$CREDVEND_URL/v1/credentials/$1"); shift
  field() { printf %s "$answer" | sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p'; }
  sign "$(field AccessKeyId)" "$(field SecretAccessKey)" "$(field SessionToken)" "$@"
)
`

func first(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// quote quotes a word for sh where it needs it.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
