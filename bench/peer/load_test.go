package peer

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	for _, tc := range []struct {
		values []time.Duration
		q      float64
		want   time.Duration
	}{
		{[]time.Duration{7}, 0.5, 7},
		{[]time.Duration{7}, 0.99, 7},
		{[]time.Duration{3, 1, 2}, 0.5, 2},
		{[]time.Duration{4, 3, 2, 1}, 0.99, 4},
		{[]time.Duration{4, 3, 2, 1}, 1, 4},
		{[]time.Duration{4, 3, 2, 1}, 0, 1},
	} {
		before := slices.Clone(tc.values)
		if got := quantile(tc.values, tc.q); got != tc.want {
			t.Errorf("quantile(%v, %v) is %v, want %v", tc.values, tc.q, got, tc.want)
		}
		if !slices.Equal(before, tc.values) {
			t.Errorf("quantile changed %v", before)
		}
	}
}

// A round that was disturbed on both sides counts as any other.
func TestRatioIsOfRounds(t *testing.T) {
	our := &run{medians: []time.Duration{10, 500, 10}}
	their := &run{medians: []time.Duration{40, 2000, 100}}
	if got := our.ratio(their); got != 0.25 {
		t.Errorf("got %v", got)
	}
}

func TestRunInNumbers(t *testing.T) {
	r := &run{times: []time.Duration{1500 * time.Nanosecond, time.Microsecond, 3 * time.Microsecond, 2 * time.Microsecond}, wall: 2 * time.Second}
	if r.perSecond() != 2 || r.quantile(0.5) != 2 || r.quantile(0.1) != 1 {
		t.Errorf("got %v vends/s, p50 %v, p10 %v", r.perSecond(), r.quantile(0.5), r.quantile(0.1))
	}
}

// scripted notes who was asked, and fails at its last question.
type scripted struct {
	name  string
	asked *[]string
	fails int // at this question, from 1
	n     int
}

var errScripted = errors.New("scripted")

func (s *scripted) ask(context.Context) (time.Duration, error) {
	s.n++
	*s.asked = append(*s.asked, s.name)
	if s.n == s.fails {
		return 0, errScripted
	}
	return time.Duration(s.n), nil
}

func TestInterleave(t *testing.T) {
	var asked []string
	runs, _, err := interleave(t.Context(), [2][]asker{{&scripted{name: "a", asked: &asked}}, {&scripted{name: "b", asked: &asked}}}, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(asked, ""); got != "aabbbbaaaabb" {
		t.Errorf("asked %s: not in turns that go both ways", got)
	}
	for _, r := range runs {
		if !slices.Equal(r.times, []time.Duration{1, 2, 3, 4, 5, 6}) || !slices.Equal(r.medians, []time.Duration{2, 4, 6}) || r.wall <= 0 {
			t.Errorf("got %+v", r)
		}
	}
	for side, want := range []string{"aabb", "aabb"} {
		asked = nil
		sides := [2][]asker{{&scripted{name: "a", asked: &asked}}, {&scripted{name: "b", asked: &asked}}}
		sides[side][0] = &scripted{name: want[side*2 : side*2+1], asked: &asked, fails: 2}
		if _, failed, err := interleave(t.Context(), sides, 3, 2); !errors.Is(err, errScripted) || failed != side {
			t.Errorf("side %d failed: got side %d, %v", side, failed, err)
		}
		if got := strings.Join(asked, ""); got != want[:2*side+2] {
			t.Errorf("asked %s after a failure of side %d", got, side)
		}
	}
}

func TestResidentMemoryCountsDescendants(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only where there is a /proc")
	}
	// A shell that waits for a child: the child's memory is counted too.
	cmd := exec.Command("sh", "-c", "sleep 600 & echo $!; wait")
	cmd.SysProcAttr = ownGroup()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		killGroup(cmd.Process)
		_ = cmd.Wait() // it was killed
	}()
	if _, err := out.Read(make([]byte, 16)); err != nil { // the child runs
		t.Fatal(err)
	}
	alone, whole := resident(cmd.Process.Pid), residentMemory(cmd.Process.Pid)
	if alone < 100<<10 || whole < alone+100<<10 {
		t.Errorf("%d bytes alone, %d with its child", alone, whole)
	}
	if got := residentMemory(0x7ffffffe); got != 0 {
		t.Errorf("a process that is not there holds %d bytes", got)
	}
}

func TestCheckOfAnAnswer(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte("the last\nwords\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &environment{log: log}
	for _, tc := range []struct {
		name, payload string
		failed        bool
		want          string // "": it holds credentials
	}{
		{"credentials", `{"statusCode":200,"body":"{\"AccessKeyId\":\"ASIAEXAMPLE\",\"SessionToken\":\"E\"}"}`, false, ""},
		{"a refusal", `{"statusCode":403,"body":"{\"code\":\"Denied\"}"}`, false, "it answers with status 403"},
		{"a function error", `{"errorMessage":"no"}`, true, "it answers with status 0"},
		{"an error that looks well", `{"statusCode":200,"body":"{\"AccessKeyId\":\"ASIAEXAMPLE\",\"SessionToken\":\"E\"}"}`, true, "it answers with status"},
		{"no JSON", `oh`, false, "it answers with status 0"},
		{"no key", `{"statusCode":200,"body":"{\"SessionToken\":\"E\"}"}`, false, "no credentials"},
		{"no token", `{"statusCode":200,"body":"{\"AccessKeyId\":\"ASIAEXAMPLE\"}"}`, false, "no credentials"},
		{"no body", `{"statusCode":200}`, false, "no credentials"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := e.check(answer{payload: []byte(tc.payload), failed: tc.failed})
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "its log ends: the last words") {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "ASIAEXAMPLE") {
				t.Errorf("the error holds a credential: %v", err)
			}
		})
	}
}

func TestStubOfSTS(t *testing.T) {
	s := &stub{filler: "E"}
	for _, form := range []string{"", "Action=GetCallerIdentity", "Action=AssumeRole", "Action=AssumeRole&DurationSeconds=x", "%zz"} {
		if status, _ := s.answer(form); status != "400 Bad Request" || s.calls.Load() != 0 {
			t.Errorf("%q: %s, %d calls", form, status, s.calls.Load())
		}
	}
	status, document := s.answer("Action=AssumeRole&DurationSeconds=900&RoleSessionName=name&SourceIdentity=source&Policy=%7B%7D")
	if status != "200 OK" || s.calls.Load() != 1 || s.form().Get("Policy") != "{}" {
		t.Errorf("%s, %d calls, %v", status, s.calls.Load(), s.form())
	}
	for _, part := range []string{":assumed-role/orders-invoke/name</Arn>", "<SourceIdentity>source</SourceIdentity>", "<SessionToken>E</SessionToken>"} {
		if !strings.Contains(document, part) {
			t.Errorf("the answer lacks %s: %s", part, document)
		}
	}
}
