// Package credcache keeps what the tool fetched on disk, for the next run of
// it: a credential_process is a new process each time, and the SDKs that run it
// do not share what it prints.
//
// It holds its entries for one user's eyes (files 0600 in a folder 0700), lets
// one process at a time make an entry, and leaves neither half an entry nor a
// lock behind when a process is killed. It knows nothing of what the entries
// mean, and must not: whether one may still be used is the caller's to say.
package credcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// maxEntry bounds an entry, in bytes; a real one has a few thousand.
	maxEntry = 1 << 20

	// maxAge is after how long a file is removed: no credential that the
	// service vends lives longer than an hour.
	maxAge = time.Hour

	// patience is how long one process waits for another's entry: less than the
	// minute that AWS's SDKs give a credential_process.
	patience = 30 * time.Second

	// pause lies between two tries for a lock.
	pause = 20 * time.Millisecond

	entrySuffix = ".json"
)

// Cache is a folder of entries. It stays the same one if somebody renames it,
// and no link leads out of it.
type Cache struct {
	dir      *os.Root
	patience time.Duration
}

// Open makes the folder if need be. It refuses one that others could read or
// write: they could read the credentials, or plant their own.
func Open(dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // G703: where the user says
		return nil, fmt.Errorf("the cache folder cannot be made: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("the cache folder cannot be used: %w", err)
	}
	info, err := root.Stat(".")
	if err == nil {
		err = private(info)
	}
	if err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("the cache folder %s %w; run chmod 700 on it, or remove it", dir, err)
	}
	return &Cache{root, patience}, nil
}

// Close gives back what Open took.
func (c *Cache) Close() error { return c.dir.Close() }

// Do returns the entry of a key if good approves of it, else what fresh makes,
// which becomes the entry. fresh is given the old entry, nil if there is none.
//
// However many processes call Do for a key, one runs fresh at a time, and the
// others find what it made. A failure of fresh is returned and not kept. A
// failure of the cache itself is no reason to have no answer: fresh runs all
// the same, and the failure is returned as trouble, beside the answer.
func (c *Cache) Do(ctx context.Context, key string, good func([]byte) bool, fresh func(old []byte) ([]byte, error)) (entry []byte, trouble, err error) {
	if strings.Trim(key, "0123456789abcdef") != "" || len(key) < 16 {
		return nil, nil, errors.New("the cache's key is no hexadecimal digest")
	}
	if entry, _ = c.read(key); entry != nil && good(entry) {
		return entry, nil, nil
	}
	unlock, trouble := c.lock(ctx, key)
	if trouble == nil {
		defer unlock()
	}
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	if trouble != nil {
		entry, err = fresh(entry)
		return entry, trouble, err
	}
	entry, trouble = c.read(key) // another may have made it meanwhile
	if entry != nil && good(entry) {
		return entry, nil, nil
	}
	made, err := fresh(entry)
	if err != nil {
		return nil, nil, err
	}
	if err := c.write(key, made); err != nil {
		trouble = err
	}
	c.prune()
	return made, trouble, nil
}

// read returns nil for an entry that is not there or cannot be trusted; of the
// latter it also says why.
func (c *Cache) read(key string) ([]byte, error) {
	f, err := c.dir.Open(key + entrySuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the cached credentials cannot be read: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("the cached credentials cannot be read: %w", err)
	}
	if !info.Mode().IsRegular() || private(info) != nil {
		return nil, fmt.Errorf("the cached credentials in %s are passed over: others can read or write the file", f.Name())
	}
	entry, err := io.ReadAll(io.LimitReader(f, maxEntry+1))
	if err != nil || len(entry) > maxEntry {
		return nil, fmt.Errorf("the cached credentials in %s are passed over: they cannot be read, or are too large", f.Name())
	}
	return entry, nil
}

// write puts an entry into place in one step. The lock of the key is held, so
// that the name of the temporary file is this process's alone; what a killed
// one left there is overwritten.
func (c *Cache) write(key string, entry []byte) (err error) {
	name := key + ".tmp"
	defer func() {
		if err != nil {
			_ = c.dir.Remove(name)
			err = fmt.Errorf("the credentials cannot be cached: %w", err)
		}
	}()
	if err := c.dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := c.dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(entry)
	if err == nil {
		err = f.Sync() // a crash of the machine must not leave an empty entry
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return c.dir.Rename(name, key+entrySuffix)
}

// lock waits until this process alone may make the key's entry. Files of locks
// stay, since removing one while another process opens it would give both the
// lock: keys share them, so that there are at most 256.
func (c *Cache) lock(ctx context.Context, key string) (unlock func(), err error) {
	f, err := c.dir.OpenFile(key[:2]+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the cache cannot be locked: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errors.New("another process has held the lock for too long"))
	defer cancel()
	for {
		locked, err := tryLock(f)
		if locked {
			return func() { _ = f.Close() }, nil // closing unlocks
		}
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("the cache cannot be locked: %w", err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			_ = f.Close()
			return nil, fmt.Errorf("the cache cannot be locked: %w", context.Cause(ctx))
		case <-timer.C:
		}
	}
}

// prune removes what is too old to be of use: secrets should not lie about.
func (c *Cache) prune() {
	files, err := fs.ReadDir(c.dir.FS(), ".")
	if err != nil {
		return
	}
	for _, file := range files {
		if ext := filepath.Ext(file.Name()); ext != entrySuffix && ext != ".tmp" {
			continue
		}
		if info, err := file.Info(); err == nil && time.Since(info.ModTime()) > maxAge {
			_ = c.dir.Remove(file.Name())
		}
	}
}
