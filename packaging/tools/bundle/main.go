// Command bundle writes a .zip or .tar.gz that is the same to the byte whenever its content is the same: files in the order
// given, all with one time, owned by root.
//
//	bundle OUT UNIX-SECONDS FOLDER FILE...
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: bundle OUT UNIX-SECONDS FOLDER FILE...")
		os.Exit(2)
	}
	if err := bundle(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func bundle(out, seconds, folder string, files []string) error {
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	write := tarball
	if strings.HasSuffix(out, ".zip") {
		write = archive
	}
	if err := write(f, time.Unix(unix, 0).UTC(), folder, files); err != nil {
		return err
	}
	return f.Close()
}

func tarball(w io.Writer, at time.Time, folder string, files []string) error {
	zipped, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(zipped)
	for _, name := range files {
		content, mode, err := read(name)
		if err != nil {
			return err
		}
		h := tar.Header{
			Name: path.Join(folder, filepath.Base(name)), Mode: int64(mode), Size: int64(len(content)),
			ModTime: at, Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
		}
		if err := t.WriteHeader(&h); err != nil {
			return err
		}
		if _, err := t.Write(content); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return zipped.Close()
}

func archive(w io.Writer, at time.Time, folder string, files []string) error {
	z := zip.NewWriter(w)
	for _, name := range files {
		content, mode, err := read(name)
		if err != nil {
			return err
		}
		h := zip.FileHeader{Name: path.Join(folder, filepath.Base(name)), Method: zip.Deflate, Modified: at}
		h.SetMode(mode)
		f, err := z.CreateHeader(&h)
		if err != nil {
			return err
		}
		if _, err := f.Write(content); err != nil {
			return err
		}
	}
	return z.Close()
}

// read gives a file's content, and 0755 or 0644 whatever the umask was when it was made.
func read(name string) ([]byte, os.FileMode, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, 0, err
	}
	mode := os.FileMode(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	content, err := os.ReadFile(name)
	return content, mode, err
}
