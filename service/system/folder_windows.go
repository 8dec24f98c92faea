package system

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// access is who gets at a folder and what is in it, as security descriptors: FA is everything, modify
// is that without the right to change the access, read is to read. SY is the system, BA the
// administrators, LS the account of the service, BU every user. Nothing is inherited from
// %ProgramData%, where every user may make files.
const (
	read   = "0x1200a9"
	modify = "0x1301bf"
	always = "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
)

var access = map[Folder]string{
	SettingsFolder: always + "(A;OICI;" + read + ";;;LS)(A;OICI;" + read + ";;;BU)",
	LogsFolder:     always + "(A;OICI;" + modify + ";;;LS)(A;OICI;" + read + ";;;BU)",
	StateFolder:    always + "(A;OICI;" + modify + ";;;LS)",
	SecretsFolder:  always + "(A;OICI;" + read + ";;;LS)",
}

func makeFolder(path string, kind Folder) error {
	sd, err := windows.SecurityDescriptorFromString(access[kind])
	if err != nil {
		return fmt.Errorf("the access to %s cannot be set: %w", path, err)
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return fmt.Errorf("the folder of the service cannot be made: %w", err)
	}
	// It is never there without its access: not for a moment may another user put something into it.
	security := windows.SecurityAttributes{SecurityDescriptor: sd}
	security.Length = uint32(unsafe.Sizeof(security))
	err = windows.CreateDirectory(name, &security)
	switch {
	case errors.Is(err, fs.ErrExist):
		if err := checkFolder(path); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("the folder of the service cannot be made: %w", &fs.PathError{Op: "mkdir", Path: path, Err: err})
	}
	if err := setAccess(path, sd); err != nil {
		return fmt.Errorf("the access to %s cannot be set: %w", path, err)
	}
	return nil
}

// setAccess gives a folder, and what has been in it, owner and access of sd.
func setAccess(path string, sd *windows.SECURITY_DESCRIPTOR) error {
	owner, _, err := sd.Owner()
	if err != nil {
		return err
	}
	acl, _, err := sd.DACL()
	if err != nil {
		return err
	}
	return windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, owner, nil, acl, nil)
}

// checkFolder refuses what is no plain folder, and a folder whose owner is not the system, the
// administrators, the service, or the administrator who is calling.
func checkFolder(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("%s cannot be looked at: %w", path, err)
	}
	if !info.IsDir() || info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0 {
		return fmt.Errorf("%s is there already, and no plain folder: look what it is, and move it away", path)
	}
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("the owner of %s cannot be read: %w", path, err)
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return fmt.Errorf("the owner of %s cannot be read: %w", path, err)
	}
	for _, trusted := range []windows.WELL_KNOWN_SID_TYPE{
		windows.WinLocalSystemSid, windows.WinBuiltinAdministratorsSid, windows.WinLocalServiceSid,
	} {
		if owner.IsWellKnown(trusted) {
			return nil
		}
	}
	if caller, err := windows.GetCurrentProcessToken().GetTokenUser(); err == nil && owner.Equals(caller.User.Sid) {
		return nil
	}
	return fmt.Errorf("%s is there already and belongs to %s: look what is in it, and move it away", path, accountName(owner))
}

func accountName(sid *windows.SID) string {
	account, domain, _, err := sid.LookupAccount("")
	if err != nil {
		return sid.String()
	}
	return domain + `\` + account
}
