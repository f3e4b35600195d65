package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"meteragent/agent/text"
)

const longest = 64 << 10 // bytes of a text that stands in a file of its own

// elsewhere reads a text from where { file = "..." }, { env = "..." } or { credential = "..." } points.
func (s section) elsewhere(n *node, to *string) *node {
	var file, env, credential string
	at := section{s.reader, n}
	fileNode, envNode, credentialNode := at.text("file", &file), at.text("env", &env), at.text("credential", &credential)
	if credentialNode != nil {
		fileNode, file = credentialNode, credentialPath(credential)
	}
	switch {
	case (fileNode == nil) == (envNode == nil) || len(n.keys) > 1:
		s.add(n, Problem{Reason: text.Key("config.oneSource")})
		return nil
	case fileNode != nil:
		value, reason := s.fromFile(file)
		if reason != "" {
			s.add(fileNode, Problem{Reason: reason})
			return nil
		}
		*to = value
	default:
		value := os.Getenv(env)
		if value == "" {
			s.add(envNode, Problem{Reason: text.Key("config.env")})
			return nil
		}
		*to = value
	}
	return n
}

// credentialPath is where systemd puts what LoadCredential= of the unit names: systemd.exec(5). Outside of the service an
// administrator finds it in the second folder, as long as the service runs.
func credentialPath(name string) string {
	folder := os.Getenv("CREDENTIALS_DIRECTORY")
	if folder == "" {
		folder = "/run/credentials/meteragent.service"
	}
	return filepath.Join(folder, filepath.Base(name))
}

// fromFile reads the text of a small file, without the line end that editors add. If
// that is not possible the reason says why.
func (r *reader) fromFile(name string) (value string, reason text.Key) {
	f, reason := open(r.absolute(name))
	if reason != "" {
		return "", reason
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, longest+1))
	if err != nil {
		return "", whyNot(err)
	}
	data, odd := plain(data)
	value = strings.TrimRight(string(data), " \t\r\n")
	if len(data) > longest || odd != nil || value == "" {
		return "", text.Key("config.fileContent")
	}
	return value, ""
}

// path reads a path and makes it absolute.
func (s section) path(name string, to *string) *node {
	var path string
	n := s.text(name, &path)
	if n != nil && path != "" {
		*to = s.absolute(path)
	}
	return n
}

// existing reads the path of a file that must be there.
func (s section) existing(name string, to *string) *node {
	var path string
	n := s.path(name, &path)
	if n == nil || path == "" {
		return n
	}
	f, reason := open(path)
	if reason != "" {
		s.add(n, Problem{Reason: reason})
		return nil
	}
	f.Close()
	*to = path
	return n
}

func (r *reader) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.folder, path)
}

// open opens an ordinary file. Anything else could keep the reader waiting.
func open(path string) (f *os.File, reason text.Key) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, text.Key("config.fileUnreadable")
	}
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, whyNot(err)
	}
	return f, ""
}

func whyNot(err error) text.Key {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return text.Key("config.fileMissing")
	case errors.Is(err, fs.ErrPermission):
		return text.Key("config.fileDenied")
	}
	return text.Key("config.fileUnreadable")
}
