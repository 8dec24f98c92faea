package service

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// systemName is the version of Windows; build 22000 and later are Windows 11.
func systemName() string {
	v := windows.RtlGetVersion()
	return fmt.Sprintf("Windows %d.%d build %d", v.MajorVersion, v.MinorVersion, v.BuildNumber)
}
