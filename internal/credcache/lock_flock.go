//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package credcache

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock if nobody has it. The kernel gives it back when the
// file is closed, be it by a signal that nothing can catch.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
