// Package view_test shows the live view to a browser. test/view/run.sh runs it;
// a plain go test has no browser and passes it over.
package view_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/sts"
	"github.com/credvend/credvend/internal/local/view"
)

type event struct {
	Places *view.Places    `json:"places"`
	Door   *apigw.Trace    `json:"door"`
	STS    *sts.Event      `json:"sts"`
	Audit  json.RawMessage `json:"audit"`
}

// stage serves a view and lets the browser's script order what passes.
type stage struct {
	view   *view.View
	events []event
}

// ServeHTTP takes POST /story (N more events of the recorded run, or all), /hostile
// and /flood.
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/story":
		n, err := strconv.Atoi(r.FormValue("n"))
		if err != nil || n > len(s.events) {
			n = len(s.events)
		}
		for _, e := range s.events[:n] {
			switch {
			case e.Places != nil:
				s.view.Describe(*e.Places)
			case e.Door != nil:
				s.view.Door(*e.Door)
			case e.STS != nil:
				s.view.STS(*e.STS)
			default:
				s.view.Audit(e.Audit)
			}
		}
		s.events = s.events[n:]
	case "/hostile":
		const text = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`
		s.view.Door(apigw.Trace{ID: "a1b2c3d4e5", At: time.Now(), Method: "GET", Path: "/" + text, Caller: text, Reason: text + "\u202e", Status: 403})
	case "/flood":
		for i := range 1000 {
			s.view.Door(apigw.Trace{ID: "a1b2c3d4e5", At: time.Now(), Method: "GET", Path: fmt.Sprint("/flood/", i), Allowed: i%2 == 0, Status: 200})
		}
	default:
		http.NotFound(w, r)
	}
}

func TestInBrowser(t *testing.T) {
	browser := os.Getenv("CREDVEND_VIEW_BROWSER")
	if browser == "" {
		t.Skip("test/view/run.sh runs this with a browser")
	}
	text, err := os.ReadFile("../../internal/local/view/testdata/story.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{view: view.New(view.Options{})}
	for line := range bytes.Lines(text) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		s.events = append(s.events, e)
	}
	page, control := httptest.NewServer(s.view), httptest.NewServer(s)
	defer page.Close()
	defer control.Close()
	defer s.view.Close()
	cmd := exec.CommandContext(t.Context(), "node", "browser.mjs")
	cmd.Env = append(os.Environ(), "VIEW_URL="+page.URL+"/", "CONTROL_URL="+control.URL+"/", "CHROMIUM="+browser)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("the browser's checks: %v", err)
	}
}
