package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/configs"
)

// page is the address to ask the running daemon at: that of --page, else the settings' first one
// that only this PC reaches.
func (a *app) page() (netip.AddrPort, error) {
	if a.pageFlag != "" {
		page, err := parsePage(a.pageFlag)
		return reachable(page), err
	}
	path, err := a.settingsFile()
	if err != nil {
		return netip.AddrPort{}, err
	}
	s, err := load(path)
	if err != nil {
		return netip.AddrPort{}, err
	}
	page, ok := pageOf(s.Page)
	if !ok {
		return netip.AddrPort{}, fail(exitUnknown, "%s switches the page off, and status asks the page: give [page] listen an address", path)
	}
	return page, nil
}

func pageOf(p configs.Page) (netip.AddrPort, bool) {
	for _, listen := range p.Listen {
		if listen.Addr().IsLoopback() {
			return listen, true
		}
	}
	for _, listen := range p.Listen {
		// Loopback is always served, with the same port.
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), listen.Port()), true
	}
	return netip.AddrPort{}, false
}

// reachable turns "every address", which a daemon listens on, into one that can be asked.
func reachable(page netip.AddrPort) netip.AddrPort {
	switch page.Addr() {
	case netip.IPv4Unspecified():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), page.Port())
	case netip.IPv6Unspecified():
		return netip.AddrPortFrom(netip.IPv6Loopback(), page.Port())
	}
	return page
}

// askStatus fetches GET /api/v1/status.
func askStatus(ctx context.Context, page netip.AddrPort) ([]byte, error) {
	status, body, err := askPage(ctx, http.MethodGet, page, "/api/v1/status")
	if err == nil && status != http.StatusOK {
		err = fail(exitUnknown, "http://%s answers %d, not with a status: is that another program? Name Portsitter's page with --page ADDR", page, status)
	}
	return body, err
}

// askPage puts one question to the page. Whoever listens there may be another program: the answer
// is bounded in time and size, and leads nowhere else.
func askPage(ctx context.Context, method string, page netip.AddrPort, path string) (status int, body []byte, err error) {
	const (
		patience = 3 * time.Second
		longest  = 1 << 20
	)
	client := http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DisableKeepAlives: true}, // its own: without a proxy
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+page.String()+path, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("the page http://%s cannot be asked: %w", page, err)
	}
	request.Header.Set("User-Agent", "portsitter/"+buildVersion())
	answer, err := client.Do(request)
	switch {
	case errors.Is(err, errRefused):
		return 0, nil, fail(exitNotRunning, "Portsitter is not running, nobody answers at http://%s: start it with `portsitter run`, or name its page with --page ADDR", page)
	case errors.Is(err, context.DeadlineExceeded):
		return 0, nil, fail(exitUnknown, "http://%s did not answer within %v: look at Portsitter's log, or start it anew", page, patience)
	case err != nil:
		return 0, nil, fail(exitUnknown, "the page cannot be asked (%w): name Portsitter's page with --page ADDR", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusUnauthorized {
		return 0, nil, fail(exitUnknown, "http://%s wants a password: ask on the PC where Portsitter runs, at 127.0.0.1", page)
	}
	body, err = io.ReadAll(io.LimitReader(answer.Body, longest+1))
	if err != nil {
		return 0, nil, fail(exitUnknown, "http://%s broke off its answer: %w", page, err)
	}
	if len(body) > longest {
		return 0, nil, fail(exitUnknown, "http://%s answers more than %d bytes, no status does: is that another program? Name Portsitter's page with --page ADDR", page, longest)
	}
	return answer.StatusCode, body, nil
}
