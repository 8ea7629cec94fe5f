package runtime

import (
	"errors"
	"fmt"
	"os/exec"
	goruntime "runtime"
	"time"
)

// process is the running bootstrap.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone and its output is written
	err    error         // of Wait; read only after exited
}

// startProcess runs the bootstrap against the Runtime API at address.
func startProcess(s *settings, address string) (*process, error) {
	//nolint:gosec,noctx // running the given program is the purpose; kill ends it
	cmd := exec.Command(s.Bootstrap[0], s.Bootstrap[1:]...)
	cmd.Dir = s.Dir
	cmd.Env = s.environ(address)
	cmd.SysProcAttr = processAttributes()
	// Something that the function started may hold its output open after it died.
	cmd.WaitDelay = time.Second
	stdout, stderr := s.output.stream(s.Stdout), s.output.stream(s.Stderr)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	p := &process{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Linux sends the parent-death signal when the thread that started the child
		// ends, so this thread must live as long as the child.
		goruntime.LockOSThread()
		defer goruntime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		stdout.flush()
		stderr.flush()
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("the bootstrap %q cannot be run: %w", s.Bootstrap[0], err)
	}
	return p, nil
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// kill ends the process and, where the system has process groups, its children.
func (p *process) kill() {
	if !p.hasExited() {
		killGroup(p.cmd.Process)
	}
}

func (p *process) freeze() bool { return !p.hasExited() && stopGroup(p.cmd.Process) }

func (p *process) thaw() {
	if !p.hasExited() {
		continueGroup(p.cmd.Process)
	}
}

// reason is Lambda's wording for the end of the process.
func (p *process) reason() string {
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return "Runtime exited with error: " + exit.Error()
	}
	return "Runtime exited without providing a reason"
}
