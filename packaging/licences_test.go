package packaging_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every library in the program has a licence that lets us ship it; the packages carry its text.
func TestLicences(t *testing.T) {
	found := 0
	for _, system := range []string{"linux", "windows"} {
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Module", "meteragent")
		list.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			t.Skipf("go list does not work here: %v", err)
		}
		for d := json.NewDecoder(strings.NewReader(string(out))); ; {
			var p struct {
				Module *struct {
					Path, Dir string
					Main      bool
				}
			}
			err := d.Decode(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Module == nil || p.Module.Main {
				continue
			}
			found++
			if !permissive(p.Module.Dir) {
				t.Errorf("%s: no licence that we know and may ship", p.Module.Path)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d packages of libraries found: the test looks in the wrong place", found)
	}
}

// permissive says whether a licence in the folder is MIT, BSD, ISC, zlib, Apache 2.0 or, to choose, EDL.
func permissive(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "[Ll][Ii][Cc][Ee][Nn][SsCc][Ee]*"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		said := strings.Join(strings.Fields(string(data)), " ")
		for _, known := range []string{
			"Permission is hereby granted, free of charge, to any person obtaining a copy",
			"Redistribution and use in source and binary forms, with or without modification, are permitted",
			"Permission to use, copy, modify, and/or distribute this software for any purpose",
			"Permission is granted to anyone to use this software for any purpose", // zlib
			"Apache License Version 2.0", "Eclipse Distribution License",
		} {
			if strings.Contains(said, known) {
				return true
			}
		}
	}
	return false
}
