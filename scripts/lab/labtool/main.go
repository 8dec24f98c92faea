//go:build linux

// Labtool is what the router lab needs besides the distribution's own programs.
//
//	labtool echo   ADDR                   UDP echo server
//	labtool probe  ADDR [TIMEOUT [TRIES]] send a UDP packet and wait for the echo; exit 0: answered
//	labtool knock  ADDR [INTERVAL]        a UDP packet every 50 ms, each from a port of its own
//	labtool sink   ADDR                   log what knock sends and, at the end, the longest pause
//	labtool stun   ADDR                   STUN server: binding requests only (RFC 8489)
//	labtool getip  ADDR                   HTTP server that answers the caller's address as text
//	labtool listen [DURATION]             log what routers announce: NAT-PMP, PCP, SSDP
//	labtool game   [FLAGS] ADDR           host Kaillera P2P games, and tell of each change as a line of JSON:
//	                                      -kind g1|v05|rmg, -gap 10ms for which the port is closed after an EXIT,
//	                                      -retry 50ms where the port is taken, -count N on as many ports
//	labtool hostile MODE OWN GATEWAY VICTIM  a device that means harm: elsewhere, forge, epochs; gigabyte, strings, reset, hang
//	labtool wire   IF IF DELAY [LOSS]     a cable between two interfaces with delay and LOSS percent
//
// ADDR is address:port. What serves or logs goes on until SIGTERM or SIGINT.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

type command struct {
	args string
	min  int // arguments it needs
	max  int // arguments it takes
	run  func(ctx context.Context, args []string) error
}

func commands() map[string]command {
	return map[string]command{
		"echo":    {"ADDR", 1, 1, echo},
		"probe":   {"ADDR [TIMEOUT [TRIES]]", 1, 3, probe},
		"knock":   {"ADDR [INTERVAL]", 1, 2, knock},
		"sink":    {"ADDR", 1, 1, sink},
		"stun":    {"ADDR", 1, 1, stun},
		"getip":   {"ADDR", 1, 1, getip},
		"listen":  {"[DURATION]", 0, 1, listen},
		"game":    {"[-kind g1|v05|rmg] [-gap D] [-retry D] [-count N] ADDR", 1, 9, game},
		"hostile": {"elsewhere|forge|epochs|gigabyte|strings|reset|hang OWN GATEWAY VICTIM", 4, 4, hostile},
		"wire":    {"IF IF DELAY [LOSS]", 3, 4, wire},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: labtool echo|probe|knock|sink|stun|getip|listen|game|hostile|wire ...")
		return 2
	}
	c, ok := commands()[args[0]]
	if n := len(args) - 1; !ok || n < c.min || n > c.max {
		fmt.Fprintf(os.Stderr, "usage: labtool %s %s\n", args[0], c.args)
		return 2
	}
	if err := c.run(ctx, args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "labtool %s: %v\n", args[0], err)
		return 1
	}
	return 0
}
