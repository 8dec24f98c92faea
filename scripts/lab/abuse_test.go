//go:build lab && linux

package lab

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What the checker may need at most, in bytes.
const checkerMemory = 64 << 20

// stranger is another address on the internet.
var stranger = netip.MustParseAddr("11.77.0.9")

// A checker is no tool against others, and whoever abuses it is told so in one sentence.
func TestAbuse(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	// A closed port, so that a check is soon over; and a stranger who would take packets.
	h.lab("router", "forward", "27886")
	if out, err := h.command("router", "ip", "addr", "add", stranger.String()+"/24", "dev", "wan0").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := h.checker()
	sent := h.tapDatagrams("wan", "w0")
	before := c.memory("VmRSS")
	client := h.client("lan", 30*time.Second)

	tests := []struct {
		name, body string
		status     int
		words      string // in the answer
	}{
		{"another address", `{"host":"` + stranger.String() + `","port":27886}`, http.StatusBadRequest, "only the address that asks"},
		{"an address of the LAN", `{"host":"192.168.77.3","port":27886}`, http.StatusBadRequest, "only the address that asks"},
		{"a name", `{"host":"localhost","port":27886}`, http.StatusBadRequest, "must be an address"},
		{"port 53", `{"host":"11.77.0.2","port":53}`, http.StatusBadRequest, "port 53"},
		{"port 65536", `{"host":"11.77.0.2","port":65536}`, http.StatusBadRequest, "1025 to 65535"},
		{"nonsense", `{"host":`, http.StatusBadRequest, "JSON"},
		{"an array", `[1,2,3]`, http.StatusBadRequest, "JSON"},
		{"deep nonsense", strings.Repeat(`[`, 4000), http.StatusBadRequest, "JSON"},
		{"a megabyte", `{"host":"11.77.0.2","via":"` + strings.Repeat("x", 1<<20) + `"}`, http.StatusRequestEntityTooLarge, "4096 bytes"},
	}
	for _, tt := range tests {
		status, answer, err := post(client, tt.body)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if status != tt.status || !strings.Contains(answer, tt.words) || !strings.Contains(answer, `"success":false`) {
			t.Errorf("%s: %d %s; want %d with %q", tt.name, status, answer, tt.status, tt.words)
		}
	}
	if n := sent.to(outer); n != 0 {
		t.Errorf("%d datagrams for questions that were all refused", n)
	}
	checkSlowBodies(t, h)
	made := checkFlood(t, client)

	// A check is PINGRQ seven times at most, and five times a request with its EXIT.
	if n := sent.to(outer); n == 0 || n > 12*made {
		t.Errorf("%d datagrams to the address that asks, want at most 12 for each of %d checks", n, made)
	}
	if others := sent.others(outer); len(others) != 0 {
		t.Errorf("datagrams to others: %v", others)
	}
	after, peak := c.memory("VmRSS"), c.memory("VmHWM")
	t.Logf("memory %d MB before, %d MB after, %d MB at most; %d checks made", before>>20, after>>20, peak>>20, made)
	if peak > checkerMemory {
		t.Errorf("the checker has needed %d MB, want at most %d", peak>>20, checkerMemory>>20)
	}
}

func post(client *http.Client, body string) (status int, answer string, err error) {
	rsp, err := client.Post(checkURL, "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer rsp.Body.Close()
	text, err := io.ReadAll(rsp.Body)
	return rsp.StatusCode, string(text), err
}

// checkFlood sends a hundred questions at once, and returns how many checks were made of it.
func checkFlood(t *testing.T, client *http.Client) (made int) {
	t.Helper()
	var mu sync.Mutex
	seen := map[int]int{}
	var tasks sync.WaitGroup
	start, slots := time.Now(), make(chan struct{}, 20)
	for range 100 {
		slots <- struct{}{}
		tasks.Go(func() {
			defer func() { <-slots }()
			status, _, err := post(client, `{"host":"self","port":27886}`)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[status]++
		})
	}
	tasks.Wait()
	t.Logf("100 questions: %v after %v", seen, time.Since(start).Round(time.Millisecond))
	made = seen[http.StatusOK]
	if made < 1 || made > 8 || seen[http.StatusTooManyRequests] != 100-made {
		t.Errorf("answers %v, want a few checks and 429 for the rest", seen)
	}
	return made
}

// checkSlowBodies opens many questions and sends none to its end. Some are told that they took too
// long; a connection more than one address may have is hung up on.
func checkSlowBodies(t *testing.T, h *home) {
	t.Helper()
	const callers = 64
	var mu sync.Mutex
	told, hungUp := 0, 0
	var tasks sync.WaitGroup
	start := time.Now()
	for range callers {
		tasks.Go(func() {
			first, err := slowQuestion(h)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case strings.Contains(first, " 408 "):
				told++
			case err != nil:
				hungUp++
			default:
				t.Errorf("a slow question is answered with %q", first)
			}
		})
	}
	tasks.Wait()
	took := time.Since(start)
	t.Logf("%d slow questions: %d told so, %d hung up on, after %v", callers, told, hungUp, took.Round(time.Millisecond))
	if told == 0 || took > 10*time.Second {
		t.Errorf("%d were told so after %v, want some within 10 s", told, took)
	}
}

// slowQuestion returns the first line of the answer.
func slowQuestion(h *home) (string, error) {
	conn, err := h.dial("lan", "tcp4", checkerHost)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "POST /kaillera/p2p-check HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\n{", checkerHost); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

// datagrams counts UDP packets that leave by an interface, by where they go.
type datagrams struct {
	mu   sync.Mutex
	seen map[netip.Addr]int
}

// tapDatagrams starts counting; it ends with the test.
func (h *home) tapDatagrams(space, name string) *datagrams {
	h.t.Helper()
	var f *os.File
	err := h.inside(space, func() (err error) {
		f, err = openTap(name, unix.ETH_P_ALL)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	d := &datagrams{seen: map[netip.Addr]int{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.record(f)
	}()
	h.t.Cleanup(func() {
		f.Close()
		<-ended
	})
	return d
}

func (d *datagrams) record(f *os.File) {
	own := netip.MustParseAddr("11.77.0.1")
	buf := make([]byte, 2048)
	const udp = 17
	for {
		n, err := f.Read(buf)
		if err != nil {
			return
		}
		if n < 20 || buf[0]>>4 != 4 || buf[9] != udp || netip.AddrFrom4([4]byte(buf[12:16])) != own {
			continue
		}
		d.mu.Lock()
		d.seen[netip.AddrFrom4([4]byte(buf[16:20]))]++
		d.mu.Unlock()
	}
}

func (d *datagrams) to(a netip.Addr) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen[a]
}

// others are the packets to anybody else.
func (d *datagrams) others(than netip.Addr) map[netip.Addr]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[netip.Addr]int{}
	for a, n := range d.seen {
		if a != than {
			out[a] = n
		}
	}
	return out
}
