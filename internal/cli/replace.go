package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// replace writes content to the file name in one step: whoever reads it sees
// the old content or the new, and after a failure the old is still there. The
// file becomes readable by all, since an allowlist is no secret. source is the
// file that the content was made from, if it is one: it is never overwritten.
func replace(name string, source fs.FileInfo, content []byte) (err error) {
	// Behind a symbolic link the file is replaced, not the link.
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	switch info, err := os.Stat(name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("cannot write the output: %w", err)
	case source != nil && os.SameFile(info, source):
		return fmt.Errorf("%s is the file that was read; name another with -o", name)
	case info.IsDir():
		return fmt.Errorf("%s is a folder; name a file in it with -o", name)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file; use -o - to write to standard output", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("cannot write the output: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("cannot write the output: %w", err)
		}
	}()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
