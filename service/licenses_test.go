package service

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var updateLicenses = flag.Bool("update-licenses", false, "collect the licences anew")

// linked lists the modules in the program, on any of its systems, by their folders.
func linked(t *testing.T) map[string]string {
	t.Helper()
	modules := map[string]string{}
	for _, system := range []string{"linux/amd64", "linux/arm", "windows/amd64", "windows/arm64"} {
		goos, goarch, _ := strings.Cut(system, "/")
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", ".")
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v", system, err)
		}
		for line := range strings.Lines(string(out)) {
			if path, dir, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
				modules[path] = dir
			}
		}
	}
	if len(modules) < 5 {
		t.Fatalf("go list names only %v", modules)
	}
	return modules
}

// collect puts the texts together: Portsitter's own, Go's, and each module's.
func collect(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	add := func(name, dir string) {
		found := 0
		for _, pattern := range []string{"LICENSE*", "COPYING*", "NOTICE*", "PATENTS*"} {
			files, _ := filepath.Glob(filepath.Join(dir, pattern)) // a good pattern
			for _, f := range files {
				text, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, "==== %s: %s\n\n%s\n\n", name, filepath.Base(f), strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
				found++
			}
		}
		if found == 0 {
			t.Errorf("%s has no licence in %s", name, dir)
		}
	}
	add("Portsitter", "..")
	add("The Go standard library and runtime", runtimeRoot(t))
	modules := linked(t)
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		add(path, modules[path])
	}
	return b.String()
}

func runtimeRoot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestLicenses: the licences in the program are those of what is linked into it.
func TestLicenses(t *testing.T) {
	want := collect(t)
	if *updateLicenses {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // a valid level
		fmt.Fprint(w, want)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("licenses.txt.gz", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		licenses = b.Bytes()
	}
	var got strings.Builder
	if err := printLicenses(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Error("the licences in the program are not those of its modules: go test ./service -run TestLicenses -update-licenses")
	}
}

var moduleRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| (yes|Windows|no) \\| ([^|]+) \\|$")

// TestModules holds docs/modules.md against go.mod, what is linked, and the texts of the licences.
func TestModules(t *testing.T) {
	text, err := os.ReadFile("../docs/modules.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	for _, m := range moduleRow.FindAllStringSubmatch(string(text), -1) {
		listed[m[1]] = m[2:]
	}
	required := requiredModules(t)
	modules := linked(t)
	for path := range required {
		row, ok := listed[path]
		if !ok {
			t.Errorf("docs/modules.md has no line for %s", path)
			continue
		}
		if dir, in := modules[path]; in != (row[1] != "no") {
			t.Errorf("%s: docs/modules.md says %q of its being in the program, and that is not so", path, row[1])
		} else if in && !licensedAs(t, dir, row[0]) {
			t.Errorf("%s: its licence does not read like %s", path, row[0])
		}
	}
	for path := range listed {
		if !required[path] {
			t.Errorf("docs/modules.md has a line for %s, which go.mod does not name", path)
		}
	}
}

func requiredModules(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+`).FindAllStringSubmatch(string(text), -1) {
		required[m[1]] = true
	}
	if len(required) < 10 {
		t.Fatalf("found only %v in go.mod", required)
	}
	return required
}

// licensedAs looks for a sentence that only that licence has.
func licensedAs(t *testing.T, dir, name string) bool {
	t.Helper()
	sign := map[string]string{
		"MIT":          "The above copyright notice and this permission notice shall be",
		"BSD-2-Clause": "Redistributions in binary form must reproduce the above",
		"BSD-3-Clause": "Neither the name of",
		"Apache-2.0":   "Apache License",
		"zlib":         "This notice may not be removed or altered from any source",
	}[name]
	var all strings.Builder
	for _, pattern := range []string{"LICENSE*", "COPYING*"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern)) // a good pattern
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	words := strings.Join(strings.Fields(strings.ReplaceAll(all.String(), "//", "")), " ")
	if name == "BSD-2-Clause" && strings.Contains(words, "Neither the name of") {
		return false
	}
	return sign != "" && strings.Contains(words, sign)
}

// TestLicensesAreSmall: the program stays below 11 MB.
func TestLicensesAreSmall(t *testing.T) {
	if len(licenses) > 40<<10 {
		t.Errorf("%d bytes of compressed licences (%s)", len(licenses), runtime.Version())
	}
}
