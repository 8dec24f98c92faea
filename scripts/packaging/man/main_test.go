package main

import (
	"errors"
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	texts := map[string]string{
		"":    "It keeps a door open.\n\n  portsitter run   keep it open\n\nVerbs:\n  run         keep it open\n  help VERB   more about one verb\n\nFlags:\n  --port NAME   only this port\n",
		"run": "Keep it open,\nand more.\n\n  portsitter run\n\nFlags:\n  --fast   be quick\n           and dirty\n\n.dot 'quoted' back\\slash\n",
	}
	var b strings.Builder
	err := page(&b, "2026-01-02", "1.2.3", func(verb ...string) (string, error) { return texts[strings.Join(verb, " ")], nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`.TH PORTSITTER 1 "2026-01-02" "Portsitter 1.2.3"` + "\n",
		".SH DESCRIPTION\n.PP\nIt keeps a door open.\n.TP\n\\fBportsitter run\\fR\nkeep it open\n",
		".SH OPTIONS\n.PP\nFlags:\n.TP\n\\fB\\-\\-port NAME\\fR\nonly this port\n",
		".SS portsitter run\n.PP\nKeep it open,\nand more.\n.PP\n.RS 2\n.nf\nportsitter run\n.fi\n.RE\n",
		".TP\n\\fB\\-\\-fast\\fR\nbe quick\nand dirty\n.PP\n\\&.dot \\(aqquoted\\(aq back\\eslash\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("not in there: %q", want)
		}
	}
	if strings.Contains(b.String(), "portsitter help") {
		t.Error("help VERB is no verb to describe")
	}
	if t.Failed() {
		t.Log(b.String())
	}
}

func TestPageRefuses(t *testing.T) {
	for name, help := range map[string]func(...string) (string, error){
		"no verbs":             func(...string) (string, error) { return "Nothing.\n", nil },
		"an empty list":        func(...string) (string, error) { return "It.\n\nVerbs:\n\nFlags:\n", nil },
		"a program that fails": func(...string) (string, error) { return "", errors.New("broken") },
	} {
		if err := page(&strings.Builder{}, "", "", help); err == nil {
			t.Errorf("%s: a page all the same", name)
		}
	}
}
