package simhome

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
	"unicode/utf8"
)

// Smash64 plays Smash64 Online's checker (smash64-dev/serverless-tools) packet by packet, with its
// weaknesses: it never repeats a packet, waits 2 s for each answer, stumbles over names that are not
// UTF-8, and leaves a host half-open when it gives up.
type Smash64 struct {
	Wait time.Duration // for each answer; 0 = 2 s
	From string        // the address of who asked, for its chat lines
	Via  string        // likewise, what he asked with
}

// Smash64Verdict is what the checker says.
type Smash64Verdict struct {
	Success    bool
	User, Game string // also set when the host stopped answering later on
	Err        error  // why it is no success; its service says "Unable to connect" to all of them
}

// errGivesUp is among the reasons for a failure; the others are the network's.
var errGivesUp = errors.New("the checker gives up")

// smash64Kinds are the type bytes that the checker knows; it stumbles over any other.
var smash64Kinds = []byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x10\x11\x12\x13\x15\x20\x23\x43")

// Check asks the host at to, as the service does for its address.
func (s Smash64) Check(ctx context.Context, to netip.AddrPort) Smash64Verdict {
	if s.Wait == 0 {
		s.Wait = 2 * time.Second
	}
	conn, err := new(net.Dialer).DialContext(ctx, "udp4", to.String())
	if err != nil {
		return Smash64Verdict{Err: err}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c := smash64Client{conn: conn, wait: s.Wait, buf: make([]byte, 8192)}
	var v Smash64Verdict
	if v.User, v.Game, v.Err = c.join(); v.Err != nil {
		return v
	}
	for i, line := range s.lines(v.User, to) {
		if v.Err = c.send(n02Chat, n02Line(5, line)); v.Err != nil {
			return v
		}
		if i > 0 {
			continue
		}
		if _, v.Err = c.receive(); v.Err != nil {
			return v
		}
	}
	v.Err = c.send(n02Exit, nil)
	v.Success = v.Err == nil
	return v
}

// lines are seven, like the service's, with words of ours.
func (s Smash64) lines(user string, to netip.AddrPort) []string {
	return []string{
		"\n",
		"Hello " + user + ", your port is open.",
		fmt.Sprintf("Tell %s to whom you want to play with.\n", to),
		"Do not tell it to everybody.",
		fmt.Sprintf("Asked for by %s with %s.", s.From, s.Via),
		"Was it not you? Then tell us.\n",
		"Have fun",
	}
}

// smash64Client is one check under way. Every datagram repeats all that was sent before.
type smash64Client struct {
	conn net.Conn
	wait time.Duration
	sent []n02Message // newest first
	buf  []byte
}

// join asks up to four times, though only when an answer came that is no accept, and confirms.
func (c *smash64Client) join() (user, game string, err error) {
	if err := c.send(n02Request, n02Login("smash64.online", "p2p-checker-bot")); err != nil {
		return "", "", err
	}
	for range 3 {
		messages, err := c.receive()
		if err != nil {
			return "", "", err
		}
		for _, m := range messages {
			switch m.typ {
			case n02Reject:
				return "", "", fmt.Errorf("%w: the host rejects it", errGivesUp)
			case n02Accept:
				return c.confirm(m.body)
			}
		}
		if err := c.send(n02Request, n02Login("smash64.online", "p2p-checker-bot")); err != nil {
			return "", "", err
		}
	}
	if _, err := c.receive(); err != nil {
		return "", "", err
	}
	return "", "", fmt.Errorf("%w: no accept among three answers", errGivesUp)
}

// confirm reads the names only after the host has heard the confirmation.
func (c *smash64Client) confirm(names []byte) (user, game string, err error) {
	names = bytes.Clone(names) // a part of the buffer for the next answer
	if err := c.send(n02Accept, nil); err != nil {
		return "", "", err
	}
	if _, err := c.receive(); err != nil {
		return "", "", err
	}
	var parts []string
	for p := range bytes.SplitSeq(names, []byte{0}) {
		if len(p) > 0 {
			parts = append(parts, string(p))
		}
	}
	if !utf8.Valid(names) || len(parts) != 2 {
		return "", "", fmt.Errorf("%w: %q are not two names in UTF-8", errGivesUp, parts)
	}
	return parts[0], parts[1], nil
}

func (c *smash64Client) send(typ byte, body []byte) error {
	c.sent = append([]n02Message{{byte(len(c.sent)), typ, body}}, c.sent...)
	_, err := c.conn.Write(n02Pack(c.sent))
	return err
}

func (c *smash64Client) receive() ([]n02Message, error) {
	c.conn.SetReadDeadline(time.Now().Add(c.wait))
	n, err := c.conn.Read(c.buf)
	if err != nil {
		return nil, err
	}
	return smash64Decode(c.buf[:n])
}

// smash64Decode reads a datagram as the checker does: the body of a message runs one byte too far,
// into the next message's serial; and whatever does not add up ends the check.
func smash64Decode(b []byte) ([]n02Message, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var messages []n02Message
	rest := b[1:]
	for range b[0] {
		if len(rest) < 3 || !bytes.Contains(smash64Kinds, rest[2:3]) {
			return nil, fmt.Errorf("%w: % x does not decode", errGivesUp, b)
		}
		size := int(rest[1])
		messages = append(messages, n02Message{rest[0], rest[2], rest[3:min(len(rest), 3+size)]})
		rest = rest[min(len(rest), 2+size):]
	}
	return messages, nil
}
