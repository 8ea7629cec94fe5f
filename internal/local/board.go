package local

import (
	"html/template"
	"net/http"
)

// board is the page at the first port: where everything is. It holds addresses
// alone, no credential.
func board(w World) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "no-store")
		rw.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		if r.URL.Path != "/" {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = boardPage.Execute(rw, w) // a reader that has gone
	})
}

var boardPage = template.Must(template.New("board").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>credvend local</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3rem .6rem .3rem 0; vertical-align: top; border-bottom: 1px solid #8884 }
code { overflow-wrap: anywhere }
</style>
<h1>credvend local</h1>
<p>Two AWS accounts on this machine, on loopback. Not for production.</p>
<table>
<caption hidden>Addresses</caption>
<thead><tr><th scope="col">What</th><th scope="col">Where</th></tr></thead>
<tbody>
<tr><td>front door, HTTP API with AWS_IAM</td><td><code>{{.URL}}</code></td></tr>
<tr><td>front door, HTTP API with JWT</td><td><code>{{.JWTURL}}</code></td></tr>
<tr><td>front door, function URL with AWS_IAM</td><td><code>{{.FunctionURL}}</code></td></tr>
<tr><td>front door, REST API with AWS_IAM</td><td><code>{{.RESTURL}}</code></td></tr>
<tr><td>OIDC issuer</td><td><code>{{.IssuerURL}}</code></td></tr>
<tr><td>STS</td><td><code>{{.STSURL}}</code></td></tr>
{{range .Targets}}<tr><td>Account A's API, target {{.Name}}</td><td><code>{{.URL}}</code></td></tr>
{{end}}</tbody>
</table>
<p>Profiles: {{range $name, $session := .Profiles}}<code>{{$name}}</code> {{end}}</p>
</html>
`))
