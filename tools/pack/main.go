// Command pack writes the function's package for Lambda: a zip of a folder, the
// same bytes whenever and wherever it is made of the same files.
//
// It must not depend on anything outside the standard library, so that packing
// needs no download.
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// contents are what the package holds, in this order, each with its mode: Lambda
// runs bootstrap as another user than the one that owns it.
var contents = []struct {
	name string
	mode fs.FileMode
}{
	{"bootstrap", 0o755},
	{"allowlist.json", 0o644},
}

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("pack", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "", "the file to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *out == "" {
		return errors.New("name the file to write and the folder to pack: pack -o FILE.zip FOLDER")
	}
	archive, err := pack(os.DirFS(flags.Arg(0)))
	if err != nil {
		return fmt.Errorf("%s: %w", flags.Arg(0), err)
	}
	// Written beside and renamed, so that no half of it is ever uploaded.
	tmp, err := os.CreateTemp(filepath.Dir(*out), ".pack-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(archive)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), *out)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	sum := sha256.Sum256(archive)
	_, err = fmt.Fprintf(stdout, "%d bytes, CodeSha256 %s\n", len(archive), base64.StdEncoding.EncodeToString(sum[:]))
	return err
}

// pack makes the archive. Times are those of nobody's clock: a zip holds none
// before 1980.
func pack(dir fs.FS) ([]byte, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	if len(entries) > len(contents) {
		return nil, fmt.Errorf("it holds %d files and not %d; empty it and build again", len(entries), len(contents))
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	for _, c := range contents {
		text, err := fs.ReadFile(dir, c.name)
		if err != nil {
			return nil, err
		}
		if len(text) == 0 {
			return nil, fmt.Errorf("%s is empty", c.name)
		}
		h := &zip.FileHeader{Name: c.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		h.SetMode(c.mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(text); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
