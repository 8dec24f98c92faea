package service

import (
	"os"

	"golang.org/x/sys/windows"
)

// browse opens url in the browser of this person. Over SSH there is none.
func browse(url string) error {
	if os.Getenv("SSH_CONNECTION") != "" {
		return errNoBrowser
	}
	return shellExecute("open", url, "", windows.SW_SHOWNORMAL)
}

// shellExecute has Windows do verb ("open", "runas") with a file or address.
func shellExecute(verb, file, args string, show int32) error {
	v, err := windows.UTF16PtrFromString(verb)
	if err != nil {
		return err
	}
	f, err := windows.UTF16PtrFromString(file)
	if err != nil {
		return err
	}
	a, err := windows.UTF16PtrFromString(args)
	if err != nil {
		return err
	}
	return windows.ShellExecute(0, v, f, a, nil, show)
}
