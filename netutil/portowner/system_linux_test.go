package portowner

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"testing"
)

// boundSocket is one of ours.
func boundSocket(t *testing.T) socket {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	port := at(c.LocalAddr().String()).Port()
	found, err := sockets("udp", func(p uint16) bool { return p == port })
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	return found[0]
}

// While the process lives its socket is not looked for again; another socket, and the socket of a
// process that has ended, are.
func TestProcessesKnown(t *testing.T) {
	inode, self, gone := boundSocket(t).id, os.Getpid(), 1<<30
	for _, tt := range []struct {
		name  string
		known map[uint64]process
		walks bool
	}{
		{"nothing known", nil, true},
		{"known", map[uint64]process{inode: {self, "as remembered"}}, false},
		{"known to be hidden", map[uint64]process{inode: {}}, false},
		{"another one known", map[uint64]process{inode + 1: {self, "as remembered"}}, true},
		{"ended", map[uint64]process{inode: {gone, "as remembered"}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := processes(t.Context(), []uint64{inode}, tt.known)
			if err != nil {
				t.Fatal(err)
			}
			if want := tt.known[inode]; !tt.walks && got[inode] != want {
				t.Errorf("%+v, want %+v", got[inode], want)
			}
			if tt.walks && (got[inode].pid != self || got[inode].name == "as remembered") {
				t.Errorf("%+v is not found anew", got[inode])
			}
			if _, kept := got[inode+1]; len(tt.known) > 0 && tt.known[inode+1].pid != 0 && !kept {
				t.Error("forgot the other one")
			}
		})
	}
}

// What is not there is hidden, and an end of patience is no knowledge.
func TestProcessesNotFound(t *testing.T) {
	const nobodys = 1 << 40
	got, err := processes(t.Context(), []uint64{nobodys}, nil)
	if p, told := got[nobodys]; err != nil || !told || p != (process{}) {
		t.Errorf("%+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := processes(ctx, []uint64{nobodys}, nil); got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", got, err)
	}
}

// What is remembered does not grow for ever.
func TestProcessesForgets(t *testing.T) {
	known := make(map[uint64]process)
	for i := range uint64(maxKnown) {
		known[1<<40+i] = process{}
	}
	inode := boundSocket(t).id
	if got, err := processes(t.Context(), []uint64{inode}, known); err != nil || len(got) != 1 || got[inode].pid == 0 {
		t.Errorf("%d remembered, %v", len(got), err)
	}
}

func TestNumbersIn(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"10", "9", "self", "1a"} {
		if err := os.WriteFile(dir+"/"+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := numbersIn(dir); err != nil || !slices.Equal(got, []int{9, 10}) {
		t.Errorf("%v, %v", got, err)
	}
}
