//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package credcache

import (
	"errors"
	"os"
)

func tryLock(*os.File) (bool, error) {
	return false, errors.New("this system has no locks that end with a process")
}
