package service

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// The exit codes are what scripts and other programs rely on.
func TestStatusExitCodes(t *testing.T) {
	const (
		good    = `{"name":"A","verdict":"ready","code":"ready"}`
		bad     = `{"name":"B","verdict":"not-ready","code":"port-taken"}`
		unknown = `{"name":"C","verdict":"unknown","code":"starting"}`
		stopped = `{"name":"D","verdict":"unknown","code":"stopped"}`
	)
	of := func(ports string) string { return `{"version":"0.1.0","ports":[` + ports + `]}` }
	for name, c := range map[string]struct {
		body string
		args []string
		want int
	}{
		"ready":                  {of(good), nil, exitOK},
		"not ready":              {of(bad), nil, exitNot},
		"starting":               {of(unknown), nil, exitUnknown},
		"stopped":                {of(stopped), nil, exitNotRunning},
		"the worst counts":       {of(good + "," + bad + "," + unknown), nil, exitNot},
		"only the good one":      {of(good + "," + bad), []string{"--port", "a"}, exitOK},
		"only the bad one":       {of(good + "," + bad), []string{"--port=B"}, exitNot},
		"the bad one, as JSON":   {of(good + "," + bad), []string{"--json", "--port=B"}, exitNot},
		"no such port":           {of(good), []string{"--port", "Z"}, exitUsage},
		"no ports":               {of(""), nil, exitUnknown},
		"no ports named":         {of(""), []string{"--port", "A"}, exitUsage},
		"another program's JSON": {`{"ports":[` + good + `]}`, nil, exitUnknown},
		"not JSON":               {`hello`, nil, exitUnknown},
		"JSON of another kind":   {`[1,2,3]`, nil, exitUnknown},
		"JSON, and then more":    {of(good) + of(good), nil, exitUnknown},
		"an empty answer":        {``, nil, exitUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, c.body)
			}))
			defer server.Close()
			a := &app{stdout: io.Discard, stderr: io.Discard}
			if got := a.execute(append([]string{"status", "--page", server.URL}, c.args...)); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"nothing":                   {nil, exitOK},
		"help":                      {[]string{"help", "run"}, exitOK},
		"no such verb":              {[]string{"stats"}, exitUsage},
		"no such flag":              {[]string{"run", "--now"}, exitUsage},
		"a flag without its value":  {[]string{"run", "--page"}, exitUsage},
		"too much":                  {[]string{"version", "please"}, exitUsage},
		"no such settings":          {[]string{"config", "check", "--config", "nowhere.toml"}, exitUsage},
		"no such settings at start": {[]string{"run", "--config", "nowhere.toml"}, exitUsage},
		"wrong page":                {[]string{"status", "--page", "here"}, exitUsage},
		"no such port at start":     {[]string{"run", "--port", "Z"}, exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CONFIGURATION_DIRECTORY", t.TempDir())
			t.Setenv("AppData", t.TempDir())
			a := &app{stdout: io.Discard, stderr: io.Discard}
			if got := a.execute(c.args); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
}
