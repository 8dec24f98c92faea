package web

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzRequest: whatever arrives on the page's port, there is an answer with the page's walls around
// it; nothing of the request comes back as markup; and nothing is done for a stranger's page.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("GET /?show=1&port=<script> HTTP/1.1\r\nHost: localhost:27880\r\n\r\n"))
	f.Add([]byte("POST /api/v1/check?port=nonsense&while_hosting=1 HTTP/1.1\r\nHost: 127.0.0.1:27880\r\nOrigin: http://localhost:27880\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("POST /api/v1/takeover?port=x HTTP/1.1\r\nHost: evil.example\r\nSec-Fetch-Site: cross-site\r\nAuthorization: Basic QTpC\r\n\r\n"))
	f.Add([]byte("GET /api/v1/events HTTP/1.0\r\nHost: localhost\r\nLast-Event-ID: 5\r\nAccept: text/event-stream\r\n\r\n"))
	f.Add([]byte("HEAD //api/../metrics HTTP/1.1\r\nHost: [::1%25eth0]:1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return // the standard library refuses it
		}
		s, sitter := newServer(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // a stream ends at once
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, from(r.WithContext(ctx), "127.0.0.1", "127.0.0.1"))
		if w.Code < 200 || w.Code > 599 || w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("status %d, header %v", w.Code, w.Header())
		}
		if strings.Contains(w.Body.String(), "<script>") {
			t.Error("markup of the request comes back")
		}
		foreign := r.Header.Get("Sec-Fetch-Site") == "cross-site" || !s.calledRight(from(r, "127.0.0.1", "127.0.0.1"))
		if foreign && (len(sitter.asked) > 0 || sitter.refreshed.Load() > 0) {
			t.Errorf("a stranger's page had its way: %q", sitter.asked)
		}
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && len(sitter.asked) > 0 {
			t.Error("a GET has done something")
		}
	})
}
