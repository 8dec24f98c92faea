// Package notify tells people that something has changed: by webhooks (Discord, ntfy, Slack, Gotify,
// or plain JSON) and by a command with the facts in its environment.
//
// A webhook's address is a secret: who has it can write to its owner. It is in no error, no result
// and no log line of this package; they name scheme and host at most.
package notify

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"time"
)

// The kinds of events.
const (
	Verdict       = "verdict"        // whether one can host, or why not, is another answer than before
	Address       = "address"        // what an opponent has to type has changed
	PublicAddress = "public-address" // only the public address has changed
	Test          = "test"           // a person tries whether the news arrive
)

// News is one message. All texts may hold words of a router or of another program: they are cleaned
// before they go anywhere.
type News struct {
	Event    string // Verdict, Address, PublicAddress or Test
	At       time.Time
	Public   netip.Addr // our address on the internet; invalid when not known
	Previous netip.Addr // the one that was told before, when that is another one
	Ports    []Port     // those that the news are about
}

// Port is what there is to say about one port.
type Port struct {
	Name      string
	Port      uint16
	Transport string // udp or tcp
	Verdict   string
	Code      string // of the diagnosis
	Headline  string
	NextStep  string
	Address   string // what an opponent types; "" when there is none to give away
}

// Webhook is one address that is told. Exactly one of URL, URLFile and URLEnv is set.
type Webhook struct {
	Kind    string // generic, discord, ntfy, slack or gotify
	URL     string // http or https; a secret
	URLFile string // a file that holds the address, read at each use
	URLEnv  string // an environment variable that holds it
}

// Sender tells receivers. Its fields are not changed once it is in use.
type Sender struct {
	UserAgent string // says honestly who asks, as in "Portsitter/1.2.0"

	// For tests.
	wait         func(context.Context, time.Duration) bool
	draw         func() float64 // from [0,1)
	commandLimit time.Duration
}

// Result is what came of telling one receiver.
type Result struct {
	Receiver string // "discord at https://discord.com", "command /usr/bin/tell": fit for everybody's eyes
	Index    int    // of the webhook; -1 for the command
	Err      error  // nil: told. A *Failure
	Output   string // what the command wrote, at most 1 KiB, cleaned: it may hold the user's own secrets
}

// Failure says why a receiver was not told. Its text holds no secret, and it wraps nothing: the
// errors of net/http hold whole addresses.
type Failure struct {
	Text  string
	Final bool          // asking again brings nothing before a person has changed something
	Retry time.Duration // what the receiver asks to be left alone for, 0 if nothing
}

func (f *Failure) Error() string { return f.Text }

// Send tells every receiver, all at the same time, and returns when each has been told or given up:
// after two minutes at most. command may be empty. The results are in the order of webhooks, the
// command's last.
func (s Sender) Send(ctx context.Context, webhooks []Webhook, command []string, n News) []Result {
	n = n.cleaned()
	results := make([]Result, len(webhooks))
	var all sync.WaitGroup
	for i, w := range webhooks {
		all.Go(func() {
			receiver, err := s.post(ctx, w, n)
			results[i] = Result{Receiver: receiver, Index: i, Err: orNil(err)}
		})
	}
	if len(command) > 0 {
		results = append(results, Result{})
		all.Go(func() {
			output, err := s.run(ctx, command, n)
			results[len(webhooks)] = Result{Receiver: "command " + clean(command[0], 200), Index: -1, Err: orNil(err), Output: output}
		})
	}
	all.Wait()
	return results
}

// orNil keeps a nil *Failure from becoming an error that is not nil.
func orNil(f *Failure) error {
	if f == nil {
		return nil
	}
	return f
}

func (s Sender) pause(ctx context.Context, d time.Duration) bool {
	if s.wait != nil {
		return s.wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s Sender) random() float64 {
	if s.draw != nil {
		return s.draw()
	}
	return rand.Float64()
}

// place is where a webhook's address comes from, when the address itself cannot be told.
func (w Webhook) place() string {
	switch {
	case w.URLFile != "":
		return w.kind() + " of the file " + clean(w.URLFile, 200)
	case w.URLEnv != "":
		return w.kind() + " of url_env" // not its name: people put the address itself there
	}
	return w.kind()
}

func (w Webhook) kind() string { return cmp.Or(w.Kind, "generic") }

// address reads where to send to.
func (w Webhook) address() (string, *Failure) {
	switch {
	case w.URLFile != "":
		return readAddress(w.URLFile)
	case w.URLEnv != "":
		address := os.Getenv(w.URLEnv)
		if address == "" {
			return "", &Failure{Text: "the environment variable that url_env names is not set: set it for the service, or use url_file", Final: true}
		}
		return address, nil
	}
	return w.URL, nil
}
