package checker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The stand-in has the port only while somebody needs it: from when the connection stands until the
// answer is there, and not at all for a checker that cannot be asked.
func TestAskHolds(t *testing.T) {
	silent := newRemote(t, "Unable to retrieve IP", answering(200, good)).start()
	broken := newRemote(t, "127.0.0.1", answering(502, "")).start()
	works := newRemote(t, "127.0.0.1", answering(200, good)).start()
	var log []string
	hold := func() (func(), error) {
		got, _ := works.seen()
		log = append(log, fmt.Sprintf("hold %d", len(got)))
		return func() {
			got, _ := works.seen()
			log = append(log, fmt.Sprintf("release %d", len(got)))
		}, nil
	}
	answer, err := lab(silent.check(), broken.check(), works.check()).Ask(t.Context(), loopback, 27886, "", hold)
	if err != nil || answer.Checker != works.check() {
		t.Errorf("got %+v, %v", answer, err)
	}
	// hold and release for the broken one; then hold after get-ip, release after the check
	if want := []string{"hold 0", "release 0", "hold 1", "release 2"}; !reflect.DeepEqual(log, want) {
		t.Errorf("%q, want %q", log, want)
	}
	for _, r := range []*remote{silent, broken, works} {
		select {
		case <-r.closed:
		case <-time.After(10 * time.Second):
			t.Error("a connection is left open")
		}
	}
}

func TestAskGivesUp(t *testing.T) {
	if _, err := lab().Ask(t.Context(), loopback, 27886, "", nil); !errors.Is(err, ErrNoCheckers) || errors.Is(err, ErrCheckerFailed) {
		t.Errorf("no checkers: %v", err)
	}
	one := newRemote(t, "127.0.0.1", answering(502, "")).start()
	two := newRemote(t, "127.0.0.1", answering(429, "")).start()
	_, err := lab(one.check(), two.check()).Ask(t.Context(), loopback, 27886, "", nil)
	if !errors.Is(err, ErrCheckerFailed) || !strings.Contains(err.Error(), one.check()) || !strings.Contains(err.Error(), two.check()) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	taken := errors.New("the port is taken")
	_, err = lab(one.check(), two.check()).Ask(t.Context(), loopback, 27886, "", func() (func(), error) { return nil, taken })
	if err != taken {
		t.Errorf("got %v, want the error of hold as it is", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = lab(one.check(), two.check()).Ask(ctx, loopback, 27886, "", nil); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), two.check()) {
		t.Errorf("got %v, want one try", err)
	}
}

// A checker that takes the connection and then says nothing does not hold anybody up.
func TestPrepareEnds(t *testing.T) {
	silent, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, scheme := range []string{"http://", "https://"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := lab().Prepare(ctx, scheme+silent.Addr().String()+CheckPath, loopback)
		cancel()
		var f *Failure
		if !errors.As(err, &f) || f.Reason != TimedOut {
			t.Errorf("%s: %v, want a failure %s", scheme, err, TimedOut)
		}
	}
}

func TestGetIPIsTheNeighbour(t *testing.T) {
	for in, want := range map[string]string{
		"https://api.smash64.online/kaillera/p2p-check": "https://api.smash64.online/kaillera/get-ip",
		"http://127.0.0.1:8080/p2p-check?x=1#y":         "http://127.0.0.1:8080/get-ip",
		"https://a.example":                             "https://a.example/get-ip",
		"https://a.example/%2Fx/check":                  "https://a.example/%2Fx/get-ip",
	} {
		u, err := url.Parse(in)
		if err != nil || getIPOf(u) != want {
			t.Errorf("%s -> %s, %v; want %s", in, getIPOf(u), err, want)
		}
	}
}
