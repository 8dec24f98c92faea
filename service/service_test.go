package service

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"portsitter": func() { os.Exit(onTestPC().execute(os.Args[1:])) },
		"fill-log":   fillLog,
	})
}

// The scripts in testdata/script are what a person types and sees. $SETTINGS is the usual settings
// file, $STATE the usual state folder. Three commands are added to those of testscript:
//
//	page FILE   serve FILE as the status of a running Portsitter; its address is in $PAGE, and
//	            page.toml holds it as settings
//	hook FILE CODE   be a webhook that answers CODE and writes what it gets into FILE; its address
//	            is in $HOOK
//	hold DIR    be the Portsitter with pid 4242 that keeps the state folder DIR
//
// The PC in these scripts has a service manager that keeps the service in the file service.json, its
// system folders are in the folder pc, its browser writes into browser.txt and its firewall into
// firewall.txt. ADMINISTRATOR=no takes the rights to change services away; START=fails has the
// service end right after its start; MANAGER=dumb does not answer, MANAGER=none is none;
// FIREWALL=policy may not be changed; LOGS is the folder of the service's log files.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               ownPlaces,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"page": servePage,
			"hold": holdState,
			"hook": serveHook,
		},
	})
}

// ownPlaces gives each script its own settings and state folders, whoever runs the test.
func ownPlaces(env *testscript.Env) error {
	settings, state := filepath.Join(env.WorkDir, "settings"), filepath.Join(env.WorkDir, "state")
	if runtime.GOOS == "windows" {
		env.Setenv("AppData", settings)
		env.Setenv("LocalAppData", state)
		settings, state = filepath.Join(settings, "Portsitter"), filepath.Join(state, "Portsitter")
	} else {
		// As systemd does for a service: then it makes no difference whether root runs the test.
		env.Setenv("CONFIGURATION_DIRECTORY", settings)
		env.Setenv("STATE_DIRECTORY", state)
	}
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else go test -race adds a second to every command
	env.Setenv("SETTINGS", filepath.Join(settings, settingsName))
	env.Setenv("STATE", state)
	env.Setenv("exe", map[string]string{"windows": ".exe"}[runtime.GOOS])
	env.Setenv("SERVICE", filepath.Join(env.WorkDir, "pc", "etc", "portsitter"))
	return nil
}

func servePage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: page FILE")
	}
	body := ts.ReadFile(args[0])
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, body)
	})
	mux.HandleFunc("GET /api/v1/history", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `[{"at":"2026-11-20T11:00:00Z","kind":"address","text":"The public address is 11.77.0.2"}]`)
	})
	server := httptest.NewServer(mux)
	ts.Defer(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	ts.Setenv("PAGE", address)
	settings := fmt.Sprintf("[page]\nlisten = [%q]\n", address)
	ts.Check(os.WriteFile(ts.MkAbs("page.toml"), []byte(settings), 0o600))
}

func holdState(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	release, err := acquire(dir, Holder{PID: 4242, Page: "http://127.0.0.1:27880"})
	ts.Check(err)
	ts.Defer(release)
}
