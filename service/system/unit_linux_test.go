package system

import (
	"strings"
	"testing"
)

// What packages ship is a unit as it stands, and ours is the same but for the program.
func TestUnitFor(t *testing.T) {
	const line = "\nExecStart=/usr/bin/portsitter service run\n"
	if strings.Count(unitFile, line) != 1 {
		t.Fatal("portsitter.service does not run /usr/bin/portsitter, once")
	}
	if strings.Contains(unitFile, "{{") {
		t.Fatal("kardianos/service takes this for one of its keys")
	}
	got := unitFor("/usr/local/bin/portsitter", false)
	want := madeMark + strings.Replace(unitFile, line, "\nExecStart=/usr/local/bin/portsitter service run\n", 1)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReadUnit(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		origin  Origin
		program string
		copied  bool
	}{
		"ours":                {unitFor("/opt/p/portsitter", false), Ours, "/opt/p/portsitter", false},
		"ours, with the file": {unitFor("/usr/local/bin/portsitter", true), Ours, "/usr/local/bin/portsitter", true},
		"a package's":         {unitFile, Stranger, packageProgram, false},
		"somebody's":          {"[Service]\n ExecStart=/opt/sitter/run --fast\nExecStart=/b\n", Stranger, "/opt/sitter/run", false},
		"that runs nothing":   {"[Service]\nExecStart=\n", Stranger, "", false},
		"empty":               {"", Stranger, "", false},
		"that speaks of us":   {"[Unit]\n" + madeMark, Stranger, "", false},
	} {
		origin, program, copied := readUnit(c.text)
		if origin != c.origin || program != c.program || copied != c.copied {
			t.Errorf("%s: got %q, %q, %v", name, origin, program, copied)
		}
	}
}

func TestPlainPath(t *testing.T) {
	for path, plain := range map[string]bool{
		"/usr/local/bin/portsitter": true,
		"/opt/p-1.0_x+y/portsitter": true,
		"/home/a b/portsitter":      false,
		"/opt/100%n/portsitter":     false,
		"/opt/$HOME/portsitter":     false,
		"/opt/{{Name}}/portsitter":  false,
		"/opt/a\nUser=root":         false,
	} {
		if got := plainPath(path) == nil; got != plain {
			t.Errorf("%q is plain: %v, want %v", path, got, plain)
		}
	}
}

func TestParseSystemd(t *testing.T) {
	const unit = "LoadState=loaded\nFragmentPath=/etc/systemd/system/portsitter.service\nUnitFileState=enabled\n"
	for name, c := range map[string]struct {
		answer string
		state  State
		says   string
		pid    int
	}{
		"running":                  {unit + "ActiveState=active\nSubState=running\nMainPID=42\nStatusText=You can host: a=b\nResult=success\n", Running, "You can host: a=b", 42},
		"stopped":                  {unit + "ActiveState=inactive\nSubState=dead\nMainPID=0\nStatusText=old\n", Stopped, "", 0},
		"failed":                   {unit + "ActiveState=failed\nSubState=failed\nResult=watchdog\n", Failed, "the last run ended with: watchdog", 0},
		"failed, and told why":     {unit + "ActiveState=failed\nSubState=failed\nResult=exit-code\nStatusText=Ended: line 2 is wrong\n", Failed, "the last run ended with: line 2 is wrong", 0},
		"failed, and told nothing": {unit + "ActiveState=failed\nSubState=failed\nResult=signal\nStatusText=You can host\n", Failed, "the last run ended with: signal", 0},
		"masked while it runs":     {"LoadState=masked\nActiveState=active\nFragmentPath=/dev/null\n", Running, "", 0},
		"again":                    {unit + "ActiveState=activating\nSubState=auto-restart\nResult=exit-code\n", Starting, "the last run ended with: exit-code", 0},
		"starting":                 {unit + "ActiveState=activating\nSubState=start\nMainPID=43\n", Starting, "", 43},
		"stopping":                 {unit + "ActiveState=deactivating\nSubState=stop-sigterm\nMainPID=43\n", Stopping, "", 43},
		"absent":                   {"LoadState=not-found\nActiveState=inactive\nSubState=dead\n", Absent, "", 0},
		"masked":                   {"LoadState=masked\nActiveState=inactive\nFragmentPath=/etc/systemd/system/portsitter.service\n", Masked, "", 0},
		"nonsense":                 {"\n=\nMainPID=x", Stopped, "", 0},
	} {
		got := parseSystemd(c.answer)
		if hidden := strings.HasPrefix(name, "masked"); hidden != (got.Definition == "") && got.State != Absent && name != "nonsense" {
			t.Errorf("%s: it is written down in %q", name, got.Definition)
		}
		if got.State != c.state || got.Says != c.says || got.PID != c.pid {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	got := parseSystemd(unit + "ActiveState=active\nStateChangeTimestamp=Fri 2026-11-20 14:01:02 UTC\n")
	if got.Since.Unix() != 1795183262 || !got.AutoStart || got.Definition != ownUnit {
		t.Errorf("got %+v", got)
	}
}

func TestOriginOf(t *testing.T) {
	for name, c := range map[string]struct {
		path, text string
		origin     Origin
		outdated   bool
	}{
		"installed":             {ownUnit, unitFor("/usr/local/bin/portsitter", true), Ours, false},
		"by an older version":   {ownUnit, madeMark + "[Service]\nExecStart=/usr/local/bin/portsitter service run\n", Ours, true},
		"packaged":              {"/usr/lib/systemd/system/portsitter.service", unitFile, Package, false},
		"packaged, merged /usr": {"/lib/systemd/system/portsitter.service", unitFile, Package, false},
		"another one's package": {"/usr/lib/systemd/system/portsitter.service", "[Service]\nExecStart=/usr/bin/sitter", Stranger, false},
		"written by hand":       {ownUnit, unitFile, Stranger, false},
	} {
		got := originOf(Service{Definition: c.path}, c.text)
		if got.Origin != c.origin || got.Outdated != c.outdated {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
