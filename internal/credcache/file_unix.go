//go:build unix

package credcache

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// private refuses what others than its owner may touch, and what belongs to
// somebody else.
func private(info fs.FileInfo) error {
	if info.Mode().Perm()&0o077 != 0 {
		return errors.New("is open to other users")
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int64(stat.Uid) != int64(os.Geteuid()) {
		return errors.New("belongs to another user")
	}
	return nil
}
