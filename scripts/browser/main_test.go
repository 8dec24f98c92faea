//go:build linux

// Package browser proves the page in a real browser: the built program serves its demo, Chromium
// opens it without a window, and axe-core looks for what would keep people out.
//
//	cd scripts/browser && go test ./...
//	cd scripts/browser && go test -run TestPictures -update
//
// It is a module of its own, so that the program's has no browser in it. It needs chromium, Go and
// npm. SCREENSHOTS is a folder for the pictures of all screens; PORTSITTER is a built program to
// test instead of one built from this tree.
package browser

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// built is what TestMain made, and nothing that a test changes.
var built struct {
	portsitter string          // the program
	axe        string          // the text of axe-core
	browser    context.Context // of chromedp: the browser that all tabs are opened in
}

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	flag.Parse()
	// The tests wait for the program more than they work.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "portsitter-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for _, prepare := range []func(context.Context, string) error{buildProgram, readAxe} {
		if err := prepare(ctx, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	end, err := startBrowser(ctx, dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer end()
	return m.Run()
}

func buildProgram(ctx context.Context, dir string) error {
	if p := os.Getenv("PORTSITTER"); p != "" {
		built.portsitter = p
		return nil
	}
	built.portsitter = filepath.Join(dir, "portsitter")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", built.portsitter, ".")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, text)
	}
	return nil
}

// readAxe reads axe-core, and lets npm fetch it first when it is not there in the locked version.
func readAxe(ctx context.Context, _ string) error {
	want := axeIntegrity("package-lock.json")
	if want == "" {
		return fmt.Errorf("package-lock.json does not lock axe-core")
	}
	if axeIntegrity("node_modules/.package-lock.json") != want {
		cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd, err, text)
		}
	}
	text, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	built.axe = string(text)
	return err
}

// axeIntegrity is the hash of axe-core in a lock file, "" if it has none.
func axeIntegrity(lockFile string) string {
	var lock struct {
		Packages map[string]struct{ Integrity string }
	}
	text, err := os.ReadFile(lockFile)
	if err != nil || json.Unmarshal(text, &lock) != nil {
		return ""
	}
	return lock.Packages["node_modules/axe-core"].Integrity
}

func startBrowser(ctx context.Context, dir string) (end func(), err error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // root has none
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.Env("HOME="+dir),
	)
	allocator, endAllocator := chromedp.NewExecAllocator(ctx, options...)
	browser, endBrowser := chromedp.NewContext(allocator)
	end = func() {
		endBrowser()
		endAllocator() // waits for the process
	}
	if err := chromedp.Run(browser); err != nil {
		end()
		return nil, fmt.Errorf("chromium does not start (%w): is it installed?", err)
	}
	built.browser = browser
	return end, nil
}
