//go:build !linux

package peer

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

// Asked to end, OpenBao ends its plugin itself.
func endGroup(p *os.Process)  { _ = p.Signal(syscall.SIGTERM) } // it may be gone already
func killGroup(p *os.Process) { _ = p.Kill() }                  // likewise
