package peer

import (
	"os"
	"syscall"
)

// ownGroup puts a process into a group of its own, so that what it starts is
// ended with it, and has it killed if the benchmark dies without ending it. An
// interrupt at the terminal does not reach it: the benchmark's own end does.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func endGroup(p *os.Process)  { _ = syscall.Kill(-p.Pid, syscall.SIGTERM) } // it may be gone already
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // likewise
