//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// STUN numbers (RFC 8489 sections 5, 14.2 and 18.3).
const (
	stunHeader          = 20
	stunCookie          = 0x2112A442
	stunBindingRequest  = 0x0001
	stunBindingSuccess  = 0x0101
	stunXORMapped       = 0x0020
	stunXORMappedLength = 8
	stunIPv4            = 1
)

func stun(ctx context.Context, args []string) error {
	return serve(ctx, args[0], bindingAnswer)
}

// bindingAnswer answers a STUN binding request with the address it came from, and anything else
// with nothing.
func bindingAnswer(from netip.AddrPort, packet []byte) []byte {
	if len(packet) < stunHeader || binary.BigEndian.Uint16(packet) != stunBindingRequest ||
		binary.BigEndian.Uint32(packet[4:]) != stunCookie || !from.Addr().Is4() {
		return nil
	}
	ip := from.Addr().As4()
	b := make([]byte, 0, stunHeader+4+stunXORMappedLength)
	b = binary.BigEndian.AppendUint16(b, stunBindingSuccess)
	b = binary.BigEndian.AppendUint16(b, 4+stunXORMappedLength)
	b = append(b, packet[4:stunHeader]...) // cookie and transaction
	b = binary.BigEndian.AppendUint16(b, stunXORMapped)
	b = binary.BigEndian.AppendUint16(b, stunXORMappedLength)
	b = append(b, 0, stunIPv4)
	b = binary.BigEndian.AppendUint16(b, from.Port()^(stunCookie>>16))
	return binary.BigEndian.AppendUint32(b, binary.BigEndian.Uint32(ip[:])^stunCookie)
}

func getip(ctx context.Context, args []string) error {
	srv := &http.Server{
		Addr:              args[0],
		ReadHeaderTimeout: 5 * time.Second,
		Handler:           http.HandlerFunc(callersAddress),
	}
	defer context.AfterFunc(ctx, func() { srv.Close() })()
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func callersAddress(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, host) // the caller has gone: nobody to tell
}
