package invoke

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDerive: the template is changed in two lines; one that cannot be changed
// so is refused rather than run against AWS.
func TestDerive(t *testing.T) {
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := derive(template, `/home/a "b"/code`)
	if err != nil {
		t.Fatal(err)
	}
	var added []string
	old := strings.Split(string(template), "\n")
	for line := range strings.SplitSeq(string(got), "\n") {
		if !slices.Contains(old, line) {
			added = append(added, strings.TrimSpace(line))
		}
	}
	if want := []string{`CodeUri: "/home/a \"b\"/code"`, `AWS_ENDPOINT_URL_STS: ''`}; !slices.Equal(added, want) {
		t.Errorf("got %q, want %q", added, want)
	}
	for name, text := range map[string]string{
		"no CodeUri":   strings.Replace(string(template), "      CodeUri: .\n", "", 1),
		"two of them":  string(template) + "      CodeUri: .\n",
		"no variables": strings.Replace(string(template), "CREDVEND_ALLOWLIST:", "X:", 1),
		"nothing":      "",
	} {
		if _, err := derive([]byte(text), "/x"); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestLastObject(t *testing.T) {
	for in, want := range map[string]string{
		"{\"a\":1}":                                   `{"a":1}`,
		"Invoking bootstrap\n{\"a\":1}\n\n":           `{"a":1}`,
		"{\"log\":1}\r\n{\"a\":1}\r\n":                `{"a":1}`,
		"{\"a\":1}\nSAM CLI update available (1.2.3)": `{"a":1}`,
		"{\"a\":1": "", "": "", "[1]": "", "null": "",
	} {
		got, err := lastObject([]byte(in))
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %s, %v", in, got, err)
		}
	}
}

func TestClean(t *testing.T) {
	got := clean([]string{"PATH=/bin", "AWS_PROFILE=production", "CREDVEND_RATE=off", "HOME=/root", "AWS_SESSION_TOKEN=x", "XAWS_=1"})
	if want := []string{"PATH=/bin", "HOME=/root", "XAWS_=1"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// stranger connects from an address that is in no network of ours.
type stranger struct{ net.Conn }

func (stranger) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.7:4711"))
}

// crowd is a listener that yields a stranger first.
type crowd struct {
	net.Listener
	first net.Conn
}

func (c *crowd) Accept() (net.Conn, error) {
	if c.first != nil {
		first := c.first
		c.first = nil
		return stranger{first}, nil
	}
	return c.Listener.Accept()
}

// TestNear: the STS that listens on a bridge's address answers the bridge's
// network alone.
func TestNear(t *testing.T) {
	l, host, err := listenFor(t.Context(), engine{gateway: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ours, theirs := net.Pipe()
	if err := theirs.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n := l.(*near)
	n.Listener = &crowd{n.Listener, ours}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	got, err := n.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Close() }()
	if got.RemoteAddr().String() != conn.LocalAddr().String() {
		t.Errorf("%s was let in, want %s", got.RemoteAddr(), conn.LocalAddr())
	}
	if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Error("the stranger's connection is open")
	}
}

// TestListenFor: where the engine is in a virtual machine, STS listens on
// loopback alone.
func TestListenFor(t *testing.T) {
	l, host, err := listenFor(t.Context(), engine{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if !strings.HasPrefix(l.Addr().String(), "127.0.0.1:") || host != "host.docker.internal:"+port {
		t.Errorf("it listens at %s and is called %s", l.Addr(), host)
	}
}

// TestMisspelt: what nobody would look for is refused when an event is read.
func TestMisspelt(t *testing.T) {
	for name, want := range map[string]string{
		`{"about":"x","status":200,"header":{}}`:                           "unknown field",
		`{"about":"x","status":200,"headers":{},"body":{"a":"<tme>"}}`:     "<tme> is no placeholder",
		`{"about":"x","status":200,"headers":{"a":"<tme>"},"body":{}}`:     "<tme> is no placeholder",
		`{"about":"x","sts":"sleeps","status":200,"headers":{},"body":{}}`: "sts is",
		`{"about":"x"} {}`: "something follows",
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{"e.json": "{}", "e.want.json": name} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Find(dir, "e"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := List(t.TempDir()); err == nil || !strings.Contains(err.Error(), "there are no events") {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestEnvironmentFile: variables of another function, or none, are refused.
func TestEnvironmentFile(t *testing.T) {
	for _, text := range []string{`{}`, `{"Parameters":{"A":"b"}}`, `{"VendFunction":{},"Other":{}}`, `{"VendFunction":{"A":1}}`, `nonsense`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, environmentFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if vars, err := environment(dir); err == nil {
			t.Errorf("%s: %v", text, vars)
		}
	}
}
