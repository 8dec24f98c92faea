package service

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/portsitter/portsitter/configs"
)

func readmeText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeExplainsEveryCode: every diagnosis that the daemon can come to has its section under
// "It says X. What now?", and no section is about one that it cannot.
func TestReadmeExplainsEveryCode(t *testing.T) {
	source, err := os.ReadFile("../daemon/diagnosis.go")
	if err != nil {
		t.Fatal(err)
	}
	readme := readmeText(t)
	can := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\t\w+ +Code = "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1) {
		can[m[1]] = true
		if !strings.Contains(readme, "\n### "+m[1]+"\n") {
			t.Errorf("README has no section %q", m[1])
		}
	}
	if len(can) < 10 {
		t.Fatalf("found only %d codes in diagnosis.go", len(can))
	}
	for _, m := range regexp.MustCompile(`(?m)^### ([a-z-]+)$`).FindAllStringSubmatch(readme, -1) {
		if !can[m[1]] {
			t.Errorf("README explains %q, which is no code", m[1])
		}
	}
}

// TestReadmeNamesWhatItTalksTo: every server of the default settings is covered by a row of the
// table, with the key that switches it off.
func TestReadmeNamesWhatItTalksTo(t *testing.T) {
	readme, s := readmeText(t), configs.Default()
	for key, used := range map[string]bool{
		"`http = []`": len(s.PublicIP.HTTP) > 0, "`stun = []`": len(s.PublicIP.STUN) > 0, "`protocols`": len(s.Router.Protocols) > 0,
	} {
		if used && !strings.Contains(readme, key) {
			t.Errorf("README does not say how %s switches its source off", key)
		}
	}
}
