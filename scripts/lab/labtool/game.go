//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/portsitter/portsitter/netutil/simhome"
)

// gameLine is what game prints, as JSON on one line: a game at one moment.
type gameLine struct {
	At      time.Time
	Port    uint16
	Waiting bool              // its port was taken when it came, and it tries again
	Game    *simhome.GameView // nil while it waits
}

// game hosts games that speak Kaillera P2P, on one port after the other, and tells of each change.
func game(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("game", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	kind := flags.String("kind", "g1", "")
	gap := flags.Duration("gap", 10*time.Millisecond, "")
	retry := flags.Duration("retry", 0, "")
	count := flags.Int("count", 1, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	first, err := netip.ParseAddrPort(flags.Arg(0))
	if err != nil {
		return err
	}
	kinds := map[string]simhome.GameKind{"g1": simhome.GameG1, "v05": simhome.GameV05, "rmg": simhome.GameRMG}
	k, ok := kinds[*kind]
	if last := int(first.Port()) + *count - 1; !ok || *count < 1 || last > 65535 || flags.NArg() > 1 {
		return fmt.Errorf("%q: a kind is g1, v05 or rmg, a port 1 to 65535, and the address comes last", args)
	}
	out := &gamePrinter{json: json.NewEncoder(os.Stdout)}
	ended := make(chan error, *count)
	for i := range *count {
		o := simhome.GameOptions{Kind: k, RebindGap: *gap, Addr: netip.AddrPortFrom(first.Addr(), first.Port()+uint16(i))}
		go func() { ended <- host(ctx, o, *retry, out) }()
	}
	for range *count {
		err = errors.Join(err, <-ended)
	}
	return err
}

// host hosts one game until ctx ends. With a pause to retry it waits for a port that is taken, as a
// person does who clicks again.
func host(ctx context.Context, o simhome.GameOptions, retry time.Duration, out *gamePrinter) error {
	for waits := false; ; waits = true {
		g, err := simhome.StartGame(ctx, o)
		if err == nil {
			defer g.Close()
			// It never is as wished: each look at it is for the record.
			_, _ = g.Await(ctx, func(v simhome.GameView) bool {
				out.print(gameLine{Port: o.Addr.Port(), Game: &v})
				return false
			})
			return nil
		}
		if retry <= 0 || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		if !waits {
			out.print(gameLine{Port: o.Addr.Port(), Waiting: true})
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
			return nil
		}
	}
}

// gamePrinter keeps the lines of several games apart.
type gamePrinter struct {
	mu   sync.Mutex
	json *json.Encoder
}

func (p *gamePrinter) print(l gameLine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.At = time.Now()
	_ = p.json.Encode(l) // nobody reads any more: nobody to tell
}
