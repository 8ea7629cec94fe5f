package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// MaxSize is the most that is read of an allowlist, in bytes.
const MaxSize = 64 << 20

// File loads the allowlist from a file, such as one in the function's own
// package. A document's version is the digest of its bytes: a time of
// modification proves nothing in an archive.
type File struct{ Path string }

// Load reads the file.
func (f File) Load(ctx context.Context, version string) (Payload, error) {
	return f.load(ctx, version, MaxSize)
}

func (f File) load(ctx context.Context, version string, limit int64) (Payload, error) {
	if err := ctx.Err(); err != nil {
		return Payload{}, err
	}
	info, err := os.Stat(f.Path) // before opening: a named pipe would hold up the open
	if err != nil {
		return Payload{}, fmt.Errorf("the allowlist cannot be read: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Payload{}, fmt.Errorf("the allowlist %s is not a file", f.Path)
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return Payload{}, fmt.Errorf("the allowlist cannot be read: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written that closing could lose
	document, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return Payload{}, fmt.Errorf("the allowlist cannot be read: %w", err)
	}
	if int64(len(document)) > limit {
		return Payload{}, fmt.Errorf("the allowlist %s has more than %d bytes; it may have no more", f.Path, limit)
	}
	sum := sha256.Sum256(document)
	if found := hex.EncodeToString(sum[:]); found != version {
		return Payload{Document: document, Version: found}, nil
	}
	return Payload{Version: version, Unchanged: true}, nil
}
