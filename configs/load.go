package configs

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

//go:embed portsitter.toml
var embedded string

// defaults reads the embedded file once, when somebody asks for the first time.
var defaults = sync.OnceValue(func() Settings {
	s, err := parse("", embedded, Settings{})
	if err != nil {
		panic("the embedded portsitter.toml is wrong: " + err.Error()) // a test reads it: cannot happen in a build that passed
	}
	return s
})

// Default gives the settings of the embedded portsitter.toml. The caller may change what it gets.
func Default() Settings { return defaults().clone() }

// Template gives the embedded portsitter.toml: all keys, their defaults, and comments for people.
func Template() []byte { return []byte(embedded) }

// Load reads the settings file at path. Keys that it leaves out have their default. A missing file
// is an error that satisfies errors.Is(err, fs.ErrNotExist): whether that matters is the caller's
// choice. What is wrong inside the file is an *Error.
func Load(path string) (Settings, error) {
	f, err := os.Open(path)
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1)) // one more, so that Parse sees that it is too long
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	return Parse(path, data)
}

// Parse reads settings from data; name is the file they came from, for Settings.Source and for
// error texts. Every error is an *Error.
func Parse(name string, data []byte) (Settings, error) {
	if len(data) > MaxSize {
		return Settings{}, (&Error{Read: "the file is longer than 256 KiB", Hint: "a settings file is a few lines of text"}).in(name)
	}
	return parse(name, string(data), Default())
}

// parse lays the file in text over base.
func parse(name, text string, base Settings) (Settings, error) {
	text, err := plainText(text)
	if err != nil {
		return Settings{}, err.in(name)
	}
	doc, err := decode(text)
	if err != nil {
		return Settings{}, err.in(name)
	}
	r := newReader(doc.root, base)
	for _, e := range doc.entries {
		if err := r.take(e); err != nil {
			return Settings{}, err.in(name)
		}
	}
	if err := r.finish(); err != nil {
		return Settings{}, err.in(name)
	}
	r.settings.Source = name
	return *r.settings, nil
}

// clone gives a copy that shares no memory with s.
func (s Settings) clone() Settings {
	s.Ports = slices.Clone(s.Ports)
	s.Router.Protocols = slices.Clone(s.Router.Protocols)
	s.PublicIP.HTTP = slices.Clone(s.PublicIP.HTTP)
	s.PublicIP.STUN = slices.Clone(s.PublicIP.STUN)
	s.Checker.URLs = slices.Clone(s.Checker.URLs)
	s.Page.Listen = slices.Clone(s.Page.Listen)
	s.Page.Hosts = slices.Clone(s.Page.Hosts)
	s.Notify.Command = slices.Clone(s.Notify.Command)
	s.Notify.Webhooks = slices.Clone(s.Notify.Webhooks)
	return s
}
