package process

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/bench/report"
)

// understudy stands in for a program of its name: it answers as much as is
// looked at, and asks STS as often.
type understudy struct {
	name string
	seen map[string]bool
}

func (u *understudy) answer(_ context.Context, event json.RawMessage) (any, error) {
	if u.name == credvend && strings.Contains(string(event), "role/stranger") {
		return map[string]any{"statusCode": 403, "body": `{"code":"denied"}`}, nil
	}
	reused := os.Getenv("CREDVEND_CACHE") == "on" && u.seen[string(event)]
	u.seen[string(event)] = true
	if !reused && strings.HasPrefix(os.Getenv("AWS_ENDPOINT_URL_STS"), "http:") {
		resp, err := http.PostForm(os.Getenv("AWS_ENDPOINT_URL_STS"), url.Values{"RoleSessionName": {"x"}, "DurationSeconds": {"900"}})
		if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
			return nil, errors.New("STS does not answer")
		}
	}
	body, err := json.Marshal(map[string]any{"AccessKeyId": "x", "reused": reused})
	return map[string]any{"statusCode": 200, "body": string(body)}, err
}

// stage is an Env whose programs are built already: understudies all.
func stage(t *testing.T) report.Env {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e := report.Env{Root: root, Dir: t.TempDir(), Quick: true, Log: func(string, ...any) {}}
	if err := os.Mkdir(filepath.Join(e.Dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		if err := os.Symlink(exe, filepath.Join(e.Dir, "bin", s.name)); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// find returns the figure of a row that has the limit.
func find(t *testing.T, figures []report.Figure, of, what, beside string) report.Figure {
	t.Helper()
	for _, f := range figures {
		if f.Of == of && f.What == what && f.Beside == beside {
			return f
		}
	}
	t.Errorf("no figure %s, %s, beside %q among %v", of, what, beside, figures)
	return report.Figure{}
}

func TestStart(t *testing.T) {
	s, err := Start(t.Context(), stage(t))
	if err != nil {
		t.Fatal(err)
	}
	if f := find(t, s.Figures, credvend, "start, median", minimal); f.Limit != startLimit || f.Ratio <= 0 || f.Value < 100 {
		t.Errorf("%+v", f)
	}
	one, both := find(t, s.Figures, credvend, "first vend, median", minimal), find(t, s.Figures, credvend, "start and first vend, median", minimal)
	if both.Value <= one.Value {
		t.Errorf("a start and a vend take %v µs, the vend alone %v", both.Value, one.Value)
	}
	if f := find(t, s.Figures, credvend, "initialisation of packages, all", minimal); f.Value <= 0 {
		t.Errorf("%+v", f)
	}
}

func TestInvoke(t *testing.T) {
	s, err := Invoke(t.Context(), stage(t))
	if err != nil {
		t.Fatal(err)
	}
	if f := find(t, s.Figures, "credvend vend", "p50", "minimal vend"); f.Limit != vendLimit || f.Ratio <= 0 {
		t.Errorf("%+v", f)
	}
	if f := find(t, s.Figures, "credvend reused vend", "p50", echo); f.Limit != reusedLimit || f.Value <= 0 {
		t.Errorf("%+v", f)
	}
	if p50, p99 := find(t, s.Figures, echo, "p50", ""), find(t, s.Figures, echo, "p99", ""); p50.Value > p99.Value {
		t.Errorf("p50 %v, p99 %v", p50.Value, p99.Value)
	}
}

func TestLoad(t *testing.T) {
	e := stage(t)
	p, err := build(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	sts, err := newSTS(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sts.close()
	l := &load{programs: p, sts: sts, turns: 1, span: 20 * time.Millisecond}
	figures, err := l.compare(t.Context(), "2 environments", 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if f := find(t, figures, "credvend reused", "2 environments", minimal); f.Value <= 0 || f.Ratio <= 0 {
		t.Errorf("%+v", f)
	}
	if _, _, err := l.held(t.Context(), credvend, "on", [][]byte{p.event, []byte(`"another"`)}, 6); err != nil && !errors.Is(err, errNoProc) {
		t.Error(err)
	}
	if _, _, err := l.held(t.Context(), credvend, "off", [][]byte{p.stranger}, 1); err == nil {
		t.Error("a refusal passes for a vend")
	}
}
