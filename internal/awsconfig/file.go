package awsconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxSize bounds the file, in bytes.
const maxSize = 4 << 20

// File is a config file as it was read.
type File struct {
	Path string // as it was named
	Text []byte // nil: it does not exist

	real string      // behind symbolic links
	info fs.FileInfo // nil: it does not exist
}

// Read reads the file of a path, which need not exist.
func Read(path string) (*File, error) {
	f := &File{Path: path, real: path}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	var err error
	if f.real, err = filepath.EvalSymlinks(path); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	in, err := os.Open(f.real)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	defer in.Close() //nolint:errcheck // it was only read
	if f.info, err = in.Stat(); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if !f.info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	if f.Text, err = io.ReadAll(io.LimitReader(in, maxSize+1)); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if len(f.Text) > maxSize {
		return nil, fmt.Errorf("%s has more than %d bytes: it is no AWS config file", path, maxSize)
	}
	return f, nil
}

// Replace writes the file anew in one step: whoever reads it sees the old text
// or the new. It refuses if the file changed since it was read.
func (f *File) Replace(text []byte) (err error) {
	dir := filepath.Dir(f.real)
	if f.info == nil {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("%s cannot be written: %w", f.Path, err)
		}
	}
	now, err := Read(f.Path)
	if err != nil {
		return err
	}
	if (now.info == nil) != (f.info == nil) || !bytes.Equal(now.Text, f.Text) {
		return fmt.Errorf("%s was changed by somebody else meanwhile; nothing was written, run it again", f.Path)
	}
	temp, err := os.CreateTemp(dir, ".credvend-config-*") // 0600
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", f.Path, err)
	}
	defer func() {
		if err != nil {
			_ = temp.Close()
			_ = os.Remove(temp.Name())
			err = fmt.Errorf("%s cannot be written: %w", f.Path, err)
		}
	}()
	if f.info != nil {
		keepOwner(temp, f.info)
		if err := temp.Chmod(f.info.Mode().Perm()); err != nil {
			return err
		}
	}
	if _, err := temp.Write(text); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), f.real)
}
