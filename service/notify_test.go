package service

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

func serveHook(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: hook FILE CODE")
	}
	path := ts.MkAbs(args[0])
	code, err := strconv.Atoi(args[1])
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			io.WriteString(f, r.URL.Path+" "+r.Header.Get("Title")+"\n")
			io.Copy(f, r.Body)
			f.Close()
		}
		w.WriteHeader(code)
	}))
	ts.Defer(server.Close)
	ts.Setenv("HOOK", server.URL)
}
