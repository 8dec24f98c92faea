package notify

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "helper-") {
		helper(os.Args[1], os.Args[2:])
		return
	}
	goleak.VerifyTestMain(m)
}

// secret is in every address of these tests, and must be nowhere else.
const secret = "hunter2hunter2"

var at = time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)

func sample() News {
	return News{
		Event: Verdict, At: at, Public: netip.MustParseAddr("203.0.113.7"), Previous: netip.MustParseAddr("203.0.113.1"),
		Ports: []Port{{
			Name: "Kaillera P2P", Port: 27886, Transport: "udp", Verdict: "reachable", Code: "reachable",
			Headline: "You can host: 203.0.113.7:27886 was reached from outside", Address: "203.0.113.7:27886",
		}},
	}
}

// impatient never waits between two tries, and keeps what it would have waited.
func impatient(waits *[]time.Duration) Sender {
	return Sender{UserAgent: "Portsitter/test", draw: func() float64 { return 1 }, wait: func(_ context.Context, d time.Duration) bool {
		*waits = append(*waits, d)
		return true
	}}
}

// received is one request as a receiver saw it.
type received struct {
	header http.Header
	path   string
	body   string
}

// receiver answers with the codes in turn, the last one again and again.
func receiver(t *testing.T, codes ...int) (address string, got *[]received) {
	t.Helper()
	got = new([]received)
	var mu sync.Mutex // receivers are told at the same time
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		*got = append(*got, received{r.Header, r.Method + " " + r.URL.RequestURI(), string(body)})
		code := codes[min(len(*got), len(codes))-1]
		mu.Unlock()
		if code/100 == 3 {
			w.Header().Set("Location", "/elsewhere?token="+secret)
		}
		if code == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "7")
		}
		w.WriteHeader(code)
		io.WriteString(w, "no such token: "+r.URL.RequestURI())
	}))
	t.Cleanup(server.Close)
	return server.URL + "/" + secret + "?token=" + secret, got
}

func TestEachKindGetsItsShape(t *testing.T) {
	for kind, check := range map[string]func(t *testing.T, r received, body map[string]any){
		"generic": func(t *testing.T, r received, body map[string]any) {
			port := body["ports"].([]any)[0].(map[string]any)
			if body["event"] != "verdict" || body["public_address"] != "203.0.113.7" || body["at"] != "2026-11-20T18:00:00Z" ||
				port["address"] != "203.0.113.7:27886" || port["port"] != 27886.0 || port["verdict"] != "reachable" {
				t.Errorf("body %v", body)
			}
		},
		"discord": func(t *testing.T, r received, body map[string]any) {
			mentions, _ := body["allowed_mentions"].(map[string]any)
			if parse, ok := mentions["parse"].([]any); !ok || len(parse) != 0 {
				t.Errorf("mentions %v: @everyone would ring", body["allowed_mentions"])
			}
			if text, _ := body["content"].(string); !strings.Contains(text, "203.0.113.7:27886") {
				t.Errorf("content %q", text)
			}
		},
		"slack": func(t *testing.T, r received, body map[string]any) {
			if text, _ := body["text"].(string); !strings.Contains(text, "203.0.113.7:27886") || body["mrkdwn"] != false {
				t.Errorf("body %v", body)
			}
		},
		"gotify": func(t *testing.T, r received, body map[string]any) {
			if body["title"] != "Portsitter: Kaillera P2P" || body["priority"] != 5.0 || !strings.Contains(body["message"].(string), "You can host") {
				t.Errorf("body %v", body)
			}
		},
		"ntfy": func(t *testing.T, r received, _ map[string]any) {
			if r.header.Get("Title") != "Portsitter: Kaillera P2P" || !strings.HasPrefix(r.body, "You can host: 203.0.113.7:27886") {
				t.Errorf("title %q, body %q", r.header.Get("Title"), r.body)
			}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			address, got := receiver(t, http.StatusNoContent)
			results := Sender{UserAgent: "Portsitter/test"}.Send(t.Context(), []Webhook{{Kind: kind, URL: address}}, nil, sample())
			if len(results) != 1 || results[0].Err != nil || len(*got) != 1 {
				t.Fatalf("results %+v, %d requests", results, len(*got))
			}
			r := (*got)[0]
			if r.path != "POST /"+secret+"?token="+secret || r.header.Get("User-Agent") != "Portsitter/test" {
				t.Errorf("request %+v", r)
			}
			var body map[string]any
			if kind != "ntfy" {
				if err := json.Unmarshal([]byte(r.body), &body); err != nil {
					t.Fatalf("%v: %s", err, r.body)
				}
			}
			check(t, r, body)
		})
	}
}

