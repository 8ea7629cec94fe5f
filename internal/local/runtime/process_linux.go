package runtime

import (
	"os"
	"syscall"
)

// processAttributes puts the process into a group of its own, so that all of it
// can be killed, and has it killed if this program dies without closing.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(p *os.Process)     { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // it may be gone already
func continueGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGCONT) }

func stopGroup(p *os.Process) bool { return syscall.Kill(-p.Pid, syscall.SIGSTOP) == nil }
