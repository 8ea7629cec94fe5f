package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	readyTime = 30 * time.Second // for a server to answer, and again to be unsealed
	stopTime  = 5 * time.Second  // for it to end its plugin and itself when asked
	tries     = 3                // of a port that was free a moment before
)

// errExited is returned for a server that ended by itself.
var errExited = errors.New("it ended by itself")

// server is a running OpenBao. It keeps everything in memory.
type server struct {
	cmd     *exec.Cmd
	ready   time.Duration // how long it may take to get ready
	address string
	api     api
	log     string        // file of its output
	audit   string        // file of its audit log
	exited  chan struct{} // closed when it is gone
}

// settings are OpenBao's own, in its language: no cluster, no user interface, no
// disk, each of which would be more work; and an audit log, since credvend writes
// one. Versions before 2.4 do not know the last and go without.
const settings = `storage "inmem" {}
listener "tcp" {
  address     = %[1]q
  tls_disable = true
}
api_addr           = "http://%[1]s"
plugin_directory   = %[2]q
disable_clustering = true
ui                 = false
log_level          = "warn"
audit "file" "bench" {
  options {
    file_path = %[3]q
  }
}
`

// startServer runs OpenBao on a free loopback port with its files in dir, and
// waits until it answers, no longer than ready. The environment is clean, so that
// no credential, proxy or setting of whoever runs the benchmark reaches it.
func startServer(ctx context.Context, bao, dir, plugins string, ready time.Duration) (*server, error) {
	for try := 1; ; try++ {
		s, err := startOn(ctx, bao, filepath.Join(dir, fmt.Sprintf("openbao-%d", try)), plugins, ready)
		if err == nil || ctx.Err() != nil || try == tries || !errors.Is(err, errExited) {
			return s, err
		}
	}
}

func startOn(ctx context.Context, bao, name, plugins string, ready time.Duration) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{
		ready: ready, address: address, api: newAPI("http://" + address),
		log: name + ".log", audit: name + ".audit", exited: make(chan struct{}),
	}
	file, dir := name+".hcl", filepath.Dir(name)
	if err := os.WriteFile(file, fmt.Appendf(nil, settings, address, plugins, s.audit), 0o600); err != nil {
		return nil, err
	}
	out, err := os.OpenFile(s.log, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()                   // the process has its own
	s.cmd = exec.Command(bao, "server", "-config="+file) //nolint:noctx // stop ends it
	s.cmd.Dir = dir
	s.cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8"}
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = ownGroup()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s cannot be run: %w", bao, err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended stands in its log
		close(s.exited)
	}()
	if err := s.until(ctx, s.api.alive); err != nil {
		s.stop()
		return nil, s.broken(fmt.Errorf("it did not get ready: %w", err))
	}
	return s, nil
}

// until asks a question again and again until it is answered without error, the
// server is gone, or the time is up: then the error is the latest that says more
// than that.
func (s *server) until(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.ready)
	defer cancel()
	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-s.exited:
			return errExited
		case <-ctx.Done():
			return last
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends the server and its plugin: first as an operator would, so that the
// server ends its plugin itself, then whatever is left of the group.
func (s *server) stop() {
	s.api.client.CloseIdleConnections()
	endGroup(s.cmd.Process)
	select {
	case <-s.exited:
	case <-time.After(stopTime):
	}
	killGroup(s.cmd.Process)
	<-s.exited
}

// audits tells whether the server has written to its audit log.
func (s *server) audits() bool {
	info, err := os.Stat(s.audit)
	return err == nil && info.Size() > 0
}

// broken is an error with what the server wrote last.
func (s *server) broken(err error) error {
	return fmt.Errorf("%s: %w; its log ends: %s", theirs, err, logTail(s.log))
}

// logTail is the end of a log, on one line.
func logTail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return oneLine(text, 400)
}

// freeAddress is a loopback address that nobody listens on, for now.
func freeAddress() (string, error) {
	listener, err := listen()
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