func TestAnswersAndTries(t *testing.T) {
	for _, row := range []struct {
		name  string
		codes []int
		tries int
		waits []time.Duration
		says  string
		final bool
	}{
		{"fine", []int{200}, 1, nil, "", false},
		{"once busy", []int{503, 200}, 2, []time.Duration{2 * time.Second}, "", false},
		{"Retry-After", []int{429, 204}, 2, []time.Duration{7 * time.Second}, "", false},
		{"down", []int{500}, tries, []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second}, "500", false},
		{"gone", []int{404}, 1, nil, "404", true},
		{"redirect", []int{307}, 1, nil, "redirect", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			address, got := receiver(t, row.codes...)
			var waits []time.Duration
			r := impatient(&waits).Send(t.Context(), []Webhook{{Kind: "generic", URL: address}}, nil, sample())[0]
			if len(*got) != row.tries {
				t.Errorf("%d tries, want %d", len(*got), row.tries)
			}
			if len(waits) != len(row.waits) {
				t.Fatalf("waited %v, want %v", waits, row.waits)
			}
			for i := range waits {
				if waits[i] != row.waits[i] {
					t.Errorf("waited %v, want %v", waits, row.waits)
				}
			}
			if (r.Err == nil) != (row.says == "") || r.Err != nil && (!strings.Contains(r.Err.Error(), row.says) || r.Err.(*Failure).Final != row.final) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestRetryAfterIsBounded(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0.5": 500 * time.Millisecond, "-1": 0, "1e300": 0, "NaN": 0, "soon": 0,
		"Mon, 01 Jan 1990 00:00:00 GMT": 0,
	} {
		if got := after(value); got != want {
			t.Errorf("Retry-After %q: %v, want %v", value, got, want)
		}
	}
	var waits []time.Duration
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	r := impatient(&waits).Send(t.Context(), []Webhook{{URL: server.URL}}, nil, sample())[0]
	if f, _ := r.Err.(*Failure); f == nil || f.Retry != time.Hour || f.Final || len(waits) != 0 {
		t.Errorf("%+v after waiting %v", r.Err, waits)
	}
}

// TestNoSecretLeaks breaks a webhook in every way there is, and looks at what is told about it.
func TestNoSecretLeaks(t *testing.T) {
	redirect, _ := receiver(t, http.StatusFound)
	gone, _ := receiver(t, http.StatusNotFound)
	down, _ := receiver(t, http.StatusBadGateway)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(conn, "ERR "+r.URL.RequestURI()+"\r\n\r\n") // no HTTP
		conn.Close()
	}))
	defer echo.Close()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	tls.Config.ErrorLog = nil
	defer tls.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	path := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(path, []byte("not an address "+secret), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOOK_OF_TEST", "ftp://"+secret)
	for name, w := range map[string]Webhook{
		"redirect": {URL: redirect}, "gone": {URL: gone}, "down": {URL: down},
		"no HTTP":     {URL: echo.URL + "/" + secret},
		"certificate": {URL: tls.URL + "/" + secret},
		"refused":     {URL: closed.URL + "/" + secret},
		"no TLS":      {URL: strings.Replace(echo.URL, "http", "https", 1) + "/" + secret},
		"control":     {URL: "http://127.0.0.1:1/\x7f" + secret},
		"no host":     {URL: "https:///" + secret},
		"user":        {URL: "https://user:" + secret + "@127.0.0.1:1/"},
		"port":        {URL: "https://127.0.0.1:" + secret + "/"},
		"long":        {URL: "http://127.0.0.1:1/" + secret + strings.Repeat("x", maxAddress)},
		"name":        {URL: "http://does-not-exist.invalid/" + secret},
		"file":        {URLFile: path},
		"no file":     {URLFile: path + "-not-there"},
		"folder":      {URLFile: filepath.Dir(path)},
		"variable":    {URLEnv: "HOOK_OF_TEST"},
		"unset":       {URLEnv: "HOOK_OF_TEST_UNSET"},
		"kind":        {Kind: "pigeon", URL: gone},
	} {
		t.Run(name, func(t *testing.T) {
			var waits []time.Duration
			r := impatient(&waits).Send(t.Context(), []Webhook{w}, nil, sample())[0]
			if r.Err == nil {
				t.Fatal("told")
			}
			if told := r.Receiver + " " + r.Err.Error() + r.Output; strings.Contains(told, secret) || strings.Contains(told, "hunter") {
				t.Errorf("the secret can be read: %s", told)
			}
			if len(r.Err.Error()) < 10 || r.Receiver == "" {
				t.Errorf("%q: %v", r.Receiver, r.Err)
			}
		})
	}
}

func TestSecretsOutsideTheSettings(t *testing.T) {
	address, got := receiver(t, http.StatusOK)
	path := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(path, []byte("http://127.0.0.1:1/old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var waits []time.Duration
	file := []Webhook{{Kind: "ntfy", URLFile: path}}
	if r := impatient(&waits).Send(t.Context(), file, nil, sample())[0]; r.Err == nil {
		t.Error("told a closed port")
	}
	if err := os.WriteFile(path, []byte("\n"+address+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOOK_OF_TEST", address)
	for _, r := range impatient(&waits).Send(t.Context(), append(file, Webhook{Kind: "ntfy", URLEnv: "HOOK_OF_TEST"}), nil, sample()) {
		if r.Err != nil || !strings.HasPrefix(r.Receiver, "ntfy at http://127.0.0.1:") || strings.Contains(r.Receiver, secret) {
			t.Errorf("%+v", r)
		}
	}
	if len(*got) != 2 {
		t.Errorf("%d requests", len(*got))
	}
}

// TestReceiversDoNotWaitForEachOther, nor for one that never answers once the context ends.
func TestReceiversDoNotWaitForEachOther(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // else the server does not see the client leave
		close(asked)
		<-r.Context().Done()
	}))
	defer slow.Close()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		<-asked
		cancel()
	}))
	defer other.Close()
	results := Sender{}.Send(ctx, []Webhook{{URL: slow.URL}, {URL: other.URL}}, nil, sample())
	if err := results[0].Err; err == nil || !strings.Contains(err.Error(), "called off") {
		t.Errorf("%v", err)
	}
}
