package firewall

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// lookWithin bounds one look: firewall-cmd is a Python program, and takes its time.
const lookWithin = 10 * time.Second

// look reads the kernel's rules where that is permitted, else what ufw and firewalld tell.
func look(ctx context.Context, q Question) Report {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	p := packet{transport: q.Transport, port: q.Port, local: q.Local, device: q.Interface}
	if noNetfilter(os.DirFS("/")) {
		return Report{State: Allows}
	}
	r := unknown("only root may read the firewall's rules")
	if mayReadRules() {
		l, err := readListings(ctx)
		if err != nil {
			r = unknown(err.Error())
		} else if r = kernelReport(l, q, p); r.State != Unknown {
			return r
		}
	}
	if f := readUFW(); f.enabled() {
		return f.report(q, p)
	}
	if by, running := lookFirewalld(ctx, q, p); running {
		return by
	}
	if r.Next == "" {
		r.Next = "sudo nft list ruleset"
	}
	return r
}

// mayReadRules reports whether this process has CAP_NET_ADMIN: number 12 of capabilities(7).
func mayReadRules() bool {
	status, err := readSome("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(status) {
		if set, ok := strings.CutPrefix(line, "CapEff:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			return err == nil && bits&(1<<12) != 0
		}
	}
	return false
}

// readListings asks the tools for all rules. iptables is asked only for what nft cannot tell, and its
// old kind only where the kernel says that it is in use: looking must not load modules.
func readListings(ctx context.Context) (l listings, err error) {
	if tool("nft") == "" && tool("iptables-nft-save") == "" {
		return l, errors.New("neither nft nor iptables-nft-save is installed, so the firewall's rules cannot be listed")
	}
	if tool("nft") != "" {
		if l.nft, err = run(ctx, "nft", "-j", "list", "ruleset"); err != nil {
			return l, err
		}
	}
	if l.nft == "" || needsIPTables(l.nft) {
		if l.iptables, err = run(ctx, "iptables-nft-save"); err != nil {
			return l, err
		}
	}
	if names, err := readSome("/proc/net/ip_tables_names"); err == nil && strings.TrimSpace(names) != "" {
		if l.legacy, err = run(ctx, "iptables-legacy-save"); err != nil {
			return l, err
		}
	}
	return l, nil
}

func readUFW() (f ufwFiles) {
	f.conf, _ = readSome("/etc/ufw/ufw.conf")
	f.defaults, _ = readSome("/etc/default/ufw")
	f.rules, f.unread = readSome("/etc/ufw/user.rules")
	return f
}

// lookFirewalld asks firewalld about the zone of our interface.
func lookFirewalld(ctx context.Context, q Question, p packet) (r Report, running bool) {
	if tool("firewall-cmd") == "" {
		return r, false
	}
	if _, err := run(ctx, "firewall-cmd", "--state"); err != nil {
		return r, false
	}
	name := ""
	if q.Interface != "" {
		name, _ = run(ctx, "firewall-cmd", "--get-zone-of-interface="+q.Interface) // "no zone" is an error: the default one
	}
	if name = strings.TrimSpace(name); name == "" {
		name, _ = run(ctx, "firewall-cmd", "--get-default-zone")
		name = strings.TrimSpace(name)
	}
	listing, err := run(ctx, "firewall-cmd", "--zone="+name, "--list-all")
	z, ok := parseZone(listing)
	if err != nil || !ok {
		r = unknown("firewalld is running, but does not tell its rules")
		r.Firewall, r.Next = "firewalld", "sudo firewall-cmd --list-all"
		return r, true
	}
	const mostServices = 20
	services := strings.Fields(z.settings["services"])
	if r = z.report(q, p, ""); r.State != Blocks {
		return r, true
	}
	var ports strings.Builder
	for _, s := range services[:min(len(services), mostServices)] {
		info, _ := run(ctx, "firewall-cmd", "--info-service="+s)
		ports.WriteString(parseServicePorts(info) + " ")
	}
	if len(services) > mostServices {
		ports.WriteString(parseServicePorts(""))
	}
	return z.report(q, p, ports.String()), true
}

// noNetfilter reports whether the kernel has no packet filter at all, neither loaded nor built in. It
// is the one thing that everybody may know.
func noNetfilter(root fs.FS) bool {
	for _, module := range []string{"nf_tables", "ip_tables"} {
		if _, err := fs.Stat(root, "sys/module/"+module); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	release, err := fs.ReadFile(root, "proc/sys/kernel/osrelease")
	if err != nil {
		return false
	}
	builtin, err := fs.ReadFile(root, path.Join("lib/modules", strings.TrimSpace(string(release)), "modules.builtin"))
	return err == nil && !bytes.Contains(builtin, []byte("/nf_tables.ko")) && !bytes.Contains(builtin, []byte("/ip_tables.ko"))
}

// readSome reads a small file of the system.
func readSome(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostOutput+1))
	if err == nil && len(b) > mostOutput {
		err = errTooLong
	}
	return string(b), err
}
