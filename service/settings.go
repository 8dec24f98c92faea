package service

import (
	"errors"
	"io/fs"
	"net/netip"
	"strings"

	"github.com/portsitter/portsitter/configs"
)

// settings reads the settings that hold for this call, with --page and --port put over them, and
// tells which file they came from: "" when there is none and the defaults hold. Every error of it
// exits with exitUsage.
func (a *app) settings() (configs.Settings, string, error) {
	path, err := a.settingsFile()
	if err != nil {
		return configs.Settings{}, "", err
	}
	s, err := load(path)
	if err != nil {
		return configs.Settings{}, path, err
	}
	if a.portFlag != "" {
		if s.Ports, err = onlyPort(s.Ports, configPortName, a.portFlag); err != nil {
			return configs.Settings{}, path, err
		}
	}
	if a.pageFlag != "" {
		page, err := parsePage(a.pageFlag)
		if err != nil {
			return configs.Settings{}, path, err
		}
		if !page.Addr().IsLoopback() && s.Page.Password == "" {
			return configs.Settings{}, path, fail(exitUsage,
				"--page %s would show the page to others without a password: set one in [page] of the settings, or use 127.0.0.1", page)
		}
		s.Page.Listen = []netip.AddrPort{page}
	}
	return s, path, nil
}

// load reads one settings file; "" means the defaults.
func load(path string) (configs.Settings, error) {
	if path == "" {
		return configs.Default(), nil
	}
	s, err := configs.Load(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return configs.Settings{}, fail(exitUsage, "there is no settings file %s: `portsitter config init --config FILE` writes one", path)
	case err == nil:
		return s, nil
	}
	if _, ok := errors.AsType[*configs.Error](err); ok {
		return configs.Settings{}, &failure{exitUsage, err} // it says what to do
	}
	return configs.Settings{}, fail(exitUsage, "%w: let this user read it, or name another file with --config FILE", err)
}

// parsePage reads what people write for the address of the page: 127.0.0.1:27880, localhost:27880,
// :27880, 27880, or the whole thing as copied from a browser. No name but localhost is looked up.
func parsePage(s string) (netip.AddrPort, error) {
	text := strings.TrimSuffix(strings.TrimPrefix(s, "http://"), "/")
	host, port, found := strings.Cut(text, ":")
	switch {
	case !found:
		text = "127.0.0.1:" + host
	case host == "" || strings.EqualFold(host, "localhost"):
		text = "127.0.0.1:" + port
	}
	page, err := netip.ParseAddrPort(text)
	if err != nil || page.Port() == 0 {
		return netip.AddrPort{}, fail(exitUsage, "--page %q is no address and port: write it like 127.0.0.1:27880", s)
	}
	return page, nil
}

// onlyPort returns the one of ports that is called name.
func onlyPort[P any](ports []P, nameOf func(P) string, name string) ([]P, error) {
	var names []string
	for _, p := range ports {
		if strings.EqualFold(nameOf(p), name) {
			return []P{p}, nil
		}
		names = append(names, nameOf(p))
	}
	all := "no port has a name"
	if len(names) > 0 {
		all = `the names are "` + strings.Join(names, `", "`) + `"`
	}
	return nil, fail(exitUsage, "there is no port %q: %s", name, orElse(didYouMean(name, names), all))
}

func configPortName(p configs.Port) string { return p.Name }
