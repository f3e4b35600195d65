// Command image writes an OCI image of one static program for several architectures, as a tar file that podman, skopeo and
// docker load. No engine is needed, and the same programs give the same bytes: nothing but the program, a user without rights,
// two empty folders, and the certificate authorities that Mozilla trusts are in it.
//
//	image OUT UNIX-SECONDS VERSION ARCH=PROGRAM...
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: image OUT UNIX-SECONDS VERSION ARCH=PROGRAM...")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// An object is JSON; its keys are written in alphabetical order.
type object = map[string]any

const (
	user      = 65532 // "nonroot", as other small images have it
	mediaType = "application/vnd.oci.image."
)

// layout collects the files of an image layout: https://github.com/opencontainers/image-spec.
type layout map[string][]byte

func (l layout) blob(kind string, content []byte) object {
	digest := fmt.Sprintf("%x", sha256.Sum256(content))
	l["blobs/sha256/"+digest] = content
	return object{"mediaType": mediaType + kind, "digest": "sha256:" + digest, "size": len(content)}
}

func (l layout) json(kind string, o object) (object, error) {
	content, err := json.Marshal(o)
	return l.blob(kind, content), err
}

func write(out, seconds, version string, programs []string) error {
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	at := time.Unix(unix, 0).UTC()
	all := layout{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	var manifests []object
	for _, p := range programs {
		arch, path, _ := strings.Cut(p, "=")
		program, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m, err := all.image(at, version, arch, program)
		if err != nil {
			return err
		}
		manifests = append(manifests, m)
	}
	index, err := json.Marshal(object{"schemaVersion": 2, "mediaType": mediaType + "index.v1+json", "manifests": manifests})
	if err != nil {
		return err
	}
	all["index.json"] = index
	var names []string
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	for _, name := range names {
		if err := add(t, at, name, 0o644, 0, all[name]); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return os.WriteFile(out, b.Bytes(), 0o644)
}

// image adds one architecture, and returns what the index says of it. Arch is Go's word, with the version of ARM behind it.
func (l layout) image(at time.Time, version, arch string, program []byte) (object, error) {
	plain, err := root(at, program)
	if err != nil {
		return nil, err
	}
	var zipped bytes.Buffer
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	z.Write(plain)
	if err := z.Close(); err != nil {
		return nil, err
	}
	platform := object{"os": "linux", "architecture": arch}
	if number, found := strings.CutPrefix(arch, "arm/"); found {
		platform = object{"os": "linux", "architecture": "arm", "variant": number}
	}
	config := object{
		"created": at.Format(time.RFC3339),
		"config": object{
			"User":       fmt.Sprintf("%d:%d", user, user),
			"Entrypoint": []string{"/usr/bin/meteragent"},
			"Cmd":        []string{"run"},
			"Volumes":    object{"/etc/meteragent": object{}, "/var/lib/meteragent": object{}},
			"Labels": object{
				"org.opencontainers.image.title": "meteragent", "org.opencontainers.image.version": version,
				"org.opencontainers.image.licenses": "Apache-2.0",
			},
			"StopSignal": "SIGTERM",
		},
		"rootfs": object{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(plain))}},
	}
	for k, v := range platform {
		config[k] = v
	}
	c, err := l.json("config.v1+json", config)
	if err != nil {
		return nil, err
	}
	m, err := l.json("manifest.v1+json", object{
		"schemaVersion": 2, "mediaType": mediaType + "manifest.v1+json", "config": c,
		"layers": []object{l.blob("layer.v1.tar+gzip", zipped.Bytes())},
	})
	if err != nil {
		return nil, err
	}
	m["platform"] = platform
	m["annotations"] = object{"org.opencontainers.image.ref.name": "meteragent:" + version}
	return m, nil
}

// root is the image's file system.
func root(at time.Time, program []byte) ([]byte, error) {
	var authorities bytes.Buffer
	for r := range bundle.Roots() {
		pem.Encode(&authorities, &pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate})
	}
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	nonroot := fmt.Sprintf("nonroot:x:%d:%d:nonroot:/var/lib/meteragent:/sbin/nologin\n", user, user)
	for _, f := range []struct {
		name    string
		mode    int64
		owner   int
		content []byte
	}{
		{"etc/", 0o755, 0, nil},
		{"etc/group", 0o644, 0, []byte("root:x:0:\nnonroot:x:65532:\n")},
		{"etc/meteragent/", 0o750, user, nil},
		{"etc/passwd", 0o644, 0, []byte("root:x:0:0:root:/:/sbin/nologin\n" + nonroot)},
		{"etc/ssl/", 0o755, 0, nil},
		{"etc/ssl/certs/", 0o755, 0, nil},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, 0, authorities.Bytes()},
		{"tmp/", 0o1777, 0, nil},
		{"usr/", 0o755, 0, nil},
		{"usr/bin/", 0o755, 0, nil},
		{"usr/bin/meteragent", 0o755, 0, program},
		{"var/", 0o755, 0, nil},
		{"var/lib/", 0o755, 0, nil},
		{"var/lib/meteragent/", 0o700, user, nil},
	} {
		if err := add(t, at, f.name, f.mode, f.owner, f.content); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), t.Close()
}

func add(t *tar.Writer, at time.Time, name string, mode int64, owner int, content []byte) error {
	h := tar.Header{Name: name, Mode: mode, Uid: owner, Gid: owner, Size: int64(len(content)), ModTime: at, Format: tar.FormatUSTAR, Typeflag: tar.TypeReg}
	if strings.HasSuffix(name, "/") {
		h.Typeflag = tar.TypeDir
	}
	if err := t.WriteHeader(&h); err != nil {
		return err
	}
	_, err := t.Write(content)
	return err
}
