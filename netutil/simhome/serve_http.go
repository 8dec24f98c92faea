package simhome

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

const maxRequestBody = 64 << 10

// webServer is one HTTP port that can be closed and opened again. Its fields belong to Servers.mu.
type webServer struct {
	servers *Servers
	port    uint16 // 0 until it was open once
	handler http.HandlerFunc
	server  *http.Server
}

func (w *webServer) open() error {
	if w.server != nil {
		return nil
	}
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(loopback, w.port)))
	if err != nil {
		return err
	}
	w.port = l.Addr().(*net.TCPAddr).AddrPort().Port()
	server := &http.Server{
		Handler:           http.MaxBytesHandler(w.handler, maxRequestBody),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       10 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(w.servers.log.Handler(), slog.LevelDebug),
	}
	w.server = server
	w.servers.tasks.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			w.servers.log.Error("the router in software stopped serving", "err", err)
		}
	})
	return nil
}

func (w *webServer) close() {
	if w != nil && w.server != nil {
		w.server.Close()
		w.server = nil
	}
}

// handleGetIP tells the public address as text. Without a WAN the connection just breaks.
func (s *Servers) handleGetIP(w http.ResponseWriter, _ *http.Request) {
	public, err := s.home.Public()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, public)
}

// handleUPnP serves the description and the control URLs.
func (s *Servers) handleUPnP(w http.ResponseWriter, r *http.Request) {
	if !s.begin() { // http.Server.Close does not wait for handlers, ours does
		panic(http.ErrAbortHandler)
	}
	defer s.tasks.Done()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "that is too much", http.StatusRequestEntityTooLarge)
		return
	}
	h := s.home
	moves := h.upnpMoves()
	call, op := soapCall{}, OpDescribe
	if r.URL.Path != descriptionPath(moves) {
		call = parseSOAP(r.Header.Get("SOAPAction"), body)
		op = call.op()
	}
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	call.from = h.onLAN(from.Addr())
	fate, slow, leave := h.arrive(portmap.UPnP, op, call.from)
	defer leave()
	switch fate {
	case reset:
		breakConnection(w)
	case dropped, refused:
		select {
		case <-r.Context().Done():
		case <-s.ctx.Done():
		}
		panic(http.ErrAbortHandler)
	}
	answer := s.upnpAnswer(r, call, moves)
	if !s.pause(slow) {
		panic(http.ErrAbortHandler)
	}
	h.Faults().write(w, answer)
}

// httpAnswer is a document and its status.
type httpAnswer struct {
	status int
	kind   string
	text   string
}

func (s *Servers) upnpAnswer(r *http.Request, call soapCall, moves int) httpAnswer {
	path := r.URL.Path
	faults := s.home.Faults()
	switch {
	case path == descriptionPath(moves) && r.Method == http.MethodGet:
		return httpAnswer{http.StatusOK, "text/xml", s.home.describe()}
	case path != controlPath(moves) && path != deadControlPath(moves):
		return httpAnswer{http.StatusNotFound, "text/html", "<html><body>404 Not Found</body></html>"}
	case r.Method != http.MethodPost:
		return httpAnswer{http.StatusMethodNotAllowed, "text/html", "<html><body>405</body></html>"}
	case faults.Fussy && r.ContentLength < 0:
		return httpAnswer{http.StatusLengthRequired, "text/html", "<html><body>411 Length Required</body></html>"}
	}
	out, code := s.home.answerSOAP(call, path == deadControlPath(moves))
	switch {
	case code == 0:
		return httpAnswer{http.StatusOK, "text/xml", call.response(out)}
	case faults.BareFault:
		return httpAnswer{http.StatusInternalServerError, "text/html", "<html><body>500 Internal Server Error</body></html>"}
	}
	return httpAnswer{http.StatusInternalServerError, "text/xml", faults.soapFault(code)}
}

// write sends an answer in the form that the faults ask for.
func (f Faults) write(w http.ResponseWriter, a httpAnswer) {
	charset := "utf-8"
	body := []byte(a.text)
	if f.Latin1 {
		charset, body = "ISO-8859-1", latin1(a.text)
	}
	if a.kind == "text/xml" {
		body = append([]byte(`<?xml version="1.0" encoding="`+charset+`"?>`+"\r\n"), body...)
		if f.BrokenXML {
			body = body[:len(body)*2/3]
		}
	}
	w.Header().Set("Content-Type", a.kind+`; charset="`+charset+`"`)
	w.Header().Set("Server", serverName)
	w.Header().Set("Connection", "close")
	w.WriteHeader(a.status)
	w.Write(body)
}

// latin1 writes text as ISO-8859-1. The other letters become question marks.
func latin1(text string) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return out
}

// breakConnection resets the connection and ends the handler.
func breakConnection(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		conn.Close()
	}
	panic(http.ErrAbortHandler)
}
