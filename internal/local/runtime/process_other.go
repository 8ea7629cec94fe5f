//go:build !linux

package runtime

import (
	"os"
	"syscall"
)

func processAttributes() *syscall.SysProcAttr { return nil }

func killGroup(p *os.Process) { _ = p.Kill() } // it may be gone already

// Freezing needs signals that not every system has.
func stopGroup(*os.Process) bool { return false }
func continueGroup(*os.Process)  {}
