package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const ours = "github.com/portsitter/portsitter"

// mayImport is the plan of the house, by folder; "" is package main. Imports point one way, so that
// each part can be read, tested and replaced without those above it. A new arrow belongs here first.
func mayImport(from, to string) bool {
	if strings.HasPrefix(to, from+"/") && from != "" && from != "daemon" {
		return true // a package's own parts
	}
	inDrawer := strings.HasPrefix(to, "netutil/")
	switch from {
	case "":
		return to == "service"
	case "service":
		return to != "" // it does the wiring
	case "daemon":
		return to == "configs" || inDrawer && to != "netutil/simhome"
	case "daemon/web":
		return to == "daemon"
	case "netutil/checker":
		return to == "netutil/kaillera"
	case "netutil/simhome":
		return inDrawer
	}
	return strings.HasPrefix(from, "scripts/") // programs for developers
}

// listed is what the go command tells about a package. Imports are those of the program: tests may
// use what they need.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct{ Path string }
}

func TestArrows(t *testing.T) {
	for _, goos := range []string{"linux", "windows"} {
		t.Run(goos, func(t *testing.T) {
			packages := goList(t, goos)
			for _, folder := range []string{"", "service", "daemon", "configs"} {
				if _, ok := packages[strings.TrimSuffix(ours+"/"+folder, "/")]; !ok {
					t.Fatalf("the go command does not list the folder %q: nothing is tested", folder)
				}
			}
			users := map[string][]string{} // of a third-party module: our folders that import it
			for path, p := range packages {
				from, mine := folder(path)
				if !mine {
					continue
				}
				for _, imported := range p.Imports {
					if imported == "html/template" || imported == "text/template" {
						t.Errorf("%q imports %s: that makes the program 2 MB larger, since the linker then keeps every method of every type", from, imported)
					}
					if to, mine := folder(imported); mine {
						if !mayImport(from, to) {
							t.Errorf("%q imports %q: this arrow is not in the plan (mayImport)", from, to)
						}
					} else if m := packages[imported].Module; m != nil && !slices.Contains(users[m.Path], from) {
						users[m.Path] = append(users[m.Path], from)
					}
				}
			}
			for module, folders := range users {
				if len(folders) > 1 && module != "golang.org/x/sys" {
					slices.Sort(folders)
					t.Errorf("%s is imported by %q: one folder is to know it, so that it can be replaced", module, folders)
				}
			}
		})
	}
}

// folder is the folder of one of our packages; mine is false for all others.
func folder(path string) (name string, mine bool) {
	if path == ours {
		return "", true
	}
	return strings.CutPrefix(path, ours+"/")
}

// goList asks the go command about our packages, as built for goos, and all that they import.
func goList(t *testing.T, goos string) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Standard,Imports,Module", "./...")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	packages := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages[p.ImportPath] = p
	}
}

func TestMayImport(t *testing.T) {
	for arrow, want := range map[[2]string]bool{
		{"", "service"}:                          true,
		{"", "daemon"}:                           false,
		{"service", "daemon/web"}:                true,
		{"service", "netutil/simhome"}:           true,
		{"daemon", "netutil/route"}:              true,
		{"daemon", "daemon/web"}:                 false,
		{"daemon", "service"}:                    false,
		{"daemon", "netutil/simhome"}:            false,
		{"daemon/web", "daemon"}:                 true,
		{"daemon/web", "netutil/route"}:          false,
		{"netutil/portmap", "netutil/route"}:     false,
		{"netutil/portmap", "configs"}:           false,
		{"netutil/portmap", "netutil/portmap/x"}: true,
		{"netutil/checker", "netutil/kaillera"}:  true,
		{"netutil/simhome", "netutil/checker"}:   true,
		{"netutil/simhome", "configs"}:           false,
		{"configs", "daemon"}:                    false,
	} {
		if got := mayImport(arrow[0], arrow[1]); got != want {
			t.Errorf("mayImport(%q, %q) = %v, want %v", arrow[0], arrow[1], got, want)
		}
	}
}
