package kaillera

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// reply is what a host says, and how long after the question.
type reply struct {
	after time.Duration
	say   string
}

// answerer answers a question that has been asked the n-th time.
type answerer func(question []byte, n int) []reply

// onNth answers the n-th time that a question comes, or always if n is 0; nil is any question.
func onNth(question []byte, n int, r []reply) answerer {
	return func(q []byte, asked int) []reply {
		if question != nil && !bytes.Equal(q, question) || n != 0 && n != asked {
			return nil
		}
		return r
	}
}

// question is what a probe sends.
type question int

const (
	other question = iota
	ping
	look
	token
)

func (q question) String() string { return [...]string{"other", "ping", "look", "token"}[q] }

func questionOf(b []byte) question {
	switch {
	case SortRaw(b) == RawPing:
		return ping
	case SortRaw(b) == RawTokenQuestion:
		return token
	case bytes.Equal(b, Look("Portsitter", "port test")):
		return look
	}
	return other
}

type sent struct {
	at   time.Duration
	what question
}

// virtualRun is a probe that is over.
type virtualRun struct {
	res  Result
	err  error
	took time.Duration
	sent []sent
}

// pipeConn makes errors of the datagrams that stand for a refusal, and is slow with those that say so.
type pipeConn struct{ net.Conn }

func (c pipeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && string(b[:n]) == closed {
		return 0, &net.OpError{Op: "read", Err: portClosed}
	}
	if err == nil && string(b[:n]) == stall {
		time.Sleep(900 * ms) // virtual
	}
	return n, err
}

// probeVirtually probes a host at the other end of a pipe, in virtual time.
func probeVirtually(t *testing.T, o ProbeOptions, host []answerer) (run virtualRun) {
	synctest.Test(t, func(t *testing.T) {
		run = probePipe(t.Context(), o, host)
	})
	return run
}

func probePipe(ctx context.Context, o ProbeOptions, host []answerer) (run virtualRun) {
	ours, theirs := net.Pipe()
	start := time.Now()
	var tasks sync.WaitGroup
	tasks.Go(func() {
		buf := make([]byte, 1024)
		asked := map[string]int{}
		for {
			n, err := theirs.Read(buf)
			if err != nil {
				return
			}
			q := string(buf[:n])
			run.sent = append(run.sent, sent{time.Since(start), questionOf(buf[:n])})
			asked[q]++
			for _, a := range host {
				for _, r := range a([]byte(q), asked[q]) {
					tasks.Go(func() {
						time.Sleep(r.after) // virtual
						theirs.Write([]byte(r.say))
					})
				}
			}
		}
	})
	run.res, run.err = Probe(ctx, pipeConn{ours}, o)
	run.took = time.Since(start)
	ours.Close()
	theirs.Close()
	tasks.Wait()
	return run
}
