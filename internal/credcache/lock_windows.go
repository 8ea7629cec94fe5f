package credcache

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

const (
	lockExclusive   = 0x2 // LOCKFILE_EXCLUSIVE_LOCK
	lockImmediately = 0x1 // LOCKFILE_FAIL_IMMEDIATELY
	lockViolation   = syscall.Errno(33)
)

// tryLock takes the lock if nobody has it. Windows gives it back when the file
// is closed, be it by the end of the process.
func tryLock(f *os.File) (bool, error) {
	var at syscall.Overlapped
	ok, _, err := syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx").Call(
		f.Fd(), lockExclusive|lockImmediately, 0, 1, 0, uintptr(unsafe.Pointer(&at))) //nolint:gosec // G103: how Windows is called
	switch {
	case ok != 0:
		return true, nil
	case errors.Is(err, lockViolation), errors.Is(err, syscall.ERROR_IO_PENDING):
		return false, nil
	default:
		return false, err
	}
}
