package system

import (
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
)

func TestStateOf(t *testing.T) {
	for name, c := range map[string]struct {
		status svc.Status
		want   State
	}{
		"running":       {svc.Status{State: svc.Running}, Running},
		"starting":      {svc.Status{State: svc.StartPending}, Starting},
		"stopping":      {svc.Status{State: svc.StopPending}, Stopping},
		"stopped":       {svc.Status{State: svc.Stopped}, Stopped},
		"never started": {svc.Status{State: svc.Stopped, Win32ExitCode: uint32(windows.ERROR_SERVICE_NEVER_STARTED)}, Stopped},
		"failed":        {svc.Status{State: svc.Stopped, Win32ExitCode: uint32(windows.ERROR_SERVICE_SPECIFIC_ERROR)}, Failed},
	} {
		if got := stateOf(c.status); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// The service reads its settings and secrets, and writes nothing but logs and state: the orders that
// it follows, commands to start among them, are an administrator's.
func TestAccess(t *testing.T) {
	const full, write = windows.ACCESS_MASK(0x1f01ff), windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.WRITE_DAC | windows.DELETE
	for kind, c := range map[Folder]struct{ serviceWrites, othersRead bool }{
		SettingsFolder: {false, true}, LogsFolder: {true, true}, StateFolder: {true, false}, SecretsFolder: {false, false},
	} {
		rights := map[windows.WELL_KNOWN_SID_TYPE]windows.ACCESS_MASK{}
		sd, err := windows.SecurityDescriptorFromString(access[kind])
		if err != nil {
			t.Fatal(err)
		}
		control, _, err := sd.Control()
		if err != nil || control&windows.SE_DACL_PROTECTED == 0 {
			t.Errorf("%s: inherits from outside, %v", kind, err)
		}
		acl, _, err := sd.DACL()
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint32(acl.AceCount) {
			var ace *windows.ACCESS_ALLOWED_ACE
			if err := windows.GetAce(acl, i, &ace); err != nil {
				t.Fatal(err)
			}
			sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart))
			for _, who := range []windows.WELL_KNOWN_SID_TYPE{windows.WinLocalSystemSid, windows.WinBuiltinAdministratorsSid, windows.WinLocalServiceSid, windows.WinBuiltinUsersSid} {
				if sid.IsWellKnown(who) {
					rights[who] = ace.Mask
				}
			}
		}
		service, others := rights[windows.WinLocalServiceSid], rights[windows.WinBuiltinUsersSid]
		if len(rights) != int(acl.AceCount) || rights[windows.WinLocalSystemSid] != full || rights[windows.WinBuiltinAdministratorsSid] != full {
			t.Errorf("%s: %x", kind, rights)
		}
		if service&windows.FILE_READ_DATA == 0 || (service&windows.FILE_WRITE_DATA != 0) != c.serviceWrites || service&windows.WRITE_DAC != 0 {
			t.Errorf("%s: the service may %x", kind, service)
		}
		if (others&windows.FILE_READ_DATA != 0) != c.othersRead || others&write != 0 {
			t.Errorf("%s: others may %x", kind, others)
		}
	}
}

// What Windows makes of the access is to be seen on a real one only; that it takes it is seen here.
func TestMakeFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "Portsitter")
	for range 2 { // the second time it is there
		for kind := range access {
			if err := MakeFolder(folder, kind); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := MakeFolder(filepath.Join(folder, "missing", "below"), StateFolder); err == nil {
		t.Error("a folder in a folder that is not there")
	}
}
